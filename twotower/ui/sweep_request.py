"""What a visitor wants swept, read from raw widget values and checked once. Knows no Gradio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from twotower.errors import InputError
from twotower.examples import Examples
from twotower.sampling.generate import check_prompt
from twotower.sampling.settings import UNMASKING, SamplingSettings
from twotower.sweeping.grid import AXES, MOST_REPEATS, SweepGrid, axes_of
from twotower.sweeping.plan import SweepPlan, SweepPrompt
from twotower.text import encode_prompt
from twotower.training.tasks import TASKS, instances
from twotower.ui.request import read_count, read_request

if TYPE_CHECKING:
    from twotower import TwoTower

MOST_INSTANCES = 20
ABOVE = "above"  # the pick that stands for the page's prompt; examples are picked by number, "0" and up


@dataclass(frozen=True)
class RawSweep:
    """The raw values of the tab's widgets, in the order of its inputs."""

    prompts: object
    tasks: object
    instances: object
    unmasking: object
    thresholds: object
    factors: object
    entropy_bounds: object
    steps_per_block: object
    block_sizes: object
    verify: object
    repeats: object


def read_plan(
    model: TwoTower, examples: Examples, prompt: object, values: dict[str, object], raw: RawSweep
) -> SweepPlan:
    """The plan of a sweep; `prompt` and `values` are the page's. Raises InputError naming the field."""
    grid = read_grid(raw)
    kept = {name: value for name, value in values.items() if name not in AXES.values()}
    asked = read_request(prompt, "diffusion", kept, ("diffusion",), model.config.trained_block_size)
    for size in grid.block_sizes:
        SamplingSettings(block_size=size).warnings(model.config.trained_block_size)  # raises beyond the possible
    prompts = _read_prompts(model, examples, asked.prompt, raw, asked.settings.seed)
    for each in prompts:
        check_prompt(model, each.ids, asked.settings.max_new_tokens)
    return SweepPlan(grid, prompts, asked.settings)


def read_grid(raw: RawSweep) -> SweepGrid:
    """The grid the boxes describe; a box that none of the picked rules asks for is not read."""
    unmasking = tuple(_picks("unmasking", raw.unmasking, UNMASKING))
    asked = axes_of(unmasking)

    def numbers(axis: str) -> tuple[float, ...]:
        return tuple(read_numbers(axis, getattr(raw, axis))) if axis in asked else ()

    def counts(axis: str) -> tuple[int, ...]:
        return tuple(map(int, read_numbers(axis, getattr(raw, axis), whole=True))) if axis in asked else ()

    return SweepGrid(
        thresholds=numbers("thresholds"),
        steps_per_block=counts("steps_per_block"),
        block_sizes=counts("block_sizes"),
        repeats=read_count("repeats", raw.repeats, MOST_REPEATS),
        unmasking=unmasking,
        factors=numbers("factors"),
        entropy_bounds=numbers("entropy_bounds"),
        verify=raw.verify,  # type: ignore[arg-type]  # the grid checks its type
    )


def read_numbers(field: str, text: object, whole: bool = False) -> list[float]:
    """Numbers separated by commas or spaces."""
    allowed = f"{'whole ' if whole else ''}numbers separated by commas"
    if not isinstance(text, str):
        raise InputError(field, text, allowed)
    numbers: list[float] = []
    for part in text.replace(",", " ").split():
        try:
            numbers.append(int(part) if whole else float(part))
        except ValueError as error:
            raise InputError(field, part, allowed) from error
    return numbers


def _read_prompts(model: TwoTower, examples: Examples, above: str, raw: RawSweep, seed: int) -> tuple[SweepPrompt, ...]:
    texts = {ABOVE: above, **{str(number): example.prompt for number, example in enumerate(examples.prompts)}}
    picked = [texts[pick] for pick in _picks("prompts", raw.prompts, list(texts))]
    prompts = [SweepPrompt(tuple(encode_prompt(model, text))) for text in picked]
    tasks = _picks("tasks", raw.tasks, list(TASKS))
    many = read_count("instances", raw.instances, MOST_INSTANCES) if tasks else 0
    for task in tasks:
        asked = islice(instances(task, seed, held_out=True), many)
        prompts += [SweepPrompt(tuple(encode_prompt(model, each.prompt)), each.answer) for each in asked]
    # The same prompt picked twice counts once, with its answer where one of the two has it.
    return tuple({each.ids: each for each in sorted(prompts, key=lambda each: each.answer is not None)}.values())


def _picks(field: str, values: object, known: Sequence[str]) -> list[str]:
    if not isinstance(values, (list, tuple)):
        raise InputError(field, values, "a list")
    for value in values:
        if value not in known:
            raise InputError(field, value, "one of " + ", ".join(known))
    return list(dict.fromkeys(values))
