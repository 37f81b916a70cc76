"""Say what a model needs, part by part and device by device, from its config.json alone."""

from __future__ import annotations

import argparse
import json

from twotower.commands import options
from twotower.errors import InputError
from twotower.planning.load import plan_for
from twotower.planning.plan import TOKENS, Plan, forms
from twotower.planning.words import as_text
from twotower.planning.words import options as form_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The model, where it is to run, how long a text."""
    options.add_model(parser)
    parser.add_argument(
        "--tokens", type=int, default=TOKENS, help=f"of a text that there is to be memory for (default: {TOKENS})"
    )
    options.add_json(parser, "the same figures")


def run(arguments: argparse.Namespace) -> None:
    """Print it; nothing is loaded, and of a repository nothing but config.json is downloaded."""
    options.check_place("--json", arguments.json)
    if arguments.tokens < 1:
        raise InputError("--tokens", arguments.tokens, "a whole number of at least 1")
    plan = plan_for(options.source(arguments), arguments.revision, options.wanted(arguments), arguments.tokens)
    print(as_text(plan))
    options.write_json(json.dumps(to_json(plan)), arguments.json)


def to_json(plan: Plan) -> dict[str, object]:
    """Plain values, bytes as numbers."""
    return {
        "parameters": plan.parameters,
        "weights_bytes": plan.weights_nbytes,
        "parts": [
            {"group": p.group, "name": p.name, "device": str(p.device), "parameters": p.parameters, "bytes": p.nbytes}
            for p in plan.parts
        ],
        "devices": [
            {"device": str(device), "needed_bytes": plan.needs(device), "free_bytes": free}
            for device, free in plan.free.items()
        ],
        "forms": {form_options(form): [form.needs(device) for device in form.setup.devices] for form in forms(plan)},
    }
