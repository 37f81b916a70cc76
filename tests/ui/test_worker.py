"""One thread, one lane at a time, whatever happens to the lanes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import pytest

from twotower.sampling.events import BlockOpened, Event
from twotower.sampling.settings import SamplingSettings
from twotower.ui.worker import LaneRun, Worker

SETTINGS = SamplingSettings(seed=0)


def event(number: int) -> Event:
    return BlockOpened(float(number), number, 0, 1)


class Script:
    """A lane named after what it does."""

    def __init__(self) -> None:
        self.running = 0
        self.most_running = 0
        self.go_on = threading.Event()
        self.threads: set[int] = set()

    def __call__(
        self, prompt_ids: list[int], lane: str, settings: SamplingSettings, should_stop: Callable[[], bool]
    ) -> Iterator[Event]:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.threads.add(threading.get_ident())
        try:
            for number in range(len(prompt_ids)):
                yield event(number)
                if lane == "waits":
                    self.go_on.wait(10)
                if lane == "fails" and number == 1:
                    raise RuntimeError("broken")
                if should_stop():
                    return
        finally:
            self.running -= 1


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def worker(script: Script) -> Worker:
    made = Worker(lambda: script)
    made.wait()
    return made


def read(run: LaneRun) -> list[Event]:
    return [each for batch in run.batches(seconds=0) for each in batch]


def test_events_come_in_order_and_all_of_them(worker: Worker) -> None:
    assert read(worker.submit([0] * 50, "runs", SETTINGS)) == [event(number) for number in range(50)]


def test_many_events_come_in_few_batches(worker: Worker) -> None:
    batches = list(worker.submit([0] * 200, "runs", SETTINGS).batches(seconds=0.2))
    assert sum(map(len, batches)) == 200
    assert len(batches) < 20


def test_lanes_never_overlap_and_share_one_thread(worker: Worker, script: Script) -> None:
    runs = [worker.submit([0] * 20, "runs", SETTINGS) for _ in range(5)]
    runs[1].stop()
    for run in runs:
        read(run)
    assert script.most_running == 1
    assert len(script.threads) == 1


def test_a_stopped_lane_ends_after_the_event_it_is_at(worker: Worker, script: Script) -> None:
    run = worker.submit([0] * 1000, "waits", SETTINGS)
    assert next(run.batches(seconds=0)) == [event(0)]
    run.stop()
    script.go_on.set()
    assert len(read(run)) <= 1


def test_a_lane_stopped_while_waiting_hardly_begins(worker: Worker, script: Script) -> None:
    first = worker.submit([0] * 2, "waits", SETTINGS)
    second = worker.submit([0] * 1000, "runs", SETTINGS)
    second.stop()
    script.go_on.set()
    assert len(read(first)) == 2
    assert len(read(second)) == 1


def test_what_a_lane_raises_comes_after_its_events_and_the_next_one_works(worker: Worker) -> None:
    seen: list[Event] = []
    failing = worker.submit([0] * 9, "fails", SETTINGS)

    def follow() -> None:
        for batch in failing.batches(seconds=0):
            seen.extend(batch)

    with pytest.raises(RuntimeError, match="broken"):
        follow()
    assert seen == [event(0), event(1)]
    assert len(read(worker.submit([0] * 3, "runs", SETTINGS))) == 3


def test_a_model_that_cannot_be_built_is_said_by_wait() -> None:
    def build() -> Script:
        raise ValueError("no such model")

    with pytest.raises(ValueError, match="no such model"):
        Worker(build).wait()


def test_a_lane_runs_in_the_context_of_whoever_asked_for_it() -> None:
    visitor: ContextVar[str] = ContextVar("visitor", default="nobody")
    seen: list[str] = []

    def looking(*_: object) -> Iterator[Event]:
        seen.append(visitor.get())
        yield event(0)

    worker = Worker(lambda: looking)
    worker.wait()
    for name in ("first", "second"):
        visitor.set(name)
        list(worker.submit([1], "any", SETTINGS).batches(0.0))
    assert seen == ["first", "second"]
