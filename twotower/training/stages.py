"""The three stages: which weights each moves, from what they start, and what each minimises."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from twotower.model.configuration import TwoTowerConfig
from twotower.model.tower import Tower, init_weights
from twotower.model.twotower import TwoTower
from twotower.training.objective import masked_block_loss, next_token_loss, parallel_loss
from twotower.training.settings import CONTEXT, DENOISER, PARALLEL

_CONTEXT_SIDE = ("context_tower.", "context_lm_head.")
_DENOISER_SIDE = ("denoiser_tower.", "lm_head.", "conditioning.")


def new_model(config: TwoTowerConfig, seed: int) -> TwoTower:
    """Fresh weights, both towers equal."""
    model = TwoTower(config)
    generator = torch.Generator().manual_seed(seed)
    init_weights(model.context_tower, generator)
    drawn = [model.context_lm_head.weight]
    for name, parameter in model.conditioning.t_embedder.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            drawn.append(parameter)
    for weight in drawn:
        weight.data.normal_(0, config.initializer_range, generator=generator)
    start_denoiser(model)
    return model


def start_denoiser(model: TwoTower) -> None:
    """The denoiser tower becomes a copy of the context tower (paper, section 3).

    Time conditioning starts as the identity: shift 0, scale 0, gate 1, whatever t.
    """
    model.denoiser_tower.load_state_dict(model.context_tower.state_dict())
    model.lm_head.load_state_dict(model.context_lm_head.state_dict())
    projection = cast(nn.Linear, model.conditioning.t_block[1])
    nn.init.zeros_(projection.weight)
    nn.init.zeros_(projection.bias)
    for table in model.conditioning.scale_shift_tables:
        nn.init.zeros_(table)
        table.data[2] = 1.0


def trained_parameters(model: TwoTower, stage: str) -> dict[str, nn.Parameter]:
    """The parameters a stage moves: a tower and its head, and for the denoiser the time conditioning."""
    prefixes = _CONTEXT_SIDE if stage == CONTEXT else _DENOISER_SIDE
    return {name: p for name, p in model.named_parameters() if name.startswith(prefixes)}


def trained_tower(model: TwoTower, stage: str) -> Tower:
    """The tower a stage moves."""
    return model.context_tower if stage == CONTEXT else model.denoiser_tower


def stage_loss(model: TwoTower, stage: str, ids: Tensor, counted: Tensor, noise: torch.Generator) -> Tensor:
    """What the stage minimises on texts ids (B, K * S)."""
    if stage == CONTEXT:
        return next_token_loss(model, ids, counted)
    loss = {DENOISER: masked_block_loss, PARALLEL: parallel_loss}[stage]
    return loss(model, ids, counted, model.config.trained_block_size, noise)
