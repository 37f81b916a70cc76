"""Train an embedded model from text files: tokenizer, context tower, then the denoiser tower as its copy."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import fields
from pathlib import Path

import torch

from twotower import TwoTower
from twotower.errors import InputError
from twotower.model.device import find_device
from twotower.training.card import model_card
from twotower.training.curves import loss_curves, read_log
from twotower.training.recipe import UNITS, WIDTH, WIDTH_STEP, build, embedded_config
from twotower.training.settings import CONTEXT, DENOISER, STAGES, TrainingSettings

VOCABULARY = 1024  # tokens, where nothing else is asked for
_TUNED = (
    "context_steps",
    "denoiser_steps",
    "parallel_steps",
    "batch_size",
    "sequence_length",
    "task_share",
    "retold",
    "save_every",
    "seed",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Data, where the run and its result go, steps and batch size."""
    parser.add_argument(
        "--data", nargs="+", required=True, metavar="FILE", help="documents, each ended by <|endoftext|>"
    )
    parser.add_argument("--validation", nargs="+", required=True, metavar="FILE", help="held-out documents")
    parser.add_argument("--run", default="runs/embedded", help="folder of checkpoints and the log; resumed where it is")
    parser.add_argument("--out", default="runs/embedded/model", help="where the finished model goes")
    parser.add_argument(
        "--model", help="begin with the weights and the tokenizer of this model (default: from nothing)"
    )
    parser.add_argument(
        "--first-stage",
        choices=STAGES,
        help="where to begin (default: context; with --model: denoiser, its tower a copy of the context tower)",
    )
    parser.add_argument("--device", help="cpu, cuda, ... (default: CUDA where there is one)")
    parser.add_argument("--vocab-size", type=int, help=f"of the tokenizer trained on the data ({VOCABULARY})")
    parser.add_argument("--width", type=int, help=f"of the towers, a multiple of {WIDTH_STEP} ({WIDTH})")
    parser.add_argument("--units", type=int, help=f"of a Mamba-2, an attention and an expert layer each ({UNITS})")
    parser.add_argument("--credit", action="append", default=[], help="source and licence of data, for the model card")
    for field in fields(TrainingSettings):
        if field.name in _TUNED:
            option = "--" + field.name.replace("_", "-")
            parser.add_argument(
                option, type=type(field.default), default=field.default, help=f"(default: {field.default})"
            )


def run(arguments: argparse.Namespace) -> None:
    """Train to the end, resuming what stands in --run, then write the model and its card to --out."""
    settings = TrainingSettings(**{name: getattr(arguments, name) for name in _TUNED})
    device = find_device(arguments.device)
    run_folder, out = _folder("--run", arguments.run), _folder("--out", arguments.out)
    begin_with = _begin_with(arguments, device)
    vocab_size = VOCABULARY if arguments.vocab_size is None else arguments.vocab_size
    model, record = build(
        [Path(name) for name in arguments.data],
        [Path(name) for name in arguments.validation],
        run_folder,
        settings,
        device,
        vocab_size,
        config=embedded_config(vocab_size, **_shape(arguments)),
        begin_with=begin_with,
        first=arguments.first_stage or (CONTEXT if begin_with is None else DENOISER),
    )
    model.save_pretrained(out, dtype=torch.bfloat16)
    card = model_card(out.name, model, record, settings, arguments.credit, _command(arguments))
    (out / "README.md").write_text(card, encoding="utf-8")
    (out / "curves.svg").write_text(loss_curves(read_log(run_folder)), encoding="utf-8")
    losses = ", ".join(
        f"{stage} stage {kind} {loss:.3f}" for stage, kinds in record.losses.items() for kind, loss in kinds.items()
    )
    print(f"{out}: validation losses {losses}")


def _begin_with(arguments: argparse.Namespace, device: torch.device) -> TwoTower | None:
    """The model that --model names, in float32."""
    if arguments.model is None:
        if arguments.first_stage not in (None, CONTEXT):
            raise InputError("--first-stage", arguments.first_stage, f"{CONTEXT}, where no --model is given")
        return None
    for name in ("vocab_size", "width", "units"):
        if (value := getattr(arguments, name)) is not None:
            option = "--" + name.replace("_", "-")
            raise InputError(option, value, "nothing beside --model, which brings its tokenizer and its shape")
    return TwoTower.from_pretrained(arguments.model, device=device, dtype=torch.float32)


def _shape(arguments: argparse.Namespace) -> dict[str, int]:
    """Width and units, as far as they were asked for."""
    return {name: value for name in ("width", "units") if (value := getattr(arguments, name)) is not None}


def _folder(option: str, name: str) -> Path:
    """The folder an option names, made if need be: before hours are spent on what cannot be written."""
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(option, name, f"a folder that can be written to ({error.strerror})") from error
    return Path(name)


def _command(arguments: argparse.Namespace) -> str:
    """The command that trains the same model again, data files by their names alone."""
    words = ["python", "-m", "twotower", "train"]
    words += ["--data", *(Path(name).name for name in arguments.data)]
    words += ["--validation", *(Path(name).name for name in arguments.validation)]
    if arguments.model is not None:
        words += ["--model", Path(arguments.model).name, "--first-stage", arguments.first_stage or DENOISER]
    else:
        words += ["--vocab-size", str(VOCABULARY if arguments.vocab_size is None else arguments.vocab_size)]
        for name, value in _shape(arguments).items():
            words += [f"--{name}", str(value)]
    for name in _TUNED:
        words += ["--" + name.replace("_", "-"), str(getattr(arguments, name))]
    return shlex.join(words)
