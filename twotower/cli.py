"""The command line: `python -m twotower COMMAND`. An error is said in a line and ends with a code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from twotower.commands import bench, evaluate, generate, plan, quantize, race, space, train
from twotower.errors import CheckpointError, InputError, NumericalError
from twotower.space.checks import OutOfStep
from twotower.space.deploying import DeploymentError

COMMANDS = {
    "generate": generate,
    "race": race,
    "evaluate": evaluate,
    "bench": bench,
    "plan": plan,
    "train": train,
    "quantize": quantize,
    "space": space,
}
BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, 1 (the run failed), 2 (bad input), 130 (interrupted)."""
    parser = argparse.ArgumentParser(
        prog="twotower",
        description="Sample from two-tower diffusion language models, race, measure and train them.",
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        summary = (command.__doc__ or "").splitlines()[0]
        command.add_arguments(subparsers.add_parser(name, help=summary, description=summary))
    asked = parser.parse_args(arguments)
    try:
        COMMANDS[asked.command].run(asked)
    except (InputError, CheckpointError) as error:
        return _say(error, BAD_INPUT)
    except (NumericalError, OutOfStep, DeploymentError) as error:
        return _say(error, FAILED)
    except KeyboardInterrupt:
        return _say("interrupted", INTERRUPTED)
    return 0


def _say(what: object, code: int) -> int:
    print(f"twotower: {what}", file=sys.stderr)
    return code
