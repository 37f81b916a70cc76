"""A block read ahead and taken over in part leaves the state that reading the accepted text alone would have left."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
import torch
from held_in import assert_same, tensors

from twotower import TwoTower


@torch.inference_mode()
def rounds(model: TwoTower, random: Random, block: int, count: int) -> None:
    """Read blocks ahead, take over a random part of each, and compare with a prefill of what was taken."""
    config = model.config
    ids = [random.randrange(4, config.vocab_size) for _ in range(random.randint(1, 12))]
    _, state = model.prefill(torch.tensor([ids]), room=count * block + block)
    for _ in range(count):
        draft = [random.randrange(4, config.vocab_size) for _ in range(random.randint(1, block))]
        before = [tensor.clone() for tensor in tensors(state)]
        logits, ahead = model.verify_pass(torch.tensor([draft]), state)
        assert state.held == [len(ids)]
        assert all(torch.equal(mine, theirs) for mine, theirs in zip(tensors(state), before, strict=True))
        wanted = model.context_logits([*ids, *draft])[:, len(ids) :]
        torch.testing.assert_close(logits, wanted, atol=1e-4, rtol=1e-4)
        kept = random.randint(1, len(draft))
        model.take_over(ahead, state, kept)
        ids += draft[:kept]
        assert_same(state, model.prefill(torch.tensor([ids]))[1], 1e-5)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("block", [1, 2, 3, 4, 7, 8, 16])
def test_random_weights_of_every_layer_kind(make_model: Callable[..., TwoTower], block: int, seed: int) -> None:
    rounds(make_model(seed), Random(f"{block} {seed}"), block, count=6)


@pytest.mark.parametrize("block", [2, 16])
def test_the_embedded_model(embedded_model: TwoTower, block: int) -> None:
    rounds(embedded_model, Random(block), block, count=8)


@torch.inference_mode()
def test_a_denoiser_that_reads_the_state_meanwhile_sees_the_old_one(tiny_model: TwoTower) -> None:
    _, state = tiny_model.prefill(torch.tensor([[5, 60, 7]]))
    block = torch.tensor([[8, 3, 3, 3]])
    before = tiny_model.denoiser_pass(block, state, 0.75)
    _, ahead = tiny_model.verify_pass(torch.tensor([[8, 9, 10, 11]]), state)
    assert torch.equal(tiny_model.denoiser_pass(block, state, 0.75), before)
    tiny_model.take_over(ahead, state, 1)
    assert not torch.equal(tiny_model.denoiser_pass(block, state, 0.75), before)
