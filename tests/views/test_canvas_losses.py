"""However a run is cut into messages and whichever of them are lost, the browser ends with the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twotower.sampling.events import BlockOpened, Denoised, Event, Proposal, event_to_json
from twotower.trace import Trace
from twotower.views.canvas import REPEATED_BATCHES, LaneCanvas

Whole = Callable[[Trace], dict[str, Any]]
Letters = Callable[[Sequence["int | None"]], list[str]]


def cut(trace: Trace, sizes: list[int]) -> list[list[Event]]:
    """The events in batches of these sizes, an empty one among them, the last taking what is left."""
    batches, at = [], 0
    for size in sizes:
        batches.append(list(trace.events[at : at + size]))
        at += size
    return [*batches, list(trace.events[at:])]


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_stretches_as_long_as_the_repeats_may_be_lost(
    traces: dict[str, Trace], letters: Letters, make_browser: type, data: st.DataObject
) -> None:
    trace = traces[data.draw(st.sampled_from(sorted(traces)))]
    batches = cut(trace, data.draw(st.lists(st.integers(0, 6), max_size=12)))
    lost = data.draw(st.sets(st.integers(0, len(batches) - 2))) if len(batches) > 1 else set()
    canvas, page, missed = LaneCanvas(trace.started.lane, letters), make_browser(), 0
    for number, batch in enumerate(batches):
        part = canvas.live(batch)
        missed = missed + 1 if number in lost and missed < REPEATED_BATCHES else 0
        if not missed:
            page.take(part)
    assert sorted(page.log) == list(range(len(trace.events)))
    assert page.shown() == letters(trace.slots)


@pytest.mark.parametrize("lane", ["diffusion", "autoregressive", "mock-ar"])
def test_every_live_message_may_be_lost_when_the_whole_one_comes(
    traces: dict[str, Trace], letters: Letters, make_browser: type, make_whole: Whole, lane: str
) -> None:
    page = make_browser()
    page.take(make_whole(traces[lane]))
    assert [page.log[number] for number in sorted(page.log)] == [event_to_json(each) for each in traces[lane].events]
    assert page.shown() == letters(traces[lane].slots)


def test_a_live_message_that_comes_late_changes_nothing(
    traces: dict[str, Trace], letters: Letters, make_browser: type, make_whole: Whole
) -> None:
    trace, page = traces["diffusion"], make_browser()
    canvas = LaneCanvas("diffusion", letters)
    late = canvas.live(trace.events[:4])
    page.take(make_whole(trace))
    page.take(late)
    assert page.shown() == letters(trace.slots)


def test_a_slot_whose_text_changes_afterwards_is_sent_again() -> None:
    # Half a character shows nothing until its other half is there: a commit may write into an older slot.
    def pairs(slots: Sequence[int | None]) -> list[str]:
        return ["é", ""] if None not in slots else ["" for _ in slots]

    def commit(position: int, step: int) -> Denoised:
        return Denoised(0.1, 0, step, 1.0, (Proposal(position, 9, 0.9, "threshold", ()),), 0.1)

    canvas = LaneCanvas("diffusion", pairs)
    first = canvas.live([BlockOpened(0.0, 0, 0, 2), commit(0, 0)])
    second = canvas.live([commit(1, 1)])
    assert first["texts"] == []
    assert second["texts"] == [[0, "é"]]


def test_a_repeat_brings_the_event_it_repeats_unchanged(traces: dict[str, Trace], letters: Letters) -> None:
    canvas, seen = LaneCanvas("diffusion", letters), {}
    times: dict[int, int] = {}
    for each in traces["diffusion"].events:
        part: Any = canvas.live([each])
        for number, event in enumerate(part["events"], part["first"]):
            assert seen.setdefault(number, event) == event
            times[number] = times.get(number, 0) + 1
    assert set(list(times.values())[:-REPEATED_BATCHES]) == {1 + REPEATED_BATCHES}


def test_the_whole_part_names_every_candidate_it_draws(traces: dict[str, Trace], make_whole: Whole) -> None:
    for trace in traces.values():
        part = make_whole(trace)
        drawn = set()
        for event in part["events"]:
            drawn |= set(event.get("choices", []))
            tables = event.get("candidates", [])
            drawn |= {id for table in (tables if event["event"] == "Judged" else [tables]) for id, _ in table}
            for _, id, _, _, candidates in event.get("proposals", []):
                drawn |= {id, *(other for other, _ in candidates)}
        assert drawn
        assert {str(id) for id in drawn} <= set(part["pieces"])


def test_a_broken_lane_keeps_what_the_browser_has(
    traces: dict[str, Trace], letters: Letters, make_browser: type
) -> None:
    canvas, page = LaneCanvas("diffusion", letters), make_browser()
    page.take(canvas.live(traces["diffusion"].events[:5]))
    log, texts = dict(page.log), dict(page.texts)
    part: Any = canvas.broken("went wrong")
    page.take(part)
    assert part["broken"] is True
    assert part["summary"] == "went wrong"
    assert (page.log, page.texts) == (log, texts)
