"""What the title strip says about the model, before its weights are loaded. Knows no widgets."""

from __future__ import annotations

import re
from pathlib import Path

from twotower.model.device import named_precision
from twotower.sizes import tower_parameters
from twotower.ui.engine import Engine


def model_facts(engine: Engine) -> list[list[str]]:
    """(name, text) pairs: model, size, layers, device, dtype, licence of the weights; none needs the weights."""
    config = engine.config
    return [
        ["model", engine.folder.name],
        ["parameters", f"{count(tower_parameters(config))} per tower"],
        ["layers", f"{config.num_hidden_layers} × {config.hidden_size}"],
        ["block", f"{config.trained_block_size} slots"],
        ["device", f"{engine.device}"],
        ["dtype", named_precision(engine.dtype, config.bits)],
        ["licence", licence(engine.folder)],
    ]


def count(parameters: int) -> str:
    """3 900 000 is 3.9 M."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if parameters >= size:
            return f"{parameters / size:.1f} {letter}"
    return str(parameters)


def licence(folder: Path) -> str:
    """The `license:` of the model card's front matter, where there is one."""
    card = folder / "README.md"
    if card.is_file():
        found = re.search(r"^license:\s*(\S.*?)\s*$", card.read_text(encoding="utf-8")[:4000], re.MULTILINE)
        if found:
            return found.group(1).strip("'\"")
    return "see model card"
