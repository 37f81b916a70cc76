"""The buffers a context tower remembers in: rows that do not mix, room, what is seen of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from held_in import assert_same
from torch import Tensor

from twotower import TwoTower
from twotower.model.state import ContextState, capacity_for

TEXTS = [[5, 60, 7, 33], [8], [21, 40, 9, 11, 12, 13, 14, 15, 16, 17]]


def rows_together(model: TwoTower) -> tuple[ContextState, list[ContextState]]:
    """Texts of different lengths in one state, and each in one of its own."""
    singles = [model.prefill(torch.tensor([text]), room=40)[1] for text in TEXTS]
    together = model.empty_state(len(TEXTS), 400)
    for row, single in enumerate(singles):
        together.put(row, single)
    return together, singles


def compare(model: TwoTower, given: Tensor, wanted: list[Tensor], state: ContextState, singles: list) -> None:
    torch.testing.assert_close(given, torch.cat(wanted), atol=1e-4, rtol=1e-4)
    for row, single in enumerate(singles):
        mine = state.over([tensor[row : row + 1] for tensor in state.tensors])
        mine.held = [state.held[row]]
        assert_same(mine, single, 1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("pattern", ["ME*M-E", "*", "M"])
def test_rows_of_different_lengths_are_each_as_alone(make_model: Callable[..., TwoTower], pattern: str) -> None:
    model = make_model(hybrid_override_pattern=pattern)
    state, singles = rows_together(model)
    ids = torch.randint(4, 97, (3, 6), generator=torch.Generator().manual_seed(1))
    each = [row.unsqueeze(0) for row in ids]
    ts = [0.1, 0.9, 0.4]
    denoised = [model.denoiser_pass(*row) for row in zip(each, singles, ts)]
    compare(model, model.denoiser_pass(ids, state, ts), denoised, state, singles)
    stepped = [model.ar_step(row[:, 0], single) for row, single in zip(each, singles)]
    compare(model, model.ar_step(ids[:, 0], state), stepped, state, singles)
    read = [model.context_pass(*row) for row in zip(each, singles, [[6], [0], [2]])]
    compare(model, model.context_pass(ids, state, [6, 0, 2]), read, state, singles)
    verified = [model.verify_pass(row, single) for row, single in zip(each, singles)]
    logits, ahead = model.verify_pass(ids, state)
    model.take_over(ahead, state, [1, 5, 0])
    for (_, theirs), single, count in zip(verified, singles, [1, 5, 0]):
        model.take_over(theirs, single, count)
    compare(model, logits, [row for row, _ in verified], state, singles)


@torch.inference_mode()
def test_a_row_that_runs_on_behind_its_room_disturbs_no_other(make_model: Callable[..., TwoTower]) -> None:
    model = make_model()
    state, singles = rows_together(model)
    state.lengths[2] = state.capacity + 5  # as a finished row's may become while the others go on
    block = torch.tensor([[9, 3, 3]] * 3)
    together = model.denoiser_pass(block, state, 0.5)
    stepped = model.ar_step(block[:, 0], state)
    for row in (0, 1):
        alone = model.denoiser_pass(block[:1], singles[row], 0.5)
        torch.testing.assert_close(together[row], alone[0], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(stepped[row], model.ar_step(block[0, :1], singles[row])[0], atol=1e-4, rtol=1e-4)


def test_a_clone_shares_nothing(tiny_model: TwoTower) -> None:
    _, state = tiny_model.prefill(torch.tensor([TEXTS[0]]), room=20)
    copy = state.clone()
    tiny_model.ar_step(torch.tensor([9]), copy)
    assert (state.held, copy.held) == ([4], [5])
    assert_same(state, tiny_model.prefill(torch.tensor([TEXTS[0]]))[1], 1e-6)


def test_a_text_that_outgrows_its_room_is_refused(tiny_model: TwoTower) -> None:
    _, state = tiny_model.prefill(torch.tensor([TEXTS[0]]))
    assert state.capacity == 256
    state.held = [255]
    tiny_model.context_step(torch.tensor([9]), state)
    for work in (
        lambda: tiny_model.context_step(torch.tensor([9]), state),
        lambda: tiny_model.context_pass(torch.tensor([[9, 8]]), state),
        lambda: tiny_model.verify_pass(torch.tensor([[9, 8]]), state),
    ):
        with pytest.raises(ValueError, match="room for 256 tokens and holds 256"):
            work()


@pytest.mark.parametrize(
    ("tokens", "capacity"), [(1, 256), (256, 256), (257, 384), (385, 512), (768, 768), (8193, 12288)]
)
def test_capacities_are_few(tokens: int, capacity: int) -> None:
    assert capacity_for(tokens) == capacity
