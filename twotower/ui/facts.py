"""What the title strip says about the model, before its weights are loaded. Knows no widgets."""

from __future__ import annotations

from twotower.amounts import parameters
from twotower.model.device import named_precision
from twotower.model.licence import licence_of
from twotower.model.source import name_of
from twotower.sizes import tower_parameters
from twotower.ui.engine import Engine


def model_facts(engine: Engine) -> list[list[str]]:
    """[name, text] of model, size, layers, device, dtype and licence; none needs the weights.

    A third entry is the web address that the text links to.
    """
    config = engine.config
    licence = licence_of(engine.folder)
    return [
        ["model", name_of(engine.folder)],
        ["parameters", f"{parameters(tower_parameters(config))} per tower"],
        ["layers", f"{config.num_hidden_layers} × {config.hidden_size}"],
        ["block", f"{config.trained_block_size} slots"],
        ["device", engine.setup.where],
        ["dtype", named_precision(engine.setup.dtype, config.bits)],
        ["licence", licence.name, *([licence.link] if licence.link else [])],
    ]
