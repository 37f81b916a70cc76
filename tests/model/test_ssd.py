"""The closed-form scan against the one-token recurrence."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from twotower.model import ssd

HEADS, WIDTH, GROUPS, STATE = 6, 5, 3, 7


def inputs(length: int, seed: int = 0) -> tuple[Tensor, ...]:
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(2, length, HEADS, WIDTH, generator=g)
    dt = torch.rand(2, length, HEADS, generator=g)
    a = -torch.rand(HEADS, generator=g) * 4
    b, c = (torch.randn(2, length, GROUPS, STATE, generator=g) for _ in range(2))
    initial = torch.randn(2, HEADS, WIDTH, STATE, generator=g) * 10
    return x, dt, a, b, c, initial


def recurrence(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, state: Tensor) -> tuple[Tensor, list[Tensor]]:
    outputs, states = [], [state]
    for i in range(x.shape[1]):
        y, state = ssd.step(x[:, i], dt[:, i], a, b[:, i], c[:, i], state)
        outputs.append(y)
        states.append(state)
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
    y, state = ssd.step(2 * one, 0.5 * one[0], torch.tensor([-1.0]), 3 * one, 4 * one, 10 * one.unsqueeze(0))
    wanted = 10 * torch.exp(torch.tensor(-0.5)) + 0.5 * 2 * 3
    torch.testing.assert_close(state.flatten(), wanted.reshape(1))
    torch.testing.assert_close(y.flatten(), (4 * wanted).reshape(1))


def test_large_seeded_states_stay_finite() -> None:
    x, dt, a, b, c, initial = inputs(16)
    y, boundaries = ssd.scan(x, dt, a, b, c, initial * 1e3, 16)
    assert torch.isfinite(y).all()
    assert torch.isfinite(boundaries).all()
