"""Races that nobody reads to the end, and late presses of Stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from endless import Endless

from twotower import TwoTower
from twotower.sampling.events import Event, Finished, Started
from twotower.sampling.generate import LANES
from twotower.sampling.settings import SamplingSettings
from twotower.ui import worker as worker_module
from twotower.ui.race import Race, whole_trace
from twotower.ui.request import RaceRequest
from twotower.ui.shown import results_of
from twotower.ui.worker import Worker


@pytest.fixture
def endless() -> Endless:
    return Endless()


@pytest.fixture
def slow(endless: Endless) -> Worker:
    made = Worker(lambda: endless)
    made.wait()
    return made


def asked(*lanes: str, tokens: int = 999) -> RaceRequest:
    return RaceRequest("Once", lanes, SamplingSettings(max_new_tokens=tokens, seed=0))


def next_lane_runs(worker: Worker) -> list[Event]:
    """Queue a lane behind whatever the worker has, and wait for it."""
    run = worker.submit([1], "mock-ar", SamplingSettings(max_new_tokens=1, seed=0))
    return [event for batch in run.batches(seconds=0) for event in batch]


def test_a_race_nobody_reads_any_more_gives_the_model_back(embedded: TwoTower, slow: Worker, endless: Endless) -> None:
    messages: Any = Race(embedded, slow, asked("diffusion", "autoregressive")).messages()
    next(messages)
    messages.close()  # what Gradio does when the visitor is gone
    assert isinstance(next_lane_runs(slow)[-1], Finished)
    assert endless.ended == ["diffusion: cancelled", "mock-ar: length"]


def test_stop_reaches_a_lane_that_waits_behind_another_visitors(
    embedded: TwoTower, slow: Worker, endless: Endless, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: Any = Race(embedded, slow, asked("autoregressive")).messages()
    next(others)
    queued, submit = threading.Event(), slow.submit
    monkeypatch.setattr(slow, "submit", lambda *what: (submit(*what), queued.set())[0])
    mine, messages = Race(embedded, slow, asked("diffusion", "mock-ar")), []
    reader = threading.Thread(target=lambda: messages.extend(mine.messages()), daemon=True)
    reader.start()
    assert queued.wait(10)
    mine.stop()
    assert endless.ended == []  # the other visitor's lane runs on
    others.close()
    reader.join(10)
    assert endless.ended == ["autoregressive: cancelled", "diffusion: cancelled"]
    assert "was stopped" in messages[-1]["parts"][-1]["summary"]


def test_a_stopped_lane_counts_nothing_it_did_not_get(embedded: TwoTower, slow: Worker) -> None:
    race = Race(embedded, slow, asked("diffusion"))
    messages: list[Any] = []
    for message in race.messages():
        messages.append(message)
        race.stop()
    (part,) = messages[-1]["parts"]
    assert part["whole"]
    speeds = {"tokens_per_second": None, "accepted_per_round": None}
    assert part["figures"] == {"tokens": 0, "passes": 0, "seconds": 0.0, **speeds}
    shown = race.shown()
    assert shown is not None
    assert shown.stopped
    assert "Stopped" in str(results_of(shown).verdict["verdict"])


def test_stop_between_two_lanes_keeps_the_first(embedded: TwoTower, slow: Worker, endless: Endless) -> None:
    race = Race(embedded, slow, asked("diffusion", "autoregressive", tokens=1))
    for message in race.messages():
        if any(part.get("whole") for part in message["parts"]):
            race.stop()
    assert endless.ended == ["diffusion: length"]
    shown = race.shown()
    assert shown is not None
    assert [trace.started.lane for trace in shown.traces] == ["diffusion"]
    assert shown.stopped


def test_messages_name_the_race_they_are_of(embedded: TwoTower, slow: Worker) -> None:
    first, second = (list(Race(embedded, slow, asked(*LANES, tokens=1)).messages()) for _ in range(2))
    assert len({message["run"] for message in first}) == 1
    assert first[0]["run"] != second[0]["run"]
    for message in first:
        assert [look["lane"] for look in message["lanes"]] == list(LANES)
        assert (message["planned"], message["block_size"], message["prompt_tail"]) == (1, 16, "Once")


def test_no_lane_runs_longer_than_the_deadline(slow: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "DEADLINE_SECONDS", -1.0)  # over before it began
    run = slow.submit([1], "diffusion", SamplingSettings(seed=0))
    events = [event for batch in run.batches(seconds=0) for event in batch]
    assert [type(event) for event in events] == [Started, Finished]


def test_an_answer_that_fails_is_raised_and_the_next_one_comes(embedded: TwoTower) -> None:
    class Once(Endless):
        def __call__(self, *asked: Any) -> Iterator[Event]:
            if asked[1] == "diffusion":
                raise RuntimeError("out of memory")
            return super().__call__(*asked)

    worker = Worker(Once)
    with pytest.raises(RuntimeError, match="out of memory"):
        whole_trace(embedded, worker, asked("diffusion"))
    body = whole_trace(embedded, worker, asked("mock-ar", tokens=1))
    assert [event["event"] for event in body["events"]] == ["Started", "Finished"]
