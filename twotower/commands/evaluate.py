"""Measure text and speed of every lane, on tasks with a ground truth and on stories."""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from twotower import TwoTower
from twotower.commands import options
from twotower.errors import InputError
from twotower.evaluation.arms import BASELINE, LEGEND, Arm, standard_arms
from twotower.evaluation.beginnings import BEGINNINGS
from twotower.evaluation.evaluate import Outcome, answer_tasks, continue_prompts, tell_stories, warm
from twotower.evaluation.summary import Row, summarise
from twotower.evaluation.table import MARKS, as_markdown, as_text
from twotower.examples import Examples, read_examples, write_examples
from twotower.marks import around_marks, write_between_marks
from twotower.model.device import machine_name
from twotower.sampling.settings import SamplingSettings
from twotower.training.tasks import TASKS, instances

LONGEST_ANSWER, LONGEST_STORY = 80, 128
EXAMPLE_REPEATS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many prompts, which tasks, which arms, the model, where the results go."""
    parser.add_argument("--instances", type=int, default=200, help="held-out instances of each task (default: 200)")
    parser.add_argument(
        "--stories", type=int, default=len(BEGINNINGS), help=f"beginnings of stories (default: {len(BEGINNINGS)})"
    )
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), metavar="TASK", help=f"of: {', '.join(TASKS)}")
    parser.add_argument("--arms", nargs="+", metavar="ARM", help=f"only these rows of the table, and {BASELINE}")
    parser.add_argument(
        "--markdown", metavar="FILE", help="write the tables there in Markdown: a new file, or between the marks of one"
    )
    parser.add_argument("--examples", action="store_true", help="measure the model's own example prompts and keep that")
    options.add_model(parser)
    options.add_threads(parser)
    options.add_json(parser, "every row")
    parser.set_defaults(json="-")


def run(arguments: argparse.Namespace) -> None:
    """Warm up, measure, print the tables; the last line is JSON."""
    _check(arguments)
    model = options.load_model(arguments)
    if arguments.examples:
        print(_measure_examples(model))
        return
    for_tasks, for_stories = (_arms(model, longest, arguments.arms) for longest in (LONGEST_ANSWER, LONGEST_STORY))
    asked = {task: list(islice(instances(task, 0, held_out=True), arguments.instances)) for task in arguments.tasks}
    warm(model, [*for_tasks, *for_stories])
    gc.collect()
    gc.freeze()
    total = len(for_tasks) * len(asked) * arguments.instances + len(for_stories) * arguments.stories
    outcomes = list(_watched(answer_tasks(model, for_tasks, asked), total, 0))
    outcomes += _watched(tell_stories(model, for_stories, BEGINNINGS[: arguments.stories]), total, len(outcomes))
    rows = summarise(outcomes)
    where = f"{model.name} on {_machine(model)}"
    print(f"{where}\n\n{as_text(rows)}\n\n{LEGEND}")
    if arguments.markdown is not None:
        write_between_marks(
            Path(arguments.markdown), MARKS, f"Measured by `evaluate`: {where}.\n\n{as_markdown(rows)}\n\n{LEGEND}\n"
        )
    body = {"where": where, "rows": [asdict(row) for row in rows]}
    options.write_json(json.dumps(body, allow_nan=False), arguments.json)


def _check(arguments: argparse.Namespace) -> None:
    for task in arguments.tasks:
        if task not in TASKS:
            raise InputError("--tasks", task, ", ".join(TASKS))
    for name, most in (("instances", None), ("stories", len(BEGINNINGS))):
        value = getattr(arguments, name)
        if value < 1 or (most is not None and value > most):
            allowed = "a whole number of at least 1" if most is None else f"a whole number from 1 to {most}"
            raise InputError(f"--{name}", value, allowed)
    options.check_place("--json", arguments.json)
    options.check_place("--markdown", arguments.markdown)
    if arguments.markdown is not None:
        around_marks(Path(arguments.markdown), MARKS)


def _arms(model: TwoTower, longest: int, wanted: Sequence[str] | None) -> list[Arm]:
    arms = standard_arms(model.config.trained_block_size, longest)
    names = [arm.name for arm in arms]
    for name in wanted or ():
        if name not in names:
            raise InputError("--arms", name, ", ".join(names))
    return [arm for arm in arms if wanted is None or arm.name in (BASELINE, *wanted)]


def _measure_examples(model: TwoTower) -> str:
    """Race diffusion against the baseline on each example prompt, keep what came out in the model's folder."""
    examples = read_examples(model.folder) if model.folder is not None else None
    if examples is None or model.folder is None:
        raise InputError("--examples", model.name, "a model whose folder holds examples.json")
    settings = SamplingSettings(block_size=model.config.trained_block_size, seed=0)
    arms = [Arm(BASELINE, "autoregressive", settings), Arm("diffusion", "diffusion", settings)]
    warm(model, arms)
    prompts = [example.prompt for example in examples.prompts]
    summed = summarise(list(continue_prompts(model, arms, prompts, EXAMPLE_REPEATS)))
    rows = {row.subject: row for row in summed if row.arm != BASELINE}
    measured = tuple(example.measured(_ratio(rows[example.prompt])) for example in examples.prompts)
    write_examples(model.folder, Examples(measured, _machine(model)))
    return "\n".join(f"{example.name}: {example.speed_up:.2f}" for example in measured)


def _ratio(row: Row) -> float:
    if row.speed_up is None or row.tokens_per_pass is None:
        raise InputError("--examples", row.subject, "a prompt that both lanes continue")
    return row.speed_up


def _machine(model: TwoTower) -> str:
    return f"{machine_name(model.device)}, {model.precision}"


def _watched(outcomes: Iterable[Outcome], total: int, done: int) -> Iterator[Outcome]:
    return iter(tqdm(outcomes, total=total, initial=done, unit="run", disable=not sys.stderr.isatty()))
