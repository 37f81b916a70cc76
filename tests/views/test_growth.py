"""Tokens event by event: what is final counts, once, when it is."""

from __future__ import annotations

import pytest
from handmade_runs import diffusion_run, one_by_one, pinned_run, verify_run

from twotower.sampling.events import Denoised, Finished, Verified
from twotower.sampling.generate import LANES
from twotower.sampling.legality import check_run
from twotower.trace import Trace
from twotower.views.growth import growth


def brought(trace: Trace) -> list[tuple[str, int]]:
    return [(type(event).__name__, tokens) for event, tokens in zip(trace.events, growth(trace)) if tokens]


def test_the_runs_by_hand_can_have_happened() -> None:
    for trace in (diffusion_run(), one_by_one(), verify_run(), pinned_run()):
        check_run(trace.events)


def test_a_draft_counts_when_it_is_accepted() -> None:
    assert brought(verify_run()) == [("TokenDecoded", 1), ("Verified", 2), ("Verified", 4), ("Verified", 2)]


def test_a_pin_counts_when_its_block_opens_and_an_anchor_by_itself() -> None:
    assert brought(pinned_run()) == [
        ("BlockOpened", 1),
        ("TokenDecoded", 1),
        ("Denoised", 2),
        ("BlockOpened", 1),
        ("TokenDecoded", 1),
        ("Denoised", 1),  # the other one stands behind the end token
    ]


def test_a_pin_behind_the_first_gap_of_a_stopped_run_is_no_text() -> None:
    stopped = Trace((*pinned_run().events[:4], Finished(0.55, "cancelled", 1)))
    assert brought(stopped) == [("TokenDecoded", 1)]


def test_drafts_that_were_never_verified_are_no_text() -> None:
    stopped = Trace((*verify_run().events[:6], Finished(0.75, "cancelled", 1)))
    assert brought(stopped) == [("TokenDecoded", 1)]


@pytest.mark.parametrize("lane", LANES)
def test_all_of_it_is_the_text(traces: dict[str, Trace], lane: str) -> None:
    trace = traces[lane]
    assert sum(growth(trace)) == trace.finished.tokens == 20
    assert all(
        n == 0 for event, n in zip(trace.events, growth(trace)) if lane == "verify" and isinstance(event, Denoised)
    )
    assert (lane == "verify") == any(isinstance(event, Verified) for event in trace.events)
