"""Continue a prompt in one lane, and print the text and what it took."""

from __future__ import annotations

import argparse
import json
import sys

from twotower.commands import options
from twotower.metrics import Metrics
from twotower.pins import check_lane
from twotower.race import race
from twotower.sampling.generate import LANES
from twotower.text import decode, encode_prompt
from twotower.trace import Trace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Prompt, lane, settings, model, --json, --record."""
    options.add_sampling(parser)
    parser.add_argument("--lane", default="diffusion", help=f"one of {', '.join(LANES)} (default: diffusion)")
    options.add_model(parser)
    options.add_threads(parser)
    options.add_json(parser, "the whole trace")
    options.add_recording(parser, "the run")


def run(arguments: argparse.Namespace) -> None:
    """Print the text, then a line of figures."""
    options.check_place("--json", arguments.json)
    if arguments.lane in LANES:
        check_lane(arguments.lane, arguments.pins)
    model = options.load_model(arguments)
    settings = options.sampling_settings(arguments, model)
    options.check_recording(arguments, settings)
    (trace,) = race(model, encode_prompt(model, arguments.prompt), [arguments.lane], settings)
    for warning in trace.started.warnings:
        print(f"twotower: {warning}", file=sys.stderr)
    text = decode(model.tokenizer, trace.token_ids)
    print(arguments.prompt + text)
    print(figures(trace))
    if arguments.json is not None:
        body = {**json.loads(trace.to_json()), "text": text}
        options.write_json(json.dumps(body, separators=(",", ":"), allow_nan=False), arguments.json)
    options.write_recording(arguments, model, [trace])


def figures(trace: Trace) -> str:
    """One line: tokens, seconds, tokens a second, passes by kind, tokens a pass, seed."""
    metrics = Metrics.of(trace)
    speed = metrics.tokens_per_second
    parts = [
        f"{metrics.lane}: {metrics.tokens} tokens in {metrics.decode_seconds:.3f} s",
        *([f"{speed:.1f} tokens/s"] if speed is not None else []),
        *(f"{count} × {kind} of {metrics.pass_milliseconds(kind):.1f} ms" for kind, count in metrics.passes.items()),
        *([f"{metrics.tokens_per_pass:.2f} tokens per pass"] if metrics.tokens_per_pass is not None else []),
        f"prefill {1000 * metrics.prefill_seconds:.1f} ms",
        f"seed {trace.started.seed}",
    ]
    return ", ".join(parts)
