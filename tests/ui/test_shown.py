"""What stands under the stage, of one lane, of two, of a run that was stopped."""

from __future__ import annotations

from dataclasses import replace

from twotower.recording import Recording
from twotower.sampling.events import Finished
from twotower.trace import Trace
from twotower.ui.gallery import recorded, recorded_names
from twotower.ui.shown import Shown, results_of

RACE = recorded(recorded_names()[0])


def alone(lane: str) -> Recording:
    return replace(RACE, lanes=tuple(record for record in RACE.lanes if record.trace.started.lane == lane))


def test_a_race_has_a_verdict_and_every_chart() -> None:
    results = results_of(Shown.kept("r", RACE))
    assert "won" in str(results.verdict["verdict"]) or "Even" in str(results.verdict["verdict"])
    assert None not in (results.commits, results.blocks, results.break_even)
    assert len(results.latency.data) == 2


def test_diffusion_alone_has_its_blocks_and_nothing_to_compare() -> None:
    results = results_of(Shown.kept("r", alone("diffusion")))
    assert "beside the autoregressive one" in str(results.verdict["verdict"])
    assert results.commits is not None
    assert results.break_even is None


def test_draft_and_verify_has_a_verdict_and_its_text_is_compared() -> None:
    (race,) = (race for stem in recorded_names() if len((race := recorded(stem)).lanes) == 3)
    base, verified = race.lanes[1], race.lanes[2]
    results = results_of(Shown.kept("r", replace(race, lanes=(base, verified))))
    assert "raft and verify" in str(results.verdict["verdict"])
    assert "autoregression's, token for token" in str(results.verdict["verdict"])
    assert results.commits is not None
    lenient = replace(
        verified, trace=RACE.lanes[0].trace.__class__(verified.trace.events[:1] + RACE.lanes[0].trace.events[1:])
    )
    assert "not autoregression's" in str(results_of(Shown.kept("r", replace(race, lanes=(base, lenient)))).verdict)


def test_autoregression_alone_has_no_blocks() -> None:
    results = results_of(Shown.kept("r", alone("autoregressive")))
    assert (results.commits, results.blocks, results.break_even) == (None, None, None)


def test_a_run_that_was_stopped_has_no_winner() -> None:
    record = RACE.lanes[0]
    end = Finished(record.trace.finished.time, "cancelled", 0)
    cut = replace(record, trace=Trace((*record.trace.events[:-1], end)))
    shown = Shown.kept("r", replace(RACE, lanes=(cut, *RACE.lanes[1:])))
    assert shown.stopped
    assert "no verdict" in str(results_of(shown).verdict["verdict"])


def test_run_a_goes_into_the_race_line_but_not_twice() -> None:
    first, second = Shown.kept("a", RACE), Shown.kept("b", RACE)
    assert len(results_of(second, first).latency.data) == 4
    assert len(results_of(first, first).latency.data) == 2
