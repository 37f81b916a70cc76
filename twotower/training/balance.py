"""Load balance of experts without an auxiliary loss (Wang et al. 2024, arXiv 2408.15664), as in the backbone."""

from __future__ import annotations

import torch
from torch import Tensor

from twotower.model.experts import Router
from twotower.model.tower import Tower


class LoadBalancer:
    """Counts which experts a tower chooses and nudges the router's selection bias against the crowd."""

    def __init__(self, tower: Tower, rate: float) -> None:
        self.rate = rate
        self.routers = [module for module in tower.modules() if isinstance(module, Router)]
        self.counts = [torch.zeros_like(router.e_score_correction_bias) for router in self.routers]
        for router, counts in zip(self.routers, self.counts):
            router.register_forward_hook(_counter(counts))

    @torch.no_grad()
    def update(self) -> float:
        """Move every bias by `rate`; returns the busiest expert's share over an even share, the worst layer's."""
        worst = 1.0
        for router, counts in zip(self.routers, self.counts):
            mean = counts.mean()
            router.e_score_correction_bias += self.rate * torch.sign(mean - counts)
            worst = max(worst, float(counts.max() / mean.clamp_min(1e-9)))
            counts.zero_()
        return worst


def _counter(counts: Tensor):  # type: ignore[no-untyped-def]  # torch's hook signature
    def count(_module: object, _inputs: object, output: tuple[Tensor, Tensor]) -> None:
        if not torch.is_grad_enabled():
            return  # a validation pass: not the load that training sees
        experts, _ = output
        counts.add_(torch.bincount(experts.flatten(), minlength=counts.numel()))

    return count
