"""Write a model's weights in 8 or 4 bits, to load in half or a quarter of the memory and of the time."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

from twotower import TwoTower, TwoTowerConfig
from twotower.errors import InputError
from twotower.examples import Examples, read_examples, write_examples
from twotower.model.device import named_precision
from twotower.model.quantised_format import BITS
from twotower.model.source import find_folder
from twotower.sizes import weights_nbytes

CARD = "README.md"
_CARRIED = ("*.md", "*.txt", "*.svg", "*.png", "*.jpg", "LICENSE*", "NOTICE*")  # the card, its pictures, the licence


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The model, the bits, where it goes, where it is computed."""
    parser.add_argument("--model", required=True, help="model folder or Hub repository")
    parser.add_argument("--revision", help="commit of the repository (default: the one that is known to be right)")
    parser.add_argument("--bits", type=int, required=True, help=f"of a weight, {' or '.join(map(str, BITS))}")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="a new folder for the quantised model")
    parser.add_argument("--device", help="where weights are quantised, one by one (default: CUDA where there is one)")


def run(arguments: argparse.Namespace) -> None:
    """Quantise shard by shard, write; what is not quantised keeps the dtype of the model's config."""
    if arguments.bits not in BITS:
        raise InputError("--bits", arguments.bits, " or ".join(map(str, BITS)))
    out = Path(arguments.out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError("--out", arguments.out, "a folder that is new or empty")
    folder = find_folder(arguments.model, arguments.revision)
    stored = TwoTowerConfig.from_folder(folder)
    if stored.bits is not None:
        raise InputError("--model", arguments.model, f"weights as they were trained; these have {stored.bits} bits")
    model = TwoTower.from_pretrained(folder, arguments.device, dtype=stored.torch_dtype, bits=arguments.bits)
    model.save_pretrained(out)
    carry_along(folder, out, arguments.bits)
    print(said(model))


def said(model: TwoTower) -> str:
    """One line: bytes before and after."""
    before, after = (
        sum(weights_nbytes(model.config, model.dtype.itemsize, bits).values()) for bits in (None, model.bits)
    )
    return f"{model.name}: {before:,} bytes in {named_precision(model.dtype, None)}, {after:,} in {model.bits} bits"


def carry_along(folder: Path, out: Path, bits: int) -> None:
    """What belongs to a model beside weights and tokenizer: the card says what was done, examples lose figures."""
    for pattern in _CARRIED:
        for file in folder.glob(pattern):
            if file.is_file():
                shutil.copyfile(file, out / file.name)
    card = out / CARD
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    card.write_text(noted(text, folder.name, bits), encoding="utf-8")
    examples = read_examples(folder)
    if examples is not None:  # measured on other weights
        write_examples(out, Examples(tuple(replace(example, speed_up=None) for example in examples.prompts)))


def noted(card: str, name: str, bits: int) -> str:
    """A model card with a note below its front matter, which stays the first thing in the file."""
    note = (
        f"> Quantised by `twotower quantize`: the weights of {name} in {bits} bits, its embeddings and heads in 8,\n"
        "> with a scale for every group of up to 64 inputs. Figures below were measured before that.\n\n"
    )
    front, end, rest = card.partition("\n---\n")
    return f"{front}{end}\n{note}{rest.lstrip()}" if card.startswith("---\n") and end else note + card
