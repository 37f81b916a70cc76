"""More threads only where they save enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import torch

from twotower import TwoTower
from twotower.errors import InputError
from twotower.model import threads


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    own = torch.get_num_threads()
    yield
    torch.set_num_threads(own)


@pytest.mark.parametrize(("own", "tried"), [(1, [1]), (2, [1, 2]), (3, [1, 3]), (8, [1, 2, 4, 8]), (12, [1, 3, 6, 12])])
def test_halves_are_tried(own: int, tried: list[int]) -> None:
    assert threads.candidates(own) == tried


def clock_of(monkeypatch: pytest.MonkeyPatch, seconds: dict[int, float]) -> Callable[[], None]:
    """Work that takes so long with each number of threads, on a clock of its own."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def run() -> None:
        now[0] += seconds[torch.get_num_threads()]

    return run


@pytest.mark.parametrize(
    ("seconds", "best"),
    [
        ({1: 1.0, 2: 2.0}, 1),
        ({1: 2.0, 2: 1.0}, 2),
        ({1: 1.0, 2: 0.8}, 1),  # not worth it
        ({1: 1.0, 2: 0.7, 4: 0.6}, 2),
        ({1: 1.0, 2: 0.8, 4: 0.5}, 4),
    ],
)
def test_more_threads_have_to_be_worth_it(
    monkeypatch: pytest.MonkeyPatch, seconds: dict[int, float], best: int
) -> None:
    run = clock_of(monkeypatch, seconds)
    assert threads.worthwhile(sorted(seconds), run) == best


def test_a_model_is_settled_on_one_of_them(embedded_model: TwoTower, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(2)
    monkeypatch.setattr(threads, "worthwhile", lambda tried, run: (run(), tried[0])[1])
    threads.settle_threads(embedded_model)
    assert torch.get_num_threads() == 1


def test_one_thread_is_left_alone(tiny_model: TwoTower, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(threads, "worthwhile", lambda *_: pytest.fail("measured though there is nothing to choose"))
    threads.settle_threads(tiny_model)
    assert torch.get_num_threads() == 1


def test_the_number_asked_for_is_not_measured(tiny_model: TwoTower, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "worthwhile", lambda *_: pytest.fail("measured though a number was given"))
    threads.settle_threads(tiny_model, 3)
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("wanted", [0, -1, 1025])
def test_a_number_that_makes_no_sense_is_refused(tiny_model: TwoTower, wanted: int) -> None:
    with pytest.raises(InputError, match=f"threads is {wanted}; allowed: a whole number from 1 to 1024"):
        threads.settle_threads(tiny_model, wanted)
