"""Feed-forward mixers: the relu^2 MLP and the sigmoid-routed mixture of such MLPs with one shared expert."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from twotower.model.configuration import TwoTowerConfig
from twotower.model.precision import outside_autocast

_SMALL_BYTES = 2**21  # experts that fit a core's cache together are sooner computed all than sorted by who chose them
_STRIDE_BYTES = 16  # torch's grouped product takes rows of a multiple of this; other widths go expert by expert


class MLP(nn.Module):
    """down(relu(up(x))^2), no gate, no bias."""

    def __init__(self, size: int, inner: int) -> None:
        super().__init__()
        self.up_proj = nn.Linear(size, inner, bias=False)
        self.down_proj = nn.Linear(inner, size, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # (..., D) -> (..., D)
        return self.down_proj(F.relu(self.up_proj(x)).square())


class Router(nn.Module):
    """Scores are sigmoids; a bias, moved only by load balancing, takes part in the choice but not in the weights."""

    def __init__(self, config: TwoTowerConfig) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(config.n_routed_experts, config.hidden_size))
        self.register_buffer("e_score_correction_bias", torch.zeros(config.n_routed_experts))
        self.e_score_correction_bias: Tensor
        self.chosen = config.num_experts_per_tok
        self.normalise = config.norm_topk_prob
        self.scale = config.routed_scaling_factor

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(T, D) -> experts (T, k) and their weights (T, k), in float32 whatever the dtype of x."""
        with outside_autocast(x.device.type):
            scores = F.linear(x.float(), self.weight.float()).sigmoid()
        experts = (scores + self.e_score_correction_bias).topk(self.chosen, dim=-1, sorted=False).indices
        weights = scores.gather(1, experts)
        if self.normalise:
            weights = weights / (weights.sum(-1, keepdim=True) + 1e-20)
        return experts, weights * self.scale


class Experts(nn.Module):
    """All routed experts of a layer as two stacked tensors; the checkpoint keeps them one by one."""

    def __init__(self, config: TwoTowerConfig) -> None:
        super().__init__()
        count, size, inner = config.n_routed_experts, config.hidden_size, config.moe_intermediate_size
        self.up_proj = nn.Parameter(torch.empty(count, inner, size))
        # Laid out so that all experts side by side are one (count * inner, size) matrix, without a copy.
        self.down_proj = nn.Parameter(torch.empty(count, inner, size).transpose(1, 2))

    def forward(self, x: Tensor, experts: Tensor, weights: Tensor) -> Tensor:
        """x (T, D), experts and weights (T, k) -> (T, D)."""
        computed = all_experts if are_small(self.up_proj.nbytes + self.down_proj.nbytes) else chosen_experts
        return computed(x, self.up_proj, self.down_proj, experts, weights)


def are_small(nbytes: int) -> bool:
    """Whether a layer's experts are computed all."""
    return nbytes <= _SMALL_BYTES


def go_one_by_one(config: TwoTowerConfig, dtype: torch.dtype) -> bool:
    """Whether the experts of such a model, which are not quantised, are products of as many rows as chose each."""
    widths = config.hidden_size, config.moe_intermediate_size
    nbytes = 2 * config.n_routed_experts * widths[0] * widths[1] * dtype.itemsize
    return bool(config.moe_layers) and not are_small(nbytes) and not _strides_fit(*widths, dtype)


def all_experts(x: Tensor, up: Tensor, down: Tensor, experts: Tensor, weights: Tensor) -> Tensor:
    """Every expert on every row, those not chosen weighted 0: two plain products, for a few small experts.

    x (T, D), up (E, inner, D), down (E, D, inner), experts and weights (T, k) -> (T, D).
    """
    count, inner, size = up.shape
    hidden = F.relu(F.linear(x, up.reshape(count * inner, size))).square()
    share = weights.new_zeros(x.shape[0], count).scatter_(1, experts, weights)
    weighted = (hidden.unflatten(-1, (count, inner)) * share.unsqueeze(-1)).flatten(1)
    return weighted.to(x.dtype) @ down.transpose(1, 2).reshape(count * inner, size)


def chosen_experts(x: Tensor, up: Tensor, down: Tensor, experts: Tensor, weights: Tensor) -> Tensor:
    """Rows sorted by expert, one grouped product a projection; shapes as in `all_experts`."""
    chosen = experts.shape[1]
    flat = experts.flatten()
    order = flat.argsort(stable=True)
    counts = (flat.unsqueeze(1) == torch.arange(up.shape[0], device=x.device)).sum(0)
    device = x.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
    inner = grouped_linear(x.to(dtype)[order // chosen], up.to(dtype), counts)
    out = grouped_linear(F.relu(inner).square(), down.to(dtype), counts)
    out = out[order.argsort()].unflatten(0, (-1, chosen))
    return (out * weights.unsqueeze(-1)).sum(1).to(x.dtype)


def grouped_linear(rows: Tensor, weights: Tensor, counts: Tensor) -> Tensor:
    """Rows (R, in), the first counts[0] through weights[0] (out, in), the next through weights[1], ... -> (R, out)."""
    if not _strides_fit(weights.shape[1], weights.shape[2], rows.dtype):
        parts = rows.split(counts.tolist())
        return torch.cat([F.linear(part, weight) for part, weight in zip(parts, weights)])
    return F.grouped_mm(rows, weights.transpose(1, 2), offs=counts.cumsum(0).to(torch.int32))


def _strides_fit(rows: int, columns: int, dtype: torch.dtype) -> bool:
    return not any(width * dtype.itemsize % _STRIDE_BYTES for width in (rows, columns))


class MoE(nn.Module):
    """Routed experts plus a shared one. Routing may be watched through `Router`'s forward hooks."""

    def __init__(self, config: TwoTowerConfig) -> None:
        super().__init__()
        self.gate = Router(config)
        self.experts = Experts(config)
        self.shared_experts = MLP(config.hidden_size, config.moe_shared_expert_intermediate_size)

    def forward(self, x: Tensor) -> Tensor:  # (..., D) -> (..., D)
        flat = x.flatten(0, -2)
        routed = self.experts(flat, *self.gate(flat))
        return routed.view_as(x) + self.shared_experts(x)
