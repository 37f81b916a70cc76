"""The losses of both stages against the model's whole-text logits."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from twotower.model.twotower import TwoTower
from twotower.training.objective import add_noise, masked_block_loss, next_token_loss

IDS = torch.randint(4, 97, (3, 24), generator=torch.Generator().manual_seed(0))


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_next_token_loss_is_the_cross_entropy_of_the_next_token(tiny_model: TwoTower) -> None:
    logits = tiny_model.context_logits(IDS)
    wanted = F.cross_entropy(logits[:, :-1].flatten(0, 1), IDS[:, 1:].flatten())
    torch.testing.assert_close(next_token_loss(tiny_model, IDS), wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("size", [4, 8, 12])
def test_all_blocks_at_once_are_the_blocks_one_by_one(tiny_model: TwoTower, size: int) -> None:
    noisy = add_noise(IDS, size, 3, noise())
    losses = []
    for row in range(IDS.shape[0]):
        for block in range(IDS.shape[1] // size):
            number = row * (IDS.shape[1] // size) + block
            context = IDS[row, : block * size]
            logits = tiny_model.denoiser_logits(context, noisy.ids[number], float(noisy.t[number]))[0]
            masked = noisy.masked[number]
            losses.append(F.cross_entropy(logits[masked], noisy.targets[number][masked], reduction="none"))
    wanted = torch.cat(losses).mean()
    ours = masked_block_loss(tiny_model, IDS, size, noise())
    torch.testing.assert_close(ours, wanted, atol=1e-4, rtol=1e-4)


def test_masking_rates_cover_the_whole_range_in_every_batch() -> None:
    ids = torch.full((64, 64), 5)
    noisy = add_noise(ids, 16, 3, noise())
    rates = noisy.t.view(64, 4)[:, 0]
    assert (noisy.t.view(64, 4) == rates.unsqueeze(1)).all()  # one rate a text (paper, section 3)
    slots = (rates.sort().values * 64).floor()
    assert (slots - torch.arange(64)).abs().max() <= 1
    masked = noisy.masked.view(64, -1).float().mean(1)
    assert (masked - rates).abs().max() < 0.3
    assert torch.equal(noisy.ids == 3, noisy.masked)
    assert (noisy.targets == 5).all()


def test_only_the_denoiser_learns_from_masked_tokens(make_model) -> None:
    model = make_model().requires_grad_(True)
    masked_block_loss(model, IDS, 8, noise()).backward()
    assert all(p.grad is None for p in model.context_tower.parameters())
    assert model.context_lm_head.weight.grad is None
    assert model.lm_head.weight.grad.abs().sum() > 0
    assert model.conditioning.t_block[1].weight.grad.abs().sum() > 0
