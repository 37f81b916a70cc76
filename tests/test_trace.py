"""A trace survives its file, and a file that is no trace is refused by what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from twotower.errors import InputError
from twotower.model.twotower import TwoTower
from twotower.sampling.generate import LANES, generate
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace


@pytest.fixture(scope="module")
def traces(tiny_model: TwoTower) -> dict[str, Trace]:
    settings = SamplingSettings(max_new_tokens=20, block_size=8, seed=1, temperature=0.7)
    return {lane: Trace.record(generate(tiny_model, [5, 60, 7], lane, settings)) for lane in LANES}


@pytest.mark.parametrize("lane", list(LANES))
def test_written_and_read_again(traces: dict[str, Trace], lane: str) -> None:
    trace = traces[lane]
    read = Trace.from_json(trace.to_json())
    assert read.token_ids == trace.token_ids
    assert read.slots == trace.slots
    assert [type(event) for event in read.events] == [type(event) for event in trace.events]
    assert read.to_json() == trace.to_json()
    assert Trace.from_json(read.to_json()) == read


def test_a_long_trace_stays_under_two_megabytes(tiny_model: TwoTower) -> None:
    settings = SamplingSettings(
        max_new_tokens=480, block_size=16, threshold=1.0, seed=1, candidates=5, end_token_ids=()
    )
    text = Trace.record(generate(tiny_model, [5], "diffusion", settings)).to_json()
    assert len(text) * 1024 / 480 < 2e6


def broken(trace: Trace, **changes: object) -> str:
    return json.dumps({**json.loads(trace.to_json()), **changes})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"schema": 99}, "schema"),
        ({"events": []}, "events"),
        ({"events": "all"}, "events"),
        ({"events": [{"event": "Exploded"}]}, "Exploded"),
        ({"events": [7]}, "trace event"),
        ({"events": [{"event": "Finished", "time": 0}]}, "Finished"),
        ({"events": [{"event": "Finished", "time": 0, "reason": "length", "tokens": 0}]}, "from Started to Finished"),
    ],
)
def test_what_is_no_trace_is_refused(traces: dict[str, Trace], changes: dict, named: str) -> None:
    with pytest.raises(InputError, match=named):
        Trace.from_json(broken(traces["diffusion"], **changes))


@pytest.mark.parametrize("text", ["", "{", "null", "7", '"text"', "[" * 100_000])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="trace"):
        Trace.from_json(text)


def test_proposals_of_another_shape_are_refused(traces: dict[str, Trace]) -> None:
    body = json.loads(traces["diffusion"].to_json())
    denoised = next(event for event in body["events"] if event["event"] == "Denoised")
    denoised["proposals"][0] = [1, 2]
    with pytest.raises(InputError, match="Denoised"):
        Trace.from_json(json.dumps(body))


def mended(trace: Trace, mend: Callable[[list], None]) -> str:
    """The trace's file after `mend` has changed its events."""
    body = json.loads(trace.to_json())
    mend(body["events"])
    return json.dumps(body)


def index_of(events: list, name: str) -> int:
    return next(number for number, event in enumerate(events) if event["event"] == name)


def put(name: str, field: str, value: object) -> Callable[[list], None]:
    return lambda events: events[index_of(events, name)].update({field: value})


def again(name: str) -> Callable[[list], None]:
    return lambda events: events.insert(index_of(events, name), events[index_of(events, name)])


def moved_to_the_end(name: str) -> Callable[[list], None]:
    def move(events: list) -> None:
        event = events.pop(index_of(events, name))
        events.insert(-1, {**event, "time": events[-1]["time"]})

    return move


@pytest.mark.parametrize(
    ("mend", "named"),
    [
        (put("Prefilled", "time", True), r"trace events\[1\].Prefilled.time is True"),
        (put("Prefilled", "time", 10.0), r"BlockOpened.time"),
        (put("Prefilled", "seconds", -1e-3), "Prefilled.seconds is -0.001"),
        (put("Started", "seed", 1.0), "Started.seed is 1.0"),
        (put("Started", "prompt_ids", [True]), r"prompt_ids\[0\] is True"),
        (put("Started", "warnings", "none"), "warnings is 'none'"),
        (put("BlockOpened", "size", 21), "Denoised.*position|ContextExtended|Finished.tokens|offset"),
        (put("Denoised", "block", 1), "block is 1"),
        (put("ContextExtended", "tokens", 4), "tokens is 4"),
        (put("Finished", "tokens", 21), "Finished.tokens is 21"),
        (again("Started"), r"events\[1\].Started.event is 'Started'"),
        (again("Prefilled"), r"events\[2\].Prefilled.event is 'Prefilled'"),
        (again("BlockOpened"), r"BlockOpened.block is 0"),
        (again("Denoised"), r"Denoised.step is 0"),
        (again("ContextExtended"), r"ContextExtended.block is 0"),
        (again("Finished"), r"Finished.event is 'Finished'"),
        (moved_to_the_end("Prefilled"), "Prefilled.event is 'Prefilled'"),
        (moved_to_the_end("BlockOpened"), r"Denoised.block is 0"),
        (moved_to_the_end("ContextExtended"), r"ContextExtended.block is 0"),
        (lambda events: events.insert(-1, {**events[-1], "event": "Paused"}), "event is 'Paused'"),
    ],
)
def test_events_that_are_no_run_are_refused(traces: dict[str, Trace], mend: Callable, named: str) -> None:
    with pytest.raises(InputError, match=named):
        Trace.from_json(mended(traces["diffusion"], mend))


def test_a_token_out_of_its_turn_is_refused(traces: dict[str, Trace]) -> None:
    with pytest.raises(InputError, match=r"events\[2\].TokenDecoded.position is 1"):
        Trace.from_json(mended(traces["autoregressive"], put("TokenDecoded", "position", 1)))


def test_a_stopped_run_is_a_run(tiny_model: TwoTower) -> None:
    asked = SamplingSettings(max_new_tokens=20, block_size=8, threshold=1.0, seed=1)
    for passes in range(6):
        left = iter(range(passes))
        stop = lambda left=left: next(left, None) is None  # noqa: E731
        stopped = Trace.record(generate(tiny_model, [5, 60], "diffusion", asked, stop))
        assert stopped.finished.reason == "cancelled"
        assert Trace.from_json(stopped.to_json()).slots == stopped.slots


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_time_that_is_no_number_is_refused(traces: dict[str, Trace], number: str) -> None:
    text = mended(traces["diffusion"], put("Prefilled", "time", "here")).replace('"here"', number)
    with pytest.raises(InputError, match="trace"):
        Trace.from_json(text)
