"""Messages to the stage: whatever is lost on the way, the picture is the run."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest
from handmade_runs import verify_run

from twotower import DEFAULT_MODEL, TwoTower
from twotower.metrics import Metrics
from twotower.recording import Recording
from twotower.sampling import SamplingSettings, generate
from twotower.sampling.events import event_to_json
from twotower.sampling.generate import LANES
from twotower.text import encode_prompt
from twotower.trace import Trace
from twotower.views.canvas import (
    REPEATED_BATCHES,
    LaneCanvas,
    StageFrame,
    prompt_tail,
    recording_message,
    whole_part,
)

Letters = Callable[[Sequence["int | None"]], list[str]]


def batches(trace: Trace, size: int = 3) -> list[list]:
    return [list(trace.events[at : at + size]) for at in range(0, len(trace.events), size)]


@pytest.mark.parametrize("lane", LANES)
def test_live_parts_add_up_to_the_run(
    traces: dict[str, Trace], letters: Letters, make_browser: type, lane: str
) -> None:
    canvas, browser = LaneCanvas(lane, letters), make_browser()
    for batch in batches(traces[lane]):
        browser.take(json.loads(json.dumps(canvas.live(batch))))
    assert sorted(browser.log) == list(range(len(traces[lane].events)))
    assert [browser.texts[i] for i in range(20)] == letters(traces[lane].slots)
    assert [browser.log[i]["event"] for i in sorted(browser.log)] == [type(e).__name__ for e in traces[lane].events]


@pytest.mark.parametrize("lane", ["diffusion", "verify"])
def test_any_message_may_be_lost(traces: dict[str, Trace], letters: Letters, make_browser: type, lane: str) -> None:
    trace = traces[lane]
    count = len(batches(trace))
    for lost in range(count - 1):
        canvas, browser = LaneCanvas(lane, letters), make_browser()
        for number, batch in enumerate(batches(trace)):
            part = canvas.live(batch)
            if number != lost:
                browser.take(part)
        assert sorted(browser.log) == list(range(len(trace.events))), lost
        assert [browser.texts[i] for i in range(20)] == letters(trace.slots), lost


def test_rejected_drafts_bring_their_texts(letters: Letters) -> None:
    events, canvas = verify_run().events, LaneCanvas("verify", letters)
    drafted = canvas.live(events[:6])
    assert drafted["texts"] == [[0, chr(0x10A)], [1, chr(0x10B)], [2, chr(0x10C)], [3, chr(0x10D)]]
    assert drafted["pieces"] == {}
    verified = canvas.live(events[6:8])
    assert verified["texts"][-2:] == [[2, chr(0x116)], [3, ""]]  # said though it was "" before the first message, too
    assert verified["pieces"] == {"12": chr(0x10C), "13": chr(0x10D)}
    canvas.live(events[8:9])
    assert canvas.live(events[9:10])["pieces"] == {"12": chr(0x10C), "13": chr(0x10D)}  # in case it was lost
    assert canvas.live(events[10:11])["pieces"] == {}


def test_repeats_stay_short(traces: dict[str, Trace], letters: Letters) -> None:
    canvas = LaneCanvas("diffusion", letters)
    parts = [canvas.live(batch) for batch in batches(traces["diffusion"])]
    assert max(len(part["events"]) for part in parts) <= 3 * (1 + REPEATED_BATCHES)


@pytest.mark.parametrize("lane", LANES)
def test_live_parts_carry_no_candidates(traces: dict[str, Trace], letters: Letters, lane: str) -> None:
    canvas = LaneCanvas(lane, letters)
    for batch in batches(traces[lane]):
        for event in canvas.live(batch)["events"]:
            assert "candidates" not in event
            assert all(proposal[4] == [] for proposal in event.get("proposals", []))


@pytest.fixture(scope="module")
def recording() -> Recording:
    """A race of the embedded model."""
    model = TwoTower.from_pretrained(DEFAULT_MODEL)
    settings = SamplingSettings(max_new_tokens=20, seed=1)
    ids = encode_prompt(model, "Once upon")
    traces = [Trace.record(generate(model, ids, lane, settings)) for lane in ("diffusion", "autoregressive")]
    return Recording.of("a race", "Once upon", traces, model.tokenizer)


def test_the_whole_part_is_the_whole_run(recording: Recording) -> None:
    for record in recording.lanes:
        part = whole_part(record, recording.pieces)
        assert part["events"] == [event_to_json(event) for event in record.trace.events]
        assert part["texts"] == list(record.slot_texts)
        assert {str(token) for token in record.trace.token_ids} <= set(part["pieces"])
        assert part["text"] == record.text
        metrics = Metrics.of(record.trace)
        assert part["figures"]["tokens"] == metrics.tokens
        assert part["figures"]["passes"] == metrics.all_passes
        assert part["figures"]["seconds"] == metrics.decode_seconds
        assert f"{metrics.tokens} tokens" in part["summary"]


def test_a_whole_part_replaces_what_came_live(recording: Recording, letters: Letters, make_browser: type) -> None:
    record = recording.lanes[0]
    browser, canvas = make_browser(), LaneCanvas("diffusion", letters)
    browser.take(canvas.live(record.trace.events[:4]))
    part = whole_part(record, recording.pieces)
    browser.take(part)
    assert len(browser.log) == len(record.trace.events)
    assert browser.shown() == list(record.slot_texts)


def test_a_recording_is_one_message_that_opens_the_stage(recording: Recording) -> None:
    message = recording_message(recording, "kept", pinned="other")
    assert (message["run"], message["recorded"], message["pinned"]) == ("kept", True, "other")
    assert message["planned"] == max(len(record.trace.slots) for record in recording.lanes)
    assert message["prompt_tail"] == "Once upon"
    assert [part["lane"] for part in message["parts"]] == ["diffusion", "autoregressive"]
    assert all(part["whole"] for part in message["parts"])
    assert "twotower-tiny" in message["note"]
    json.dumps(message, allow_nan=False)


def test_every_message_can_open_the_stage() -> None:
    frame = StageFrame("r1", ("diffusion", "autoregressive"), 40, 16, "tail")
    first, second = frame.message(1), frame.message(2, {"lane": "diffusion"})
    for message in (first, second):
        assert (message["run"], message["planned"], message["block_size"]) == ("r1", 40, 16)
        assert (message["recorded"], message["pinned"]) == (False, None)
        assert [look["lane"] for look in message["lanes"]] == ["diffusion", "autoregressive"]
    assert (first["number"], second["number"]) == (1, 2)
    assert second["parts"] == [{"lane": "diffusion"}]


def test_the_tail_of_a_prompt_is_one_line() -> None:
    assert prompt_tail("a\n  b\tc") == "a b c"
    assert prompt_tail("x" * 500, 10) == "…" + "x" * 10
