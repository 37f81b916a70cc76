"""Which weights a stage moves, from what it starts, and what it minimises."""

from __future__ import annotations

import pytest
import torch

from twotower.model.configuration import TwoTowerConfig
from twotower.model.twotower import TwoTower
from twotower.training.objective import masked_block_loss, next_token_loss, parallel_loss
from twotower.training.settings import CONTEXT, DENOISER, PARALLEL
from twotower.training.stages import new_model, stage_loss, start_denoiser, trained_parameters, trained_tower

IDS = torch.randint(4, 97, (2, 32), generator=torch.Generator().manual_seed(0))
COUNTED = torch.rand(IDS.shape, generator=torch.Generator().manual_seed(1)) < 0.6


def test_fresh_weights_are_a_function_of_the_seed(tiny_config: TwoTowerConfig) -> None:
    one, again, other = (new_model(tiny_config, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], again[name]) for name in one)
    drawn = [name for name in one if name.endswith(("proj.weight", "embeddings.weight", "lm_head.weight"))]
    assert len(drawn) > 10
    assert all(not torch.equal(one[name], other[name]) for name in drawn)


def test_the_denoiser_starts_as_the_context_tower(tiny_config: TwoTowerConfig) -> None:
    model = new_model(tiny_config, 0)
    model.context_tower.embeddings.weight.data.add_(1)
    model.context_lm_head.weight.data.add_(1)
    start_denoiser(model)
    ours, copied = model.context_tower.state_dict(), model.denoiser_tower.state_dict()
    assert all(torch.equal(ours[name], copied[name]) for name in ours)
    # With no other token in sight, a block of one is the context tower's own forward, whatever t.
    context, block = [5, 6, 7], [8]
    wanted = model.context_logits([*context, *block])[:, -1:]
    for t in (0.7, 1.0):
        torch.testing.assert_close(model.denoiser_logits(context, block, t), wanted, atol=1e-4, rtol=1e-4)


def test_the_denoiser_shares_no_memory_with_what_it_started_as(tiny_config: TwoTowerConfig) -> None:
    model = new_model(tiny_config, 0)
    model.denoiser_tower.embeddings.weight.data.add_(1)
    assert not torch.equal(model.denoiser_tower.embeddings.weight, model.context_tower.embeddings.weight)


def test_a_stage_moves_one_side_and_both_sides_are_the_whole_model(tiny_model: TwoTower) -> None:
    context, denoiser, parallel = (trained_parameters(tiny_model, stage) for stage in (CONTEXT, DENOISER, PARALLEL))
    assert {name.split(".")[0] for name in context} == {"context_tower", "context_lm_head"}
    assert denoiser.keys() == parallel.keys()
    assert not context.keys() & denoiser.keys()
    assert {**context, **denoiser}.keys() == dict(tiny_model.named_parameters()).keys()
    assert trained_tower(tiny_model, CONTEXT) is tiny_model.context_tower
    assert trained_tower(tiny_model, DENOISER) is trained_tower(tiny_model, PARALLEL) is tiny_model.denoiser_tower


def test_every_stage_has_its_own_loss_on_the_models_block(tiny_model: TwoTower) -> None:
    def noise() -> torch.Generator:
        return torch.Generator().manual_seed(0)

    wanted = {
        CONTEXT: next_token_loss(tiny_model, IDS, COUNTED),
        DENOISER: masked_block_loss(tiny_model, IDS, COUNTED, 16, noise()),
        PARALLEL: parallel_loss(tiny_model, IDS, COUNTED, 16, noise()),
    }
    assert tiny_model.config.trained_block_size == 16
    for stage, loss in wanted.items():
        assert float(stage_loss(tiny_model, stage, IDS, COUNTED, noise())) == pytest.approx(float(loss))
    assert len({round(float(loss), 3) for loss in wanted.values()}) == 3
