"""Random weights of a given shape, made where they are to run: a pass takes as long whatever it says."""

from __future__ import annotations

import math

import torch

from twotower.model.checkpoint import allocate
from twotower.model.configuration import TwoTowerConfig
from twotower.model.quantization import Quantised
from twotower.model.tower import init_weights
from twotower.model.twotower import TwoTower


def random_model(config: TwoTowerConfig, device: torch.device, dtype: torch.dtype) -> TwoTower:
    """Both towers with fresh weights, filled on the device: no byte of them goes through the host.

    A router that nobody trained spreads its tokens over more experts than a trained one.
    """
    with torch.device("meta"):
        model = TwoTower(config)
    allocate(model, device, dtype)
    generator = torch.Generator(device).manual_seed(0)
    for name, tensor in model.state_dict().items():  # what `init_weights` leaves as a fresh module has it
        tensor.fill_(0.0 if "bias" in name or "scale_shift" in name else 1.0)
    for module in model.modules():
        if isinstance(module, Quantised):
            _fill(module, config.initializer_range, generator)
    for tower in (model.context_tower, model.denoiser_tower):
        init_weights(tower, generator)
    for part in (model.context_lm_head, model.lm_head, model.conditioning):
        for parameter in part.parameters():
            if parameter.dim() == 2:
                parameter.data.normal_(0, config.initializer_range, generator=generator)
    return model.eval()


def _fill(weight: Quantised, deviation: float, generator: torch.Generator) -> None:
    """Every code as likely as every other, and about that standard deviation."""
    codes = torch.iinfo(weight.codes.dtype)
    weight.codes.random_(codes.min, codes.max + 1, generator=generator)
    largest = 2.0 ** (weight.bits - 1)
    weight.scales.fill_(deviation * math.sqrt(3) / largest)
