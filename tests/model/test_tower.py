"""The passes of a tower agree with one another, whatever the pattern of layers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from held_in import assert_same, tensors
from torch import Tensor

from twotower.model.twotower import TwoTower

PATTERNS = ["ME*M-E", "*M", "*EM*", "M", "*", "-M*-", "MMM"]
MakeModel = Callable[..., TwoTower]


def text(length: int, vocabulary: int = 97, seed: int = 0) -> Tensor:
    return torch.randint(4, vocabulary, (1, length), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("length", [1, 2, 3, 5, 150])
def test_one_pass_pieces_and_steps_agree(make_model: MakeModel, pattern: str, length: int) -> None:
    model = make_model(hybrid_override_pattern=pattern)
    tower, ids = model.context_tower, text(length)
    whole, pieces, steps = (model.empty_state(1, length) for _ in range(3))
    at_once = tower.prefill(ids, whole)
    whole.held = [length]
    cut = length // 3
    in_pieces = [model.context_pass(part, pieces) for part in (ids[:, :cut], ids[:, cut:]) if part.shape[1]]
    by_step = [model.context_step(ids[:, i], steps) for i in range(length)]
    torch.testing.assert_close(tower.read(ids), at_once, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(torch.cat(in_pieces, 1), at_once, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(torch.stack(by_step, 1), at_once, atol=1e-4, rtol=1e-4)
    assert_same(pieces, whole, 1e-4)
    assert_same(steps, whole, 1e-4)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_denoiser_pass_leaves_the_memory_as_it_was(make_model: MakeModel, pattern: str) -> None:
    model = make_model(hybrid_override_pattern=pattern)
    _, state = model.prefill(text(20))
    before = [tensor.clone() for tensor in tensors(state)]
    first = model.denoiser_pass(text(16, seed=1), state, 0.5)
    again = model.denoiser_pass(text(16, seed=1), state, 0.5)
    assert torch.equal(first, again)
    assert state.held == [20]
    for tensor, kept in zip(tensors(state), before):
        assert torch.equal(tensor, kept)


def test_the_context_tower_is_causal(tiny_model: TwoTower) -> None:
    ids = text(12)
    changed = ids.clone()
    changed[0, 7] = (changed[0, 7] + 1) % 90 + 4
    one, other = tiny_model.context_logits(ids), tiny_model.context_logits(changed)
    torch.testing.assert_close(one[:, :7], other[:, :7], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(one[:, 7:], other[:, 7:])


def test_the_denoiser_sees_its_block_both_ways(tiny_model: TwoTower) -> None:
    block = text(16, seed=2)
    changed = block.clone()
    changed[0, 15] = 5 if block[0, 15] != 5 else 6
    one = tiny_model.denoiser_logits(text(9), block, 0.5)
    other = tiny_model.denoiser_logits(text(9), changed, 0.5)
    assert not torch.allclose(one[:, 0], other[:, 0], atol=1e-5)


@pytest.mark.parametrize("kind", ["M", "*"])
def test_each_channel_carries_the_context(make_model: MakeModel, kind: str) -> None:
    model = make_model(hybrid_override_pattern=kind)
    block = text(4, seed=3)
    assert not torch.allclose(
        model.denoiser_logits(text(9, seed=4), block, 0.5), model.denoiser_logits(text(9, seed=5), block, 0.5)
    )


def test_rows_of_a_batch_do_not_mix(tiny_model: TwoTower) -> None:
    contexts = torch.cat([text(10, seed=s) for s in (1, 2)])
    blocks = torch.cat([text(6, seed=s) for s in (3, 4)])
    together = tiny_model.denoiser_logits(contexts, blocks, torch.tensor([0.25, 0.75]))
    for row, t in enumerate((0.25, 0.75)):
        alone = tiny_model.denoiser_logits(contexts[row], blocks[row], t)
        torch.testing.assert_close(together[row : row + 1], alone, atol=1e-5, rtol=1e-4)


def test_the_residual_stream_may_be_float32(make_model: MakeModel) -> None:
    model = make_model(residual_in_fp32=True).to(torch.bfloat16)
    assert model.context_tower._embed(text(3)).dtype == torch.float32
    assert model.context_logits(text(3)).dtype == torch.bfloat16
