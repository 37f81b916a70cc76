"""Layers over quantised weights, which are expanded when they are used, in the dtype of what they are used on.

What is quantised: the projections of Mamba and attention layers, every MLP, shared or not, the routed experts, both
embeddings and both heads. Never: time conditioning, routers, norms, convolutions, A, D and dt's bias.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from twotower.model.conditioning import Conditioning
from twotower.model.experts import Experts, all_experts, are_small, chosen_experts
from twotower.model.quantised_format import WIDE_BITS, group_size
from twotower.model.quantization import Quantised


class QuantisedLinear(nn.Module):
    """x W^T, without bias."""

    def __init__(self, weight: Tensor, bits: int) -> None:
        super().__init__()
        self.weight = Quantised(weight.shape, bits)

    def forward(self, x: Tensor) -> Tensor:  # (..., in) -> (..., out)
        return F.linear(x, self.weight.expand(x.dtype))


class QuantisedEmbedding(nn.Module):
    """Rows by id, in float32: there is no input whose dtype they could have."""

    def __init__(self, weight: Tensor, bits: int) -> None:
        super().__init__()
        self.weight = Quantised(weight.shape, bits)

    def forward(self, ids: Tensor) -> Tensor:  # (...) -> (..., size)
        return self.weight.expand(torch.float32, ids)


class QuantisedExperts(nn.Module):
    """Routed experts, of which no more are expanded than tokens went to, unless all of them are small."""

    def __init__(self, experts: Experts, bits: int) -> None:
        super().__init__()
        self.up_proj, self.down_proj = (
            Quantised(weight.shape, bits) if group_size(weight.shape[-1]) else weight
            for weight in (experts.up_proj, experts.down_proj)
        )
        self._numbers = experts.up_proj.numel() + experts.down_proj.numel()

    def forward(self, x: Tensor, experts: Tensor, weights: Tensor) -> Tensor:
        """x (T, D), experts and weights (T, k) -> (T, D)."""
        if x.shape[0] == 1:
            return self.experts_of_one(x, experts, weights)
        if are_small(self._numbers * x.element_size()):
            return all_experts(x, *self._expanded(x.dtype), experts, weights)
        return self.experts_touched(x, experts, weights)

    def experts_of_one(self, x: Tensor, experts: Tensor, weights: Tensor) -> Tensor:
        """A single token's: as many as it chose, so that no shape depends on which."""
        up, down = self._expanded(x.dtype, experts[0])
        out = down @ F.relu(up @ x[0]).square().unsqueeze(-1)  # (k, D, 1)
        return (weights @ out.squeeze(-1).to(weights.dtype)).to(x.dtype)

    def experts_touched(self, x: Tensor, experts: Tensor, weights: Tensor) -> Tensor:
        """Several tokens': how many they chose together, only the device knows, which has to be waited for."""
        touched, renumbered = experts.unique(return_inverse=True)
        return chosen_experts(x, *self._expanded(x.dtype, touched), renumbered, weights)

    def _expanded(self, dtype: torch.dtype, chosen: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """up (n, inner, D) and down (n, D, inner) of the chosen experts, None for all."""
        return _expand(self.up_proj, dtype, chosen), _expand(self.down_proj, dtype, chosen)


def quantise_layers(model: nn.Module, bits: int) -> None:
    """Put empty quantised layers in the place of `model`'s, wherever groups divide the width.

    The weights are still to be read into them.
    """
    for name, child in model.named_children():
        if isinstance(child, Experts):
            setattr(model, name, QuantisedExperts(child, bits))
        elif isinstance(child, nn.Linear) and group_size(child.in_features):
            setattr(model, name, QuantisedLinear(child.weight, WIDE_BITS if name.endswith("lm_head") else bits))
        elif isinstance(child, nn.Embedding) and group_size(child.embedding_dim):
            setattr(model, name, QuantisedEmbedding(child.weight, WIDE_BITS))
        elif not isinstance(child, Conditioning):
            quantise_layers(child, bits)


def _expand(weight: nn.Module | Tensor, dtype: torch.dtype, chosen: Tensor | None) -> Tensor:
    if isinstance(weight, Tensor):
        return weight if chosen is None else weight[chosen]
    return cast(Quantised, weight).expand(dtype, chosen)
