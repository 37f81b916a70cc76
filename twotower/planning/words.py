"""A plan as text: the parts, whether they fit, what there is in other forms."""

from __future__ import annotations

from collections.abc import Iterator

from twotower.amounts import gigabytes, parameters
from twotower.model.device import named_precision
from twotower.planning.plan import Part, Plan, forms
from twotower.tables import NONE, Table, aligned

CARDS = (16, 24, 32, 40, 48, 64, 80, 96, 141, 192)  # gigabytes that GPUs are sold with


def as_text(plan: Plan) -> str:
    """The whole of it."""
    return "\n\n".join([heading(plan), aligned([parts_table(plan), forms_table(plan)]), *verdicts(plan)])


def briefly(plan: Plan) -> str:
    """What is about to be loaded, and what to do where it does not fit."""
    return "\n".join([heading(plan), *verdicts(plan), *advice(plan)])


def heading(plan: Plan) -> str:
    """Size and dtype in a line."""
    setup = plan.setup
    config, kept = setup.config, named_precision(setup.dtype, setup.config.bits)
    towers = "both towers" if setup.denoiser_device is not None else "the context tower alone"
    size = f"{parameters(plan.parameters)} parameters, {gigabytes(plan.weights_nbytes)} in {kept}"
    return f"{config.num_hidden_layers} layers × {config.hidden_size}, {towers}: {size}."


def verdicts(plan: Plan) -> Iterator[str]:
    """A line for each device."""
    for device, free in plan.free.items():
        needed = gigabytes(plan.needs(device))
        if free is None:
            yield f"{device}: {needed} needed; what is free there is not known."
        else:
            fits = "does not fit" if device in plan.lacking() else "fits"
            yield f"{device}: {needed} needed, {gigabytes(free)} free: {fits}."


def advice(plan: Plan) -> Iterator[str]:
    """Other forms, where this one does not fit."""
    if plan.lacking():
        yield "Other forms:\n" + aligned([forms_table(plan)])


def parts_table(plan: Plan) -> Table:
    """Group by group, with what each adds up to."""
    lines: list[tuple[str, ...]] = []
    for group in dict.fromkeys(part.group for part in plan.parts):
        parts = [part for part in plan.parts if part.group == group]
        if parts[0].parameters:
            counted, nbytes = sum(part.parameters for part in parts), sum(part.nbytes for part in parts)
            lines.append(_line(Part(group, group, parts[0].device, nbytes, counted)))
        else:
            lines.append((group, "", "", ""))
        lines += (_line(part, indent="  ") for part in parts)
    return ("", "parameters", "bytes", "device"), lines


def forms_table(plan: Plan) -> Table:
    """What each form needs of each card, weights and all, and the least card that has so much."""
    lines: list[tuple[str, ...]] = []
    for form in forms(plan):
        needed = [form.needs(device) for device in form.setup.devices]
        least = next((card for card in CARDS if card * 1e9 >= max(needed)), None)
        cards = NONE if least is None else f"{len(needed)} × {least} GB"
        lines.append((options(form), " + ".join(map(gigabytes, needed)), cards))
    return ("on GPUs", "needed", "cards of at least"), lines


def options(form: Plan) -> str:
    """How a form is asked for."""
    setup = form.setup
    said = []
    if len(setup.devices) == 2:
        said.append(f"--context-device {setup.context_device} --denoiser-device {setup.denoiser_device}")
    if setup.denoiser_device is None:
        said.append("--denoiser-device none")
    if setup.config.bits is not None:
        said.append(f"--quantize {setup.config.bits}")
    return " ".join(said) or f"--device {setup.context_device}"


def _line(part: Part, indent: str = "") -> tuple[str, ...]:
    counted = parameters(part.parameters) if part.parameters else NONE
    return (indent + part.name, counted, gigabytes(part.nbytes), str(part.device))
