"""The measured clock counts sampling and nothing else."""

from __future__ import annotations

import pytest
import torch

from twotower.sampling import clock as clock_module
from twotower.sampling.clock import Clock


class Hands:
    """A clock face that moves when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    moved = Hands()
    monkeypatch.setattr(clock_module, "time", moved)
    return moved


def test_it_stands_still_between_events_and_while_recording(hands: Hands) -> None:
    clock = Clock(torch.device("cpu"))
    hands.now += 5
    with clock.running():
        hands.now += 1
        with clock.paused():
            hands.now += 10
        hands.now += 2
    hands.now += 50  # the consumer has the thread
    with clock.running():
        hands.now += 4
        assert clock.now == 7
    assert clock.now == 7


def test_a_pass_is_timed(hands: Hands) -> None:
    def work(seconds: float) -> str:
        hands.now += seconds
        return "done"

    assert Clock(torch.device("cpu")).timed(work, 3.0) == ("done", 3.0)


def test_an_exception_stops_it(hands: Hands) -> None:
    clock = Clock(torch.device("cpu"))

    def fail_after_a_second() -> None:
        with clock.running():
            hands.now += 1
            raise KeyError

    with pytest.raises(KeyError):
        fail_after_a_second()
    hands.now += 9
    assert clock.now == 1
