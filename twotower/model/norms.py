"""Root-mean-square norms. They compute in float32 and return the dtype they were given."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def rms_normed(x: Tensor, weight: Tensor | None, epsilon: float) -> Tensor:
    """x / sqrt(mean(x^2) + epsilon) * weight over the last dimension; x (..., D) and weight (D,) in float32.

    torch has a kernel for it on CUDA; on a CPU it makes ten operations of it, here are seven and less memory moved.
    """
    if x.is_cuda:
        return F.rms_norm(x, x.shape[-1:], weight, epsilon)
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    normed = x * length.square().mul(1 / x.shape[-1]).add(epsilon).rsqrt()
    return normed if weight is None else normed * weight


class RMSNorm(nn.Module):
    """x / rms(x) * weight over the last dimension."""

    def __init__(self, size: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:  # (..., size) -> (..., size)
        return rms_normed(x.float(), self.weight.float(), self.epsilon).to(x.dtype)


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
        normed = rms_normed(grouped, None, self.epsilon).flatten(-2)
        return (self.weight.float() * normed).to(gate.dtype)
