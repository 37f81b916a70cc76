"""The order things run in, and which of their seconds count."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest
import torch

from twotower.benchmark import timing
from twotower.benchmark.timing import Alone, alternately, repeated
from twotower.race import Spread

CPU = torch.device("cpu")


class Ticking:
    """A clock that only work moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def work(self, *seconds: float) -> Callable[[], None]:
        left = list(seconds)

        def run() -> None:
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return run


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Ticking:
    ticking = Ticking()
    monkeypatch.setattr(timing, "time", ticking)
    return ticking


class Noted:
    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def prepare(self) -> None:
        self.log.append(f"prepare {self.name}")

    def run(self) -> None:
        assert not gc.isenabled()
        assert torch.is_inference_mode_enabled()
        self.log.append(self.name)


def test_every_second_repeat_goes_backwards_and_each_run_is_prepared() -> None:
    log: list[str] = []
    repeated({name: Noted(name, log) for name in "ab"}, 2, CPU, 0.0)
    order = [each for each in log if not each.startswith("prepare")]
    assert order == ["a", "b", *"aabb", *"bbaa"]  # warmed up, then twice a repeat, of which the second counts
    assert log[::2] == [f"prepare {name}" for name in order]
    assert gc.isenabled()


def test_the_first_run_of_a_burst_does_not_count(clock: Ticking) -> None:
    work = clock.work(100.0, 50.0, 3.0, 40.0, 5.0)  # warm-up; unmeasured and measured; unmeasured and measured
    assert repeated({"a": Alone(work)}, 2, CPU, 0.0) == {"a": [3.0, 5.0]}


def test_preparation_is_not_measured_but_uses_up_the_budget(clock: Ticking) -> None:
    runs = []

    class Prepared:
        prepare = staticmethod(clock.work(10.0))
        run = staticmethod(lambda: runs.append(clock.work(1.0)()))

    assert repeated({"a": Prepared()}, 1, CPU, 45.0) == {"a": [1.0]}
    assert len(runs) == 1 + 5  # the warm-up, then 11 seconds each until 45 are over


def test_a_repeats_figure_is_the_median_of_its_runs(clock: Ticking) -> None:
    work = clock.work(9.0, 9.0, 1.0, 2.0, 30.0)
    assert repeated({"a": Alone(work)}, 1, CPU, 30.0) == {"a": [2.0]}


def test_a_quick_kind_runs_so_often_and_no_more() -> None:
    count = []
    repeated({"a": Alone(lambda: count.append(1))}, 1, CPU, 60.0)
    assert len(count) == 2 + timing.MOST


def test_the_spread_is_over_the_repeats(clock: Ticking) -> None:
    work = clock.work(9.0, 9.0, 3.0, 9.0, 1.0, 9.0, 2.0)
    assert alternately({"a": Alone(work)}, 3, CPU, 0.0) == {"a": Spread(2.0, 1.0, 3.0)}
