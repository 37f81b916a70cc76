"""Race the lanes against each other under the timing contract, and print a table."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace

from tqdm import tqdm

from twotower.agreement import BASELINE
from twotower.commands import options
from twotower.errors import InputError
from twotower.metrics import CHALLENGERS, Metrics, verdict
from twotower.pins import lanes_without_pins
from twotower.race import Spread, Standing, race, standings
from twotower.sampling.generate import LANES
from twotower.sampling.settings import SamplingSettings
from twotower.text import encode_prompt
from twotower.trace import Trace

PROMPT = "Once upon a time, there was a little girl named Lily. She loved to"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Prompt, settings, lanes, repeats, model, --json, --record."""
    options.add_sampling(parser)
    parser.set_defaults(prompt=PROMPT)
    parser.add_argument(
        "--lanes",
        nargs="+",
        default=["diffusion", "autoregressive"],
        metavar="LANE",
        help=f"any of {', '.join(LANES)} (default: diffusion autoregressive)",
    )
    parser.add_argument("--repeats", type=int, default=5, help="runs of each lane (default: 5)")
    options.add_model(parser)
    options.add_threads(parser)
    options.add_json(parser, "standings")
    options.add_recording(parser, "the middle run of each lane")


def run(arguments: argparse.Namespace) -> None:
    """Warm up, race, print one row per lane and the verdict."""
    if arguments.repeats < 1:
        raise InputError("--repeats", arguments.repeats, "a whole number of at least 1")
    if len(set(arguments.lanes)) < len(arguments.lanes):
        raise InputError("--lanes", arguments.lanes, "every lane once")
    options.check_place("--json", arguments.json)
    model = options.load_model(arguments)
    settings = options.sampling_settings(arguments, model)
    options.check_recording(arguments, settings)
    if settings.seed < 0:
        settings = replace(settings, seed=secrets.randbelow(2**31))  # one for every lane and repeat
    prompt_ids = encode_prompt(model, arguments.prompt)
    runs = race(model, prompt_ids, arguments.lanes, settings, arguments.repeats)
    total = arguments.repeats * len(arguments.lanes)
    traces = list(tqdm(runs, total=total, unit="run", disable=not sys.stderr.isatty()))
    table = standings(traces)
    for line in report(traces, table):
        print(line)
    if settings.pins and (unpinned := lanes_without_pins(arguments.lanes)):
        print(f"Note: {unpinned}")
    if arguments.json is not None:
        options.write_json(json.dumps(to_json(traces, table, settings), allow_nan=False), arguments.json)
    options.write_recording(arguments, model, middle_runs(traces, table))


def middle_runs(traces: Sequence[Trace], table: Sequence[Standing]) -> list[Trace]:
    """The trace of each lane's middle run, in the order of the table."""
    return [next(trace for trace in traces if Metrics.of(trace) == standing.middle) for standing in table]


def report(traces: Sequence[Trace], table: Sequence[Standing]) -> list[str]:
    """Where it ran, a row per lane, the verdict where both of its lanes ran."""
    started = traces[0].started
    repeats = len(table[0].runs)
    lines = [
        f"{started.model} on {started.device}, {started.dtype}, {started.threads} threads; "
        f"{len(started.prompt_ids)} prompt tokens, seed {started.seed}; "
        f"median of {repeats} (least to greatest)",
        "",
        f"{'lane':<15}{'tokens':>7}{'seconds':>26}{'tokens/s':>26}{'speed-up':>22}{'tokens/pass':>13}"
        "  passes (median ms)",
        *(_row(standing) for standing in table),
    ]
    middles = {standing.lane: standing.middle for standing in table}
    challengers = [lane for lane in CHALLENGERS if lane in middles and BASELINE in middles]
    lines += ["", *(verdict(middles[lane], middles[BASELINE]) for lane in challengers)] if challengers else []
    return [*lines, *(f"Note: {warning}" for warning in started.warnings)]


def to_json(traces: Sequence[Trace], table: Sequence[Standing], settings: SamplingSettings) -> dict[str, object]:
    """The same as plain values, every run with its own numbers; `settings` are the race's, pins included."""
    started = traces[0].started
    return {
        "model": started.model,
        "device": started.device,
        "dtype": started.dtype,
        "threads": started.threads,
        "prompt_tokens": len(started.prompt_ids),
        "seed": started.seed,
        "settings": settings.to_json(),
        "lanes": {
            standing.lane: {
                "decode_seconds": asdict(standing.decode_seconds),
                "tokens_per_second": asdict(standing.tokens_per_second) if standing.tokens_per_second else None,
                "speed_up": asdict(standing.speed_up) if standing.speed_up else None,
                "runs": [run.to_json() for run in standing.runs],
            }
            for standing in table
        },
    }


def _row(standing: Standing) -> str:
    middle = standing.middle
    passes = ", ".join(
        f"{count} {kind} ({middle.pass_milliseconds(kind):.2f})" for kind, count in middle.passes.items()
    )
    per_pass = "–" if middle.tokens_per_pass is None else f"{middle.tokens_per_pass:.2f}"
    return (
        f"{standing.lane:<15}{middle.tokens:>7}{_spread(standing.decode_seconds, 3):>26}"
        f"{_spread(standing.tokens_per_second, 1):>26}{_spread(standing.speed_up, 2):>22}{per_pass:>13}  {passes}"
    )


def _spread(spread: Spread | None, digits: int) -> str:
    return "–" if spread is None else spread.said(digits)
