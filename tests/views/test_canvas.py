"""Messages to the stage: whatever is lost on the way, the picture is the run."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from twotower.sampling.events import event_to_json
from twotower.trace import Trace
from twotower.views.canvas import REPEATED_BATCHES, LaneCanvas, StageMessages, prompt_tail

Letters = Callable[[Sequence["int | None"]], list[str]]


def batches(trace: Trace, size: int = 3) -> list[list]:
    return [list(trace.events[at : at + size]) for at in range(0, len(trace.events), size)]


@pytest.mark.parametrize("lane", ["diffusion", "autoregressive", "mock-ar"])
def test_live_parts_add_up_to_the_run(
    traces: dict[str, Trace], letters: Letters, make_browser: type, lane: str
) -> None:
    canvas, browser = LaneCanvas(lane, letters), make_browser()
    for batch in batches(traces[lane]):
        browser.take(json.loads(json.dumps(canvas.live(batch))))
    assert sorted(browser.log) == list(range(len(traces[lane].events)))
    assert [browser.texts[i] for i in range(20)] == letters(traces[lane].slots)
    assert [browser.log[i]["event"] for i in sorted(browser.log)] == [type(e).__name__ for e in traces[lane].events]


def test_any_message_may_be_lost(traces: dict[str, Trace], letters: Letters, make_browser: type) -> None:
    trace = traces["diffusion"]
    count = len(batches(trace))
    for lost in range(count - 1):
        canvas, browser = LaneCanvas("diffusion", letters), make_browser()
        for number, batch in enumerate(batches(trace)):
            part = canvas.live(batch)
            if number != lost:
                browser.take(part)
        assert sorted(browser.log) == list(range(len(trace.events))), lost
        assert [browser.texts[i] for i in range(20)] == letters(trace.slots), lost


def test_repeats_stay_short(traces: dict[str, Trace], letters: Letters) -> None:
    canvas = LaneCanvas("diffusion", letters)
    parts = [canvas.live(batch) for batch in batches(traces["diffusion"])]
    assert max(len(part["events"]) for part in parts) <= 3 * (1 + REPEATED_BATCHES)


@pytest.mark.parametrize("lane", ["diffusion", "autoregressive", "mock-ar"])
def test_live_parts_carry_no_candidates(traces: dict[str, Trace], letters: Letters, lane: str) -> None:
    canvas = LaneCanvas(lane, letters)
    for batch in batches(traces[lane]):
        for event in canvas.live(batch)["events"]:
            assert "candidates" not in event
            assert all(proposal[4] == [] for proposal in event.get("proposals", []))


@pytest.mark.parametrize("lane", ["diffusion", "autoregressive"])
def test_the_whole_part_is_the_whole_run(traces: dict[str, Trace], letters: Letters, lane: str) -> None:
    trace, canvas = traces[lane], LaneCanvas(lane, letters)
    for batch in batches(trace):
        canvas.live(batch)
    part = canvas.whole("the text", {"tokens": 20}, "said aloud")
    assert part["events"] == [event_to_json(event) for event in trace.events]
    assert [text for _, text in part["texts"]] == letters(trace.slots)
    assert {str(token) for token in trace.token_ids} <= set(part["pieces"])
    assert (part["text"], part["figures"], part["summary"]) == ("the text", {"tokens": 20}, "said aloud")


def test_every_message_can_open_the_stage() -> None:
    stage = StageMessages("r1", ["diffusion", "autoregressive"], 40, 16, "tail")
    first, second = stage.message(), stage.message({"lane": "diffusion"})
    for message in (first, second):
        assert (message["run"], message["planned"], message["block_size"]) == ("r1", 40, 16)
        assert [look["lane"] for look in message["lanes"]] == ["diffusion", "autoregressive"]
    assert (first["number"], second["number"]) == (1, 2)
    assert second["parts"] == [{"lane": "diffusion"}]


def test_the_tail_of_a_prompt_is_one_line() -> None:
    assert prompt_tail("a\n  b\tc") == "a b c"
    assert prompt_tail("x" * 500, 10) == "…" + "x" * 10
