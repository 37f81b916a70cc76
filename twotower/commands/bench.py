"""Measure every pass against this machine's limits, every lane, and transformers beside ours."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from twotower import CheckpointError, TwoTower, TwoTowerConfig
from twotower.benchmark.benchmark import benchmark
from twotower.benchmark.figures import Figures
from twotower.benchmark.plot import page
from twotower.benchmark.shapes import random_model
from twotower.benchmark.tables import MARKS, as_markdown, as_text
from twotower.commands import options
from twotower.errors import InputError
from twotower.marks import around_marks, write_between_marks
from twotower.model.setup import ALONE, Setup
from twotower.model.threads import settle_threads

LONGEST, LEAST, MOST = 8192, 256, 131072
MOST_REPEATS = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The model or a shape, repeats, how long a context may grow, the peer, where the results go."""
    parser.add_argument(
        "--repeats", type=int, default=5, help="times that everything is measured, in alternation (default: 5)"
    )
    parser.add_argument(
        "--longest", type=int, default=LONGEST, help=f"tokens of the longest context (default: {LONGEST})"
    )
    parser.add_argument("--peers", action="store_true", help="transformers' generate beside ours, on the same weights")
    parser.add_argument("--plot", metavar="FILE", help="draw passes and floors there, as HTML that opens offline")
    parser.add_argument(
        "--markdown", metavar="FILE", help="write the tables there in Markdown: a new file, or between the marks of one"
    )
    parser.add_argument("--shapes", metavar="CONFIG", help="in the model's place random weights of this config.json")
    options.add_model(parser)
    options.add_threads(parser)
    options.add_json(parser, "every figure")
    parser.set_defaults(json="-")


def run(arguments: argparse.Namespace) -> None:
    """Measure, print the tables; the last line is JSON."""
    _check(arguments)
    model = _model(arguments)
    if arguments.peers and model.bits is not None:
        raise InputError("--peers", model.name, "a model that is not quantised: transformers has no such weights")
    figures = benchmark(model, arguments.repeats, arguments.longest, arguments.peers, _say)
    print(as_text(figures))
    if arguments.markdown is not None:
        write_between_marks(Path(arguments.markdown), MARKS, as_markdown(figures))
    if arguments.plot is not None:
        options.write_file("--plot", page(figures), arguments.plot)
    options.write_json(json.dumps(to_json(figures), allow_nan=False), arguments.json)


def to_json(figures: Figures) -> dict[str, object]:
    """Plain values, with what follows from them."""
    costs = figures.costs
    follows = {
        "passes_a_block": costs.passes_a_block,
        "tokens_a_pass": costs.tokens_a_pass,
        "tokens_a_round": costs.tokens_a_round,
    }
    groups = {
        name: [{**asdict(figure), "ratio": figure.ratio} for figure in getattr(figures, name)]
        for name in ("passes", "by_context", "by_block")
    }
    return {**asdict(figures), **groups, "costs": {**asdict(costs), **follows}}


def _check(arguments: argparse.Namespace) -> None:
    for name, least, most in (("repeats", 1, MOST_REPEATS), ("longest", LEAST, MOST)):
        value = getattr(arguments, name)
        if not least <= value <= most:
            raise InputError(f"--{name}", value, f"a whole number from {least} to {most}")
    if arguments.denoiser_device == ALONE:
        raise InputError("--denoiser-device", ALONE, "a device: the denoiser tower's passes are measured too")
    for option in ("json", "markdown", "plot"):
        options.check_place(f"--{option}", getattr(arguments, option))
    if arguments.markdown is not None:
        around_marks(Path(arguments.markdown), MARKS)
    if arguments.shapes is not None and arguments.model is not None:
        raise InputError("--shapes", arguments.shapes, "a shape in the place of --model, not beside it")


def _model(arguments: argparse.Namespace) -> TwoTower:
    if arguments.shapes is None:
        return options.load_model(arguments)
    try:
        config = TwoTowerConfig.from_json(Path(arguments.shapes).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, CheckpointError, TypeError) as error:
        raise InputError("--shapes", arguments.shapes, f"the config.json of a model ({error})") from error
    model = random_model(Setup.find(config, options.wanted(arguments)))
    settle_threads(model, arguments.threads)
    return model


def _say(what: str) -> None:
    if sys.stderr.isatty():
        print(f"measuring {what} ...", file=sys.stderr)
