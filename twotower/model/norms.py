"""Root-mean-square norms. They compute in float32 and return the dtype they were given."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """x / rms(x) * weight over the last dimension."""

    def __init__(self, size: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:  # (..., size) -> (..., size)
        return F.rms_norm(x.float(), self.weight.shape, self.weight.float(), self.epsilon).to(x.dtype)


class GatedGroupRMSNorm(nn.Module):
    """Mamba-2's output norm: x * silu(gate), then an RMSNorm of each group of channels by itself."""

    def __init__(self, size: int, groups: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.groups = groups
        self.epsilon = epsilon

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:  # (..., size) twice -> (..., size)
        gated = x.float() * F.silu(gate.float())
        grouped = gated.unflatten(-1, (self.groups, -1))
        normed = F.rms_norm(grouped, grouped.shape[-1:], None, self.epsilon).flatten(-2)
        return (self.weight.float() * normed).to(gate.dtype)
