"""The losses of the three stages against the model's whole-text logits, block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from twotower.model.twotower import TwoTower
from twotower.training.objective import add_noise, masked_block_loss, next_token_loss, parallel_loss

MASK = 3
IDS = torch.randint(4, 97, (3, 24), generator=torch.Generator().manual_seed(0))
ALL = torch.ones_like(IDS, dtype=torch.bool)
SOME = torch.rand(IDS.shape, generator=torch.Generator().manual_seed(1)) < 0.6
SOME[0, :8] = False  # whole blocks of a prompt
ONE_A_BLOCK = torch.arange(24).expand(3, 24) % 4 == 2


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def blocks(size: int) -> list[tuple[int, slice]]:
    """Row and place of every block, in the order in which they are folded."""
    return [(row, slice(begin, begin + size)) for row in range(len(IDS)) for begin in range(0, IDS.shape[1], size)]


def spied(model: TwoTower, monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """The noisy blocks of every denoiser pass to come."""
    seen: list[Tensor] = []
    real = model.denoiser_tower.denoise_blocks

    def denoise(ids: Tensor, *rest: Any) -> Tensor:
        seen.append(ids)
        return real(ids, *rest)

    monkeypatch.setattr(model.denoiser_tower, "denoise_blocks", denoise)
    return seen


@pytest.mark.parametrize("counted", [ALL, SOME, ONE_A_BLOCK])
def test_next_token_loss_is_the_cross_entropy_of_the_counted_tokens(tiny_model: TwoTower, counted: Tensor) -> None:
    log_probabilities = tiny_model.context_logits(IDS).log_softmax(-1)
    losses = [
        -log_probabilities[row, place - 1, IDS[row, place]]
        for row in range(3)
        for place in range(1, 24)
        if counted[row, place]
    ]
    ours = next_token_loss(tiny_model, IDS, counted)
    torch.testing.assert_close(ours, torch.stack(losses).mean(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("counted", [ALL, SOME, ONE_A_BLOCK])
@pytest.mark.parametrize("size", [4, 8, 12])
def test_all_blocks_at_once_are_the_blocks_one_by_one(tiny_model: TwoTower, size: int, counted: Tensor) -> None:
    noisy = add_noise(IDS, counted, size, MASK, noise())
    losses = []
    for number, (row, place) in enumerate(blocks(size)):
        logits = tiny_model.denoiser_logits(IDS[row, : place.start], noisy.ids[number], float(noisy.t[number]))[0]
        learnt = noisy.masked[number] & counted[row, place]
        losses.append(F.cross_entropy(logits[learnt], IDS[row, place][learnt], reduction="none"))
    ours = masked_block_loss(tiny_model, IDS, counted, size, noise())
    torch.testing.assert_close(ours, torch.cat(losses).mean(), atol=1e-4, rtol=1e-4)


def test_masking_rates_cover_the_whole_range_in_every_batch() -> None:
    ids = torch.full((64, 64), 5)
    counted = torch.arange(64).expand(64, 64) >= 32
    noisy = add_noise(ids, counted, 16, MASK, noise())
    rates = noisy.t.view(64, 4)[:, 0]
    assert (noisy.t.view(64, 4) == rates.unsqueeze(1)).all()  # one rate a text (paper, section 3)
    slots = (rates.sort().values * 64).floor()
    assert (slots - torch.arange(64)).abs().max() <= 1
    masked = noisy.masked.view(64, -1).float().mean(1)
    assert (masked - rates).abs().max() < 0.3
    assert torch.equal(noisy.ids == MASK, noisy.masked)
    assert torch.equal(noisy.learnt, noisy.masked & counted.reshape(-1, 16))
    assert (noisy.targets == 5).all()


def in_two_steps(model: TwoTower, counted: Tensor, size: int, generator: torch.Generator) -> tuple[Tensor, int, int]:
    """The loss of decoding block by block; how many tokens were shown for their confidence, and how many were not."""
    thresholds = torch.rand(len(blocks(size)), 1, generator=generator)
    steps: tuple[list[Tensor], list[Tensor]] = ([], [])
    sure, unsure = 0, 0
    for (row, place), threshold in zip(blocks(size), thresholds):
        block, open_slots = IDS[row, place], counted[row, place].nonzero().flatten().tolist()
        for losses in steps:
            if not open_slots:
                break
            noisy = block.clone()
            noisy[open_slots] = MASK
            logits = model.denoiser_logits(IDS[row, : place.start], noisy, len(open_slots) / size)[0]
            losses += [F.cross_entropy(logits[slot], block[slot]) for slot in open_slots]
            confidence = {slot: float(logits[slot].softmax(-1).max()) for slot in open_slots}
            best = max(open_slots, key=confidence.__getitem__)
            if losses is steps[0]:
                left = [slot for slot in open_slots if slot != best and confidence[slot] <= threshold]
                sure, unsure = sure + len(open_slots) - len(left) - 1, unsure + len(left)
                open_slots = left
    return sum((torch.stack(losses).mean() for losses in steps if losses), torch.zeros(())), sure, unsure


@pytest.mark.parametrize("counted", [ALL, SOME])
@pytest.mark.parametrize("size", [4, 8, 12])
def test_parallel_loss_is_two_steps_of_decoding_block_by_block(
    tiny_model: TwoTower, size: int, counted: Tensor
) -> None:
    wanted, sure, unsure = in_two_steps(tiny_model, counted, size, noise(2))
    assert sure > 0
    assert unsure > 0
    ours = parallel_loss(tiny_model, IDS, counted, size, noise(2))
    torch.testing.assert_close(ours, wanted, atol=1e-4, rtol=1e-4)


def test_parallel_loss_is_one_step_where_that_leaves_nothing(tiny_model: TwoTower) -> None:
    wanted, _, unsure = in_two_steps(tiny_model, ONE_A_BLOCK, 4, noise())
    assert unsure == 0
    torch.testing.assert_close(parallel_loss(tiny_model, IDS, ONE_A_BLOCK, 4, noise()), wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("counted", [ALL, SOME])
def test_parallel_decoding_masks_what_is_counted_and_then_part_of_it(
    make_model: Callable[..., TwoTower], monkeypatch: pytest.MonkeyPatch, counted: Tensor
) -> None:
    model = make_model()
    passes = spied(model, monkeypatch)
    parallel_loss(model, IDS, counted, 8, noise())
    targets, learnt = IDS.reshape(-1, 8), counted.reshape(-1, 8)
    first, second = passes
    assert torch.equal(first, targets.masked_fill(learnt, MASK))
    still = second == MASK
    assert torch.equal(second, targets.masked_fill(still, MASK))
    assert still.any()
    assert not (still & ~learnt).any()
    assert (still.sum(1) < learnt.sum(1))[learnt.any(1)].all()  # every step makes one token known at least


@pytest.mark.parametrize("loss", [next_token_loss, masked_block_loss, parallel_loss])
def test_what_is_not_counted_is_no_target(tiny_model: TwoTower, loss: Callable[..., Tensor]) -> None:
    # The last block is nobody's context: what stands there reaches the loss as a target or not at all.
    counted = ALL.clone()
    counted[:, 16:] = False
    changed = IDS.clone()
    changed[:, 16:] = IDS[:, 16:].flip(0)
    rest = () if loss is next_token_loss else (8,)
    ours, other = (loss(tiny_model, ids, counted, *rest, *([noise()] if rest else [])) for ids in (IDS, changed))
    torch.testing.assert_close(ours, other, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("loss", [masked_block_loss, parallel_loss])
def test_only_the_denoiser_learns_from_masked_tokens(
    make_model: Callable[..., TwoTower], loss: Callable[..., Tensor]
) -> None:
    model = make_model().requires_grad_(True)
    loss(model, IDS, SOME, 8, noise()).backward()
    assert all(p.grad is None for p in model.context_tower.parameters())
    assert model.context_lm_head.weight.grad is None
    assert model.lm_head.weight.grad.abs().sum() > 0
    assert model.denoiser_tower.embeddings.weight.grad.abs().sum() > 0
    assert model.conditioning.t_block[1].weight.grad.abs().sum() > 0


def test_only_the_context_tower_learns_from_next_tokens(make_model: Callable[..., TwoTower]) -> None:
    model = make_model().requires_grad_(True)
    next_token_loss(model, IDS, SOME).backward()
    learning = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert learning == {"context_tower", "context_lm_head"}
