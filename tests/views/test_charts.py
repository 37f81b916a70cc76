"""Figures hold what the events say."""

from __future__ import annotations

import pytest
from handmade import started
from handmade_runs import pinned_run, verify_run

from twotower.metrics import Metrics
from twotower.sampling.events import (
    BlockOpened,
    ContextExtended,
    Denoised,
    Finished,
    Prefilled,
    Proposal,
    TokenDecoded,
)
from twotower.trace import Trace
from twotower.views.charts import latency_race, time_per_pass, token_curve
from twotower.views.lanes import look_of


@pytest.fixture
def diffusion() -> Trace:
    def slots(*positions: int) -> tuple[Proposal, ...]:
        return tuple(Proposal(position, 9, 0.9, "threshold", ()) for position in positions)

    waiting = Proposal(2, 9, 0.1, None, ())
    return Trace(
        (
            started("diffusion"),
            Prefilled(0.5, 1, 0.5),
            BlockOpened(0.5, 0, 0, 3),
            Denoised(0.7, 0, 0, 1.0, (*slots(0, 1), waiting), 0.2),
            Denoised(0.9, 0, 1, 0.3, slots(2), 0.2),
            ContextExtended(1.0, 0, 3, 0.1),
            BlockOpened(1.0, 1, 3, 3),
            Denoised(1.3, 1, 0, 1.0, slots(3, 4, 5), 0.3),
            Finished(1.3, "end-token", 4),
        )
    )


@pytest.fixture
def autoregressive() -> Trace:
    return Trace(
        (
            started("autoregressive"),
            Prefilled(0.4, 1, 0.4),
            TokenDecoded(0.4, 0, 9, 0.5, (), 0.0),
            TokenDecoded(0.6, 1, 9, 0.5, (), 0.2),
            Finished(0.6, "length", 2),
        )
    )


def test_the_curve_counts_tokens_when_their_pass_ends(diffusion: Trace) -> None:
    seconds, tokens = token_curve(diffusion)
    assert list(zip(seconds, tokens)) == [(0, 0), (0.5, 0), (0.7, 2), (0.9, 3), (1.0, 3), (1.3, 4), (1.3, 4)]


def test_tokens_after_the_end_token_are_on_no_curve(diffusion: Trace) -> None:
    assert max(token_curve(diffusion)[1]) == 4  # slots 4 and 5 stand after it


def test_a_decoded_token_after_the_end_token_is_on_no_curve(autoregressive: Trace) -> None:
    after = TokenDecoded(0.8, 2, 9, 0.5, (), 0.2)
    longer = Trace((*autoregressive.events[:-1], after, Finished(0.8, "end-token", 2)))
    assert token_curve(longer)[1] == [0, 0, 1, 2, 2, 2]


def test_a_stopped_run_counts_what_can_be_read(diffusion: Trace) -> None:
    stopped = Trace((*diffusion.events[:4], Finished(0.75, "cancelled", 2)))
    assert token_curve(stopped)[1][-1] == 2


def test_rounds_step_up_when_they_are_verified() -> None:
    seconds, tokens = token_curve(verify_run())
    assert list(zip(seconds, tokens)) == [
        (0, 0), (0.5, 0), (0.5, 1), (0.6, 1), (0.7, 1), (0.8, 3), (0.9, 3), (1.0, 7), (1.1, 7), (1.2, 9), (1.2, 9)
    ]  # fmt: skip


def test_pins_are_there_when_their_block_opens() -> None:
    seconds, tokens = token_curve(pinned_run())
    assert list(zip(seconds, tokens)) == [
        (0, 0), (0.5, 0), (0.5, 1), (0.5, 2), (0.6, 4), (0.7, 4), (0.7, 5), (0.7, 6), (0.8, 7), (0.8, 7)
    ]  # fmt: skip


def test_the_race_has_a_line_a_lane_in_the_lanes_look(diffusion: Trace, autoregressive: Trace) -> None:
    figure = latency_race([diffusion, autoregressive])
    assert [line.line.color for line in figure.data] == [
        look_of(lane).colour for lane in ("diffusion", "autoregressive")
    ]
    assert [line.line.dash for line in figure.data] == ["solid", "dash"]
    assert {line.line.shape for line in figure.data} == {"hv"}  # tokens of a pass are not there before it ends
    for line, trace in zip(figure.data, (diffusion, autoregressive)):
        assert (list(line.x), list(line.y)) == token_curve(trace)


def test_the_prefill_is_shaded_to_its_end(diffusion: Trace, autoregressive: Trace) -> None:
    shapes = latency_race([diffusion, autoregressive]).layout.shapes
    assert [(shape.x0, shape.x1) for shape in shapes] == [(0, 0.5), (0, 0.4)]


def test_a_pinned_run_lies_beneath_under_a_name_of_its_own(diffusion: Trace, autoregressive: Trace) -> None:
    figure = latency_race([diffusion, autoregressive], [diffusion])
    assert [line.name for line in figure.data] == ["◆ Diffusion, run A", "◆ Diffusion", "● Autoregressive"]
    pinned, shown, _ = figure.data
    assert (list(pinned.x), list(pinned.y)) == token_curve(diffusion)
    assert pinned.line.width < shown.line.width
    assert pinned.opacity < shown.opacity
    assert len(figure.layout.shapes) == 2  # of the run on the stage alone


def test_a_box_holds_the_milliseconds_of_every_pass_of_its_kind(diffusion: Trace, autoregressive: Trace) -> None:
    figure = time_per_pass([Metrics.of(diffusion), Metrics.of(autoregressive)])
    assert [list(box.y) for box in figure.data] == [[200, 200, 300], [100], [200]]
    assert all("pass" in box.name or "step" in box.name for box in figure.data)


def test_the_ink_is_left_to_the_page(diffusion: Trace) -> None:
    for figure in (latency_race([diffusion]), time_per_pass([Metrics.of(diffusion)])):
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"


def test_the_same_traces_make_the_same_figure(diffusion: Trace) -> None:
    assert latency_race([diffusion]) == latency_race([diffusion])
