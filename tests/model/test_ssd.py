"""The closed-form scan against the one-token recurrence."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from twotower.model import ssd

HEADS, WIDTH, GROUPS, STATE = 6, 5, 3, 7


def inputs(length: int, seed: int = 0, groups: int = GROUPS) -> tuple[Tensor, ...]:
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(2, length, HEADS, WIDTH, generator=g)
    dt = torch.rand(2, length, HEADS, generator=g)
    a = -torch.rand(HEADS, generator=g) * 4
    b, c = (torch.randn(2, length, groups, STATE, generator=g) for _ in range(2))
    initial = torch.randn(2, HEADS, WIDTH, STATE, generator=g) * 10
    return x, dt, a, b, c, initial


def recurrence(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, state: Tensor) -> tuple[Tensor, list[Tensor]]:
    outputs, states, state = [], [state], state.clone()
    for i in range(x.shape[1]):
        outputs.append(ssd.step(x[:, i], dt[:, i], a, b[:, i], c[:, i], state))
        states.append(state.clone())
    return torch.stack(outputs, 1), states


@pytest.mark.parametrize("length", [1, 2, 3, 5, 16, 33])
@pytest.mark.parametrize("chunk", [1, 4, 16, 64])
def test_scan_is_the_recurrence_whatever_the_chunk(length: int, chunk: int) -> None:
    given = inputs(length)
    wanted, states = recurrence(*given)
    y, boundaries = ssd.scan(*given, chunk)
    torch.testing.assert_close(y, wanted, atol=2e-4, rtol=1e-4)
    torch.testing.assert_close(boundaries[:, -1], states[-1], atol=2e-4, rtol=1e-4)


def test_boundaries_are_the_states_between_chunks() -> None:
    given = inputs(12)
    _, states = recurrence(*given)
    _, boundaries = ssd.scan(*given, 4)
    assert boundaries.shape[1] == 4
    for number in range(4):
        torch.testing.assert_close(boundaries[:, number], states[4 * number], atol=2e-4, rtol=1e-4)


def test_step_by_hand() -> None:
    # One head, one channel, one state: h = exp(dt a) h + dt x b, y = h c.
    one = torch.ones(1, 1, 1)
    state = 10 * one.unsqueeze(0)
    y = ssd.step(2 * one, 0.5 * one[0], torch.tensor([-1.0]), 3 * one, 4 * one, state)
    wanted = 10 * torch.exp(torch.tensor(-0.5)) + 0.5 * 2 * 3
    torch.testing.assert_close(state.flatten(), wanted.reshape(1))
    torch.testing.assert_close(y.flatten(), (4 * wanted).reshape(1))


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_a_head_reads_its_own_group(groups: int) -> None:
    x, dt, a, b, c, state = inputs(1, groups=groups)
    after = state.clone()
    y = ssd.step(x[:, 0], dt[:, 0], a, b[:, 0], c[:, 0], after)
    for head in range(HEADS):
        group = head // (HEADS // groups)
        kept = (dt[:, 0, head] * a[head]).exp()[:, None, None] * state[:, head]
        fed = dt[:, 0, head, None, None] * x[:, 0, head, :, None] * b[:, 0, group, None, :]
        torch.testing.assert_close(after[:, head], kept + fed)
        wanted = ((kept + fed) * c[:, 0, group, None, :]).sum(-1)
        torch.testing.assert_close(y[:, head], wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("groups", [1, 3, 6])
@pytest.mark.parametrize("length", [1, 2, 3, 7, 16, 33])
def test_a_chunk_at_once_is_the_scan_and_the_recurrence(length: int, groups: int) -> None:
    given = inputs(length, groups=groups)
    x, dt, a, b, _, initial = given
    wanted, states = recurrence(*given)
    scanned, boundaries = ssd.scan(*given, length)
    y, after = ssd.within_chunk(*given), ssd.after_chunk(x, dt, a, b, initial)
    torch.testing.assert_close(y, wanted, atol=2e-4, rtol=1e-4)
    torch.testing.assert_close(y, scanned, atol=2e-4, rtol=1e-4)
    torch.testing.assert_close(after, states[-1], atol=2e-4, rtol=1e-4)
    torch.testing.assert_close(after, boundaries[:, -1], atol=2e-4, rtol=1e-4)


def test_a_token_without_time_leaves_no_trace() -> None:
    x, dt, a, b, _, initial = inputs(9)
    dt[:, 5:] = 0
    torch.testing.assert_close(
        ssd.after_chunk(x, dt, a, b, initial), ssd.after_chunk(x[:, :5], dt[:, :5], a, b[:, :5], initial)
    )


def test_large_seeded_states_stay_finite_and_right() -> None:
    x, dt, a, b, c, initial = inputs(16)
    large = (x, dt, a, b, c, initial * 1e3)
    wanted, states = recurrence(*large)
    y, boundaries = ssd.scan(*large, 16)
    for outputs, state in (
        (y, boundaries[:, -1]),
        (ssd.within_chunk(*large), ssd.after_chunk(x, dt, a, b, initial * 1e3)),
    ):
        torch.testing.assert_close(outputs, wanted, atol=0.05, rtol=1e-4)
        torch.testing.assert_close(state, states[-1], atol=0.05, rtol=1e-4)


def test_a_decay_beyond_float32_above_the_diagonal_does_no_harm() -> None:
    # exp(100 a token) is infinite: only what lies before a token may count.
    x, dt, a, b, c, initial = inputs(16)
    given = (x, torch.full_like(dt, 25.0), torch.full_like(a, -4.0), b, c, initial)
    wanted, _ = recurrence(*given)
    torch.testing.assert_close(ssd.within_chunk(*given), wanted, atol=2e-4, rtol=1e-4)


def test_a_decay_beyond_float32_leaves_gradients_finite() -> None:
    x, dt, a, b, c, initial = inputs(16)
    dt, a = torch.full_like(dt, 25.0).requires_grad_(), torch.full_like(a, -4.0).requires_grad_()
    ssd.within_chunk(x, dt, a, b, c, initial).sum().backward()
    assert dt.grad is not None
    assert torch.isfinite(dt.grad).all()
