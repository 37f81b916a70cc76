"""Random weights of a given shape, made where they are to run: a pass takes as long whatever it says."""

from __future__ import annotations

import math

import torch

from twotower.model.quantization import Quantised
from twotower.model.setup import Setup
from twotower.model.tower import Tower, init_weights
from twotower.model.twotower import TwoTower


def random_model(setup: Setup) -> TwoTower:
    """Both towers with fresh weights, filled where they are to be: no byte of them goes through the host.

    A router that nobody trained spreads its tokens over more experts than a trained one.
    """
    model = TwoTower.allocated(setup)
    for name, tensor in model.state_dict().items():  # what `init_weights` leaves as a fresh module has it
        tensor.fill_(0.0 if "bias" in name or "scale_shift" in name else 1.0)
    std, generators = setup.config.initializer_range, {d: torch.Generator(d).manual_seed(0) for d in setup.devices}
    for module in model.modules():
        if isinstance(module, Quantised):
            _fill(module, std, generators[module.codes.device])
    for part in (part for parts in model.parts for part in parts):
        if isinstance(part, Tower):
            init_weights(part, generators[part.norm_f.weight.device])
            continue
        for parameter in part.parameters():
            if parameter.dim() == 2:
                parameter.data.normal_(0, std, generator=generators[parameter.device])
    return model


def _fill(weight: Quantised, deviation: float, generator: torch.Generator) -> None:
    """Every code as likely as every other, and about that standard deviation."""
    codes = torch.iinfo(weight.codes.dtype)
    weight.codes.random_(codes.min, codes.max + 1, generator=generator)
    largest = 2.0 ** (weight.bits - 1)
    weight.scales.fill_(deviation * math.sqrt(3) / largest)
