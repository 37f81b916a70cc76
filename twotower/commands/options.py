"""Options that several commands share: the model, the prompt, the sampling settings, where JSON and recordings go."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from twotower import DEFAULT_MODEL, TwoTower
from twotower.errors import InputError
from twotower.model.engine import ENGINES
from twotower.model.setup import ALONE, Wanted
from twotower.model.threads import settle_threads
from twotower.pins import with_pins
from twotower.planning.load import load
from twotower.recording import Recording, check_recordable
from twotower.sampling.settings import UNMASKING, SamplingSettings
from twotower.trace import Trace

LONGEST_TITLE = 60  # characters of the prompt that name a recording

# (option, field of SamplingSettings, type, help)
_SETTINGS = (
    ("--max-new-tokens", "max_new_tokens", int, "where the text is cut at the latest"),
    ("--block-size", "block_size", int, "slots unmasked in parallel (default: the model's trained width)"),
    ("--steps", "steps_per_block", int, "denoiser passes a block may take at most"),
    ("--threshold", "threshold", float, "a slot commits once its confidence exceeds this, 0 to 1"),
    ("--temperature", "temperature", float, "0 always takes the likeliest token"),
    ("--top-k", "top_k", int, "sample among this many tokens; 0 is all"),
    ("--top-p", "top_p", float, "sample within this much probability"),
    ("--seed", "seed", int, "-1 draws one"),
    ("--unmasking", "unmasking", str, f"the rule that commits proposals, one of {', '.join(UNMASKING)}"),
    ("--factor", "factor", float, "unmasking factor: the n surest commit while (n + 1) (1 - confidence) is below this"),
    ("--entropy-bound", "entropy_bound", float, "unmasking entropy: nats of dependence a step may ignore"),
    ("--kl-bound", "kl_bound", float, "unmasking stability: nats by which a slot may move from pass to pass"),
    ("--draft-passes", "draft_passes", int, "lane verify: denoiser passes of a draft; 0 weighs each against its cost"),
    ("--accept-from", "accept_from", float, "lane verify: AR probability that keeps a draft; 1 is AR's exact text"),
)


_MODEL = (
    ("--model", str, "model folder or Hub repository (default: the embedded model)"),
    ("--revision", str, "commit of the repository (default: the one that is known to be right)"),
    ("--device", str, "cpu, cuda, ... (default: CUDA where there is one)"),
    ("--context-device", str, "where the context tower is to be (default: --device)"),
    ("--denoiser-device", str, f"where the denoiser tower is to be, or {ALONE} (default: the context tower's)"),
    ("--dtype", str, "float32 or bfloat16 (default: float32 on the CPU, else the checkpoint's)"),
    ("--quantize", int, "weights of 8 or 4 bits (default: as they are stored)"),
    ("--engine", str, f"how passes run, one of {', '.join(ENGINES)} (default: the fast one of the device)"),
)


def add_model(parser: argparse.ArgumentParser) -> None:
    """--model, --revision, where and in what it runs, --threads.

    A default comes from the environment, TWOTOWER_MODEL, TWOTOWER_DENOISER_DEVICE, ...: a Space has no command line.
    """
    for option, kind, words in _MODEL:
        variable = "TWOTOWER_" + option[2:].upper().replace("-", "_")
        parser.add_argument(option, type=kind, default=os.environ.get(variable), help=f"{words}; or {variable}")


def add_threads(parser: argparse.ArgumentParser) -> None:
    """--threads."""
    parser.add_argument("--threads", type=int, help="CPU threads (default: as many as are measured to be worth it)")


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """--prompt and everything of SamplingSettings that a person tunes."""
    parser.add_argument("--prompt", default="", help="text to continue; left out, the model starts from nothing")
    defaults = {field.name: field.default for field in fields(SamplingSettings)}
    for option, name, kind, words in _SETTINGS:
        shown = words if "default" in words else f"{words} (default: {defaults[name]})"
        parser.add_argument(option, dest=name, type=kind, metavar=option[2:].upper().replace("-", "_"), help=shown)
    parser.add_argument(
        "--ar-anchor",
        action="store_true",
        default=None,
        help="lane diffusion: the first token of every block is the autoregressive model's own",
    )
    parser.add_argument(
        "--pin",
        dest="pins",
        action="append",
        default=[],
        metavar="POSITION:TEXT",
        help="lane diffusion: TEXT stands from slot POSITION on, counted from 1, as in '13: cat'; repeatable",
    )


def add_json(parser: argparse.ArgumentParser, what: str) -> None:
    """--json FILE."""
    parser.add_argument("--json", metavar="FILE", help=f"write {what} there as JSON; - prints it as the last line")


def add_recording(parser: argparse.ArgumentParser, what: str) -> None:
    """--record FILE, --name NAME."""
    parser.add_argument("--record", metavar="FILE", help=f"write {what} there as a recording that the page can open")
    parser.add_argument("--name", help="what the recording is called (default: how the prompt begins)")


def source(arguments: argparse.Namespace) -> str | Path:
    """The folder or the repository that the options name."""
    return arguments.model or DEFAULT_MODEL


def wanted(arguments: argparse.Namespace) -> Wanted:
    """Where, and in what, the options want it."""
    return Wanted(
        device=arguments.device,
        context_device=arguments.context_device,
        denoiser_device=arguments.denoiser_device,
        dtype=arguments.dtype,
        engine=arguments.engine,
        bits=arguments.quantize,
    )


def load_model(arguments: argparse.Namespace) -> TwoTower:
    """The model the options name."""
    model = load(source(arguments), arguments.revision, wanted(arguments))
    settle_threads(model, arguments.threads)
    return model


def sampling_settings(arguments: argparse.Namespace, model: TwoTower) -> SamplingSettings:
    """Settings from the options that were given, defaults for the others."""
    names = (*(name for _, name, _, _ in _SETTINGS), "ar_anchor")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    settings = SamplingSettings(**{"block_size": model.config.trained_block_size, **given})
    return with_pins(model, settings, arguments.pins)


def recording_name(arguments: argparse.Namespace) -> str:
    """The name that was given, or the beginning of the prompt."""
    if arguments.name is not None:
        return str(arguments.name)
    line = " ".join(arguments.prompt.split())
    return (line if len(line) <= LONGEST_TITLE else line[:LONGEST_TITLE] + "…") or "No prompt"


def check_recording(arguments: argparse.Namespace, settings: SamplingSettings) -> None:
    """Refuse, before anything has run, what --record could not write or nobody could open."""
    if arguments.record is None:
        if arguments.name is not None:
            raise InputError("--name", arguments.name, "a name only together with --record")
        return
    check_place("--record", arguments.record)
    check_recordable(recording_name(arguments), arguments.prompt, settings.max_new_tokens)


def check_place(option: str, to: str | None) -> None:
    """Refuse a place that cannot be written before anything has run."""
    if to is None or (option == "--json" and to == "-"):
        return
    if to == "-" or Path(to).is_dir() or not Path(to).parent.is_dir():
        screen = ", or - for the screen" if option == "--json" else ""
        raise InputError(option, to, f"a file that can be written{screen}")


def write_json(text: str, to: str | None) -> None:
    """Print or write what --json asked for."""
    if to == "-":
        print(text)
    elif to is not None:
        write_file("--json", text, to)


def write_recording(arguments: argparse.Namespace, model: TwoTower, traces: Iterable[Trace]) -> None:
    """Write what --record asked for: the traces, a lane each."""
    if arguments.record is not None:
        recording = Recording.of(recording_name(arguments), arguments.prompt, traces, model.tokenizer)
        write_file("--record", recording.to_json(), arguments.record)


def write_file(option: str, text: str, to: str) -> None:
    """Write what an option asked for. Raises InputError where it cannot be written."""
    try:
        Path(to).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(option, to, f"a file that can be written ({error.strerror})") from error
