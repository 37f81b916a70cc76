"""Experts that many tokens choose become a little less likely, without a loss."""

from __future__ import annotations

from collections.abc import Callable

import torch

from twotower.model.experts import Router
from twotower.model.twotower import TwoTower
from twotower.training.balance import LoadBalancer

IDS = torch.randint(4, 97, (4, 32), generator=torch.Generator().manual_seed(0))


def test_the_bias_moves_against_the_crowd(make_model: Callable[..., TwoTower]) -> None:
    tower = make_model().context_tower
    router = next(module for module in tower.modules() if isinstance(module, Router))
    router.e_score_correction_bias.zero_()
    router.e_score_correction_bias[0] = 1.0  # everybody goes to expert 0
    balancer = LoadBalancer(tower, rate=0.01)
    tower.read(IDS)
    crowding = balancer.update()
    assert crowding > 2
    assert router.e_score_correction_bias[0] < 1.0
    assert (router.e_score_correction_bias[1:] > 0).any()


def test_repeated_it_evens_the_load_out(make_model: Callable[..., TwoTower]) -> None:
    tower = make_model().context_tower
    balancer = LoadBalancer(tower, rate=0.02)
    crowding = []
    for _ in range(60):
        tower.read(IDS)
        crowding.append(balancer.update())
    assert sum(crowding[-10:]) / 10 < crowding[0]


def test_validation_is_not_counted(make_model: Callable[..., TwoTower]) -> None:
    tower = make_model().context_tower
    balancer = LoadBalancer(tower, rate=0.01)
    with torch.no_grad():
        tower.read(IDS)
    assert all(counts.sum() == 0 for counts in balancer.counts)
