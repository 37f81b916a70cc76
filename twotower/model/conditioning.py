"""Time conditioning of the denoiser: adaLN-single (Chen et al. 2023, PixArt-alpha; paper, section 3).

t is the masked fraction of the block, not the step over the step count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from twotower.model.configuration import TwoTowerConfig

_FREQUENCIES = 256
_MAX_PERIOD = 10_000.0


class TimeEmbedder(nn.Module):
    """t (B,) -> (B, hidden): sinusoids of 1000 t, cosine half first, through a two-layer SiLU MLP."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(_FREQUENCIES, size), nn.SiLU(), nn.Linear(size, size))

    def forward(self, t: Tensor) -> Tensor:
        half = _FREQUENCIES // 2
        exponents = torch.arange(half, dtype=torch.float32, device=t.device) / half
        frequencies = torch.exp(-math.log(_MAX_PERIOD) * exponents)
        dtype = cast(Tensor, self.mlp[0].weight).dtype
        # The official code rounds t to the model's dtype before the sinusoids.
        angles = (t.to(dtype).float() * 1000.0).unsqueeze(-1) * frequencies
        return self.mlp(torch.cat((angles.cos(), angles.sin()), -1).to(dtype))


class Conditioning(nn.Module):
    """One projection of t for all layers plus a learned table for each layer: shift, gain (1 + scale), gate."""

    def __init__(self, config: TwoTowerConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.t_embedder = TimeEmbedder(size)
        self.t_block = nn.Sequential(nn.SiLU(), nn.Linear(size, 3 * size))
        self.scale_shift_tables = nn.ParameterList(
            nn.Parameter(torch.zeros(3, size)) for _ in range(config.num_hidden_layers)
        )
        self._known: dict[float, Tensor] = {}

    def forward(self, t: Tensor) -> Tensor:
        """t (B,) -> (layers, 3, B, 1, hidden)."""
        shared = self.t_block(self.t_embedder(t)).unflatten(-1, (3, -1))  # (B, 3, hidden)
        tables = torch.stack(tuple(self.scale_shift_tables))  # (layers, 3, hidden)
        shift, scale, gate = (tables.unsqueeze(1) + shared).unsqueeze(3).unbind(2)  # (layers, B, 1, hidden) each
        return torch.stack((shift, 1 + scale, gate), 1)

    def at(self, masked_fraction: float | Sequence[float]) -> Tensor:
        """(layers, 3, 1, 1, hidden) for one t, (layers, 3, B, 1, hidden) for B of them.

        A block of S slots asks for S values only, so each is computed once.
        """
        if not isinstance(masked_fraction, (int, float)):
            return torch.cat([self.at(t) for t in masked_fraction], 2)
        if masked_fraction not in self._known:
            weight = self.scale_shift_tables[0]
            self._known[masked_fraction] = self(torch.tensor([masked_fraction], device=weight.device))
        return self._known[masked_fraction]
