"""The sweep's figure holds what the points say."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from twotower.race import Spread
from twotower.sweeping.grid import Setting, SweepGrid
from twotower.sweeping.points import QUALITIES, Quality, SweepPoint
from twotower.views.chart_dress import INK
from twotower.views.lanes import look_of
from twotower.views.sweep_chart import sweep_chart
from twotower.views.sweep_words import COMING, QUALITY_LOOKS

GRID = SweepGrid((0.9, 0.5), (16, 4), (8,))


def point(
    setting: Setting | None, speed_up: float | None, agreement: float = 1.0, log: float | None = None, judged: int = 0
) -> SweepPoint:
    spread = None if speed_up is None else Spread(speed_up, speed_up - 0.25, speed_up + 0.25)
    return SweepPoint(setting, 3, 6, spread, Spread(640.0, 600.0, 700.0), 5.432, agreement, log, judged, None, 0)


AR = point(None, 1.0, log=-0.5, judged=6)
POINTS = [
    AR,
    point(Setting(0.9, 16, 8), 2.0, 0.95),
    point(Setting(0.5, 4, 8), 4.0, 0.25),
    point(Setting(0.5, 16, 8), 3.0, 0.75, -1.25, 4),
]


def drawn(figure: go.Figure) -> list[go.Scatter]:
    """What has points: the legend's own entries have none."""
    return [series for series in figure.data if series.x != (None,)]


def test_every_point_stands_at_its_speed_up_and_quality_thresholds_in_order() -> None:
    sixteen, four, base = drawn(sweep_chart(POINTS, "agreement", GRID))
    assert (sixteen.name, list(sixteen.x), list(sixteen.y)) == ("16 steps, block 8", [3.0, 2.0], [0.75, 0.95])
    assert list(sixteen.marker.color) == [0.5, 0.9]
    assert list(sixteen.text) == ["0.5", "0.9"]
    assert (four.name, list(four.x), list(four.y)) == ("4 steps, block 8", [4.0], [0.25])
    assert (base.name, list(base.x), list(base.y)) == ("Autoregressive", [1.0], [1.0])
    assert base.marker.color == look_of("autoregressive").colour


def test_symbols_and_colours_stay_as_they_are_while_points_come() -> None:
    late = sweep_chart(POINTS, "agreement", GRID)
    early = sweep_chart([AR, POINTS[2]], "agreement", GRID)
    (sixteen, four, _), (alone, _) = drawn(late), drawn(early)
    assert alone.marker.symbol == four.marker.symbol != sixteen.marker.symbol
    assert alone.textposition == four.textposition != sixteen.textposition
    assert early.layout.coloraxis == late.layout.coloraxis
    assert (late.layout.coloraxis.cmin, late.layout.coloraxis.cmax) == (0.5, 0.9)
    assert "circle" not in (sixteen.marker.symbol, four.marker.symbol)  # the baseline's own


def test_the_legend_names_every_curve_by_its_symbol_alone() -> None:
    shown = [series for series in sweep_chart(POINTS, "agreement", GRID).data if series.showlegend is not False]
    assert [series.name for series in shown] == ["16 steps, block 8", "4 steps, block 8", "Autoregressive"]
    assert {series.marker.color for series in shown[:2]} == {INK}
    assert [series.marker.symbol for series in shown[:2]] == ["diamond", "square"]


def test_the_order_in_which_points_came_is_not_seen() -> None:
    assert sweep_chart(POINTS[::-1], "agreement", GRID) == sweep_chart(POINTS, "agreement", GRID)


def test_hover_tells_spread_passes_and_of_how_many_runs_a_quality_is() -> None:
    sixteen = drawn(sweep_chart(POINTS, "log_probability", GRID))[0]
    (told,) = sixteen.customdata
    assert told.split("<br>") == [
        "AR log-probability -1.25",
        "speed-up: 3.00 (2.75 to 3.25)×",
        "tokens per second: 640 (600 to 700)",
        "tokens per pass: 5.43",
        "runs: 6, 4 of them judged",
    ]
    assert "threshold %{text}" in sixteen.hovertemplate


def test_a_point_without_the_quality_or_a_speed_up_is_left_out() -> None:
    figure = sweep_chart([*POINTS, point(Setting(0.9, 4, 8), None)], "log_probability", GRID)
    sixteen, base = drawn(figure)
    assert (sixteen.name, list(sixteen.y)) == ("16 steps, block 8", [-1.25])
    assert (base.name, list(base.y)) == ("Autoregressive", [-0.5])


@pytest.mark.parametrize(
    ("points", "quality", "said", "series"),
    [
        ([], "agreement", COMING, 0),
        ([AR], "agreement", COMING, 1),
        ([AR, POINTS[1]], "log_probability", QUALITY_LOOKS["log_probability"].missing, 1),
        (POINTS, "accuracy", QUALITY_LOOKS["accuracy"].missing, 0),
    ],
)
def test_a_chart_without_points_says_why(points: list[SweepPoint], quality: Quality, said: str, series: int) -> None:
    figure = sweep_chart(points, quality, GRID)
    assert [annotation.text for annotation in figure.layout.annotations] == [said]
    assert len(figure.data) == series


def test_shares_are_percent_and_likelihoods_are_not() -> None:
    formats = [sweep_chart(POINTS, quality, GRID).layout.yaxis.tickformat for quality in QUALITIES[:2]]
    assert formats == [".0%", ".2f"]
    assert [QUALITY_LOOKS[quality].show(0.934) for quality in QUALITIES] == ["93 %", "0.93", "93 %"]
    assert QUALITY_LOOKS["accuracy"].show(None) == "–"


def test_thresholds_are_written_out_only_where_there_is_room() -> None:
    many = SweepGrid(tuple(number / 100 for number in range(40)), (16,), (8,))
    settings = [Setting(threshold, 16, 8) for threshold in many.thresholds]
    points = [point(setting, 2.0) for setting in settings]
    crowded, roomy = sweep_chart(points, "agreement", many), sweep_chart(POINTS, "agreement", GRID)
    assert ["text" in drawn(figure)[0].mode for figure in (crowded, roomy)] == [False, True]
    assert [figure.layout.coloraxis.showscale for figure in (crowded, roomy)] == [True, False]


def test_the_even_line_stands_at_one() -> None:
    (line,) = sweep_chart(POINTS, "agreement", GRID).layout.shapes
    assert (line.x0, line.x1) == (1, 1)
