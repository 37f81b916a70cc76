"""Names, colours and edges of the figures: runs that were stopped early, lanes that made no pass."""

from __future__ import annotations

import pytest

from twotower.metrics import Metrics
from twotower.sampling.events import BlockOpened, Finished
from twotower.sampling.generate import LANES
from twotower.trace import Trace
from twotower.views.charts import latency_race, time_per_pass, token_curve
from twotower.views.lanes import look_of


@pytest.fixture
def stopped_at_once(traces: dict[str, Trace]) -> Trace:
    return Trace((traces["diffusion"].started, BlockOpened(0.0, 0, 0, 8), Finished(0.2, "cancelled", 0)))


def test_lines_are_named_as_their_lanes(traces: dict[str, Trace]) -> None:
    figure = latency_race(list(traces.values()))
    looks = [look_of(lane) for lane in traces]
    assert [line.name for line in figure.data] == [f"{look.glyph} {look.label}" for look in looks]
    for line, look in zip(figure.data, looks):
        assert look.label in line.hovertemplate


def test_boxes_stand_lane_by_lane_in_the_lanes_colours(traces: dict[str, Trace]) -> None:
    figure = time_per_pass([Metrics.of(trace) for trace in traces.values()])
    assert [(box.name, box.marker.color) for box in figure.data] == [
        ("◆<br>denoiser<br>pass", look_of("diffusion").colour),
        ("◆<br>context<br>pass", look_of("diffusion").colour),
        ("●<br>AR<br>step", look_of("autoregressive").colour),
        ("◧<br>denoiser<br>pass", look_of("verify").colour),
        ("◧<br>verify<br>pass", look_of("verify").colour),
        ("▲<br>mock-AR<br>step", look_of("mock-ar").colour),
    ]


def test_axes_say_what_they_measure(traces: dict[str, Trace]) -> None:
    race = latency_race(list(traces.values())).layout
    passes = time_per_pass([Metrics.of(trace) for trace in traces.values()]).layout
    assert "seconds" in race.xaxis.title.text
    assert "tokens" in race.yaxis.title.text
    assert "milliseconds" in passes.yaxis.title.text


@pytest.mark.parametrize("lane", LANES)
def test_a_curve_only_rises_and_ends_with_the_text(traces: dict[str, Trace], lane: str) -> None:
    seconds, tokens = token_curve(traces[lane])
    assert (seconds[0], tokens[0]) == (0, 0)
    assert seconds == sorted(seconds)
    assert tokens == sorted(tokens)
    assert (seconds[-1], tokens[-1]) == (traces[lane].finished.time, traces[lane].finished.tokens)


def test_a_run_stopped_before_its_prefill_is_a_flat_line_without_shade(stopped_at_once: Trace) -> None:
    figure = latency_race([stopped_at_once])
    assert (list(figure.data[0].x), list(figure.data[0].y)) == ([0.0, 0.2], [0, 0])
    assert figure.layout.shapes == ()


def test_a_lane_without_passes_has_no_box(stopped_at_once: Trace) -> None:
    assert time_per_pass([Metrics.of(stopped_at_once)]).data == ()


@pytest.mark.parametrize("draw", [latency_race, lambda _: time_per_pass([])])
def test_no_lane_at_all_is_an_empty_figure(draw: object) -> None:
    figure = draw([])  # type: ignore[operator]
    assert figure.data == ()
