"""A trace survives its file, and a file that is no trace is refused by what is wrong with it."""

from __future__ import annotations

import json

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
