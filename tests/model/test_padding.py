"""Padding in front of a text moves its blocks and leaves no other trace, in no layer kind."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from twotower.model.twotower import TwoTower
from twotower.training.objective import masked_block_loss, next_token_loss

PAD = 0
IDS = torch.randint(4, 97, (2, 21), generator=torch.Generator().manual_seed(1))


def padded(count: int) -> tuple[Tensor, Tensor]:
    ids = F.pad(IDS, (count, 0), value=PAD)
    return ids, (ids != PAD).cumsum(1) > 0


@pytest.mark.parametrize("count", [1, 2, 5, 8, 16])
def test_a_text_is_read_as_without_it(tiny_model: TwoTower, count: int) -> None:
    ids, present = padded(count)
    with torch.inference_mode():
        wanted = tiny_model.context_tower.read(IDS)
        torch.testing.assert_close(tiny_model.context_tower.read(ids, present)[:, count:], wanted, atol=1e-4, rtol=1e-4)


def test_rows_may_be_padded_by_different_lengths(tiny_model: TwoTower) -> None:
    ids = torch.stack((F.pad(IDS[0], (3, 0), value=PAD), F.pad(IDS[1], (0, 3), value=PAD)))
    present = (ids != PAD).cumsum(1) > 0
    with torch.inference_mode():
        both, alone = tiny_model.context_tower.read(ids, present), tiny_model.context_tower.read(IDS)
    torch.testing.assert_close(both[0, 3:], alone[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(both[1, :21], alone[1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("count", "block"), [(3, 8), (11, 8), (3, 4), (7, 14)])
def test_every_block_sees_the_context_before_it_and_no_padding(tiny_model: TwoTower, count: int, block: int) -> None:
    ids, present = padded(count)
    blocks = ids.shape[1] // block
    noisy = torch.randint(4, 97, (2 * blocks, block), generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        memory = tiny_model.context_tower.read_blocks(ids, block, present)
        modulation = tiny_model.conditioning(torch.full((2 * blocks,), 0.5))
        together = tiny_model.lm_head(tiny_model.denoiser_tower.denoise_blocks(noisy, memory, modulation))
    for row in range(2):
        for number in range(blocks):
            context = IDS[row, : max(0, number * block - count)]
            alone = tiny_model.denoiser_logits(context, noisy[row * blocks + number], 0.5)[0]
            torch.testing.assert_close(together[row * blocks + number], alone, atol=2e-4, rtol=1e-3)


def test_the_loss_is_that_of_the_text_alone(tiny_model: TwoTower) -> None:
    ids, _ = padded(3)
    counted = torch.zeros_like(ids, dtype=torch.bool)
    counted[:, 12:] = True
    alone = next_token_loss(tiny_model, IDS, counted[:, 3:])
    torch.testing.assert_close(next_token_loss(tiny_model, ids, counted), alone, atol=1e-4, rtol=1e-4)


def test_gradients_through_padding_are_finite(make_model) -> None:
    model = make_model().requires_grad_(True)
    ids, _ = padded(3)
    counted = torch.ones_like(ids, dtype=torch.bool)
    masked_block_loss(model, ids, counted, 12, torch.Generator().manual_seed(0)).backward()
    next_token_loss(model, ids, counted).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
