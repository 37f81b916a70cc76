"""The sweep's figure holds what the points say."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from twotower.race import Spread
from twotower.sweeping.grid import Setting, SweepGrid
from twotower.sweeping.points import QUALITIES, Quality, SweepPoint
from twotower.views.lanes import look_of
from twotower.views.sweep_chart import sweep_chart
from twotower.views.sweep_labels import with_room
from twotower.views.sweep_settings import RULE_LOOKS
from twotower.views.sweep_words import COMING, QUALITY_LOOKS, hover_text

GRID = SweepGrid((0.9, 0.5), (16, 4), (8,))
AR_LANE = "autoregressive"
RULES = SweepGrid(
    (0.9,), (16, 4), (8, 4), 1, ("threshold", "fixed", "factor", "entropy", "stability"), (2.0, 1.0), (0.1,), True
)


def point(
    setting: Setting | None,
    speed_up: float | None,
    agreement: float = 1.0,
    log: float | None = None,
    judged: int = 0,
    accepted: float | None = None,
) -> SweepPoint:
    spread = None if speed_up is None else Spread(speed_up, speed_up - 0.25, speed_up + 0.25)
    return SweepPoint(
        setting, 3, 6, spread, Spread(640.0, 600.0, 700.0), 5.432, accepted, agreement, log, judged, None, 0
    )


AR = point(None, 1.0, log=-0.5, judged=6)
POINTS = [
    AR,
    point(Setting("threshold", 0.9, 16, 8), 2.0, 0.95),
    point(Setting("threshold", 0.5, 4, 8), 4.0, 0.25),
    point(Setting("threshold", 0.5, 16, 8), 3.0, 0.75, -1.25, 4),
]


def drawn(figure: go.Figure) -> list[go.Scatter]:
    """What has points: the legend's own entries have none."""
    return [series for series in figure.data if series.x != (None,)]


def test_every_point_stands_at_its_speed_up_and_quality_thresholds_in_order() -> None:
    sixteen, four, base = drawn(sweep_chart(POINTS, "agreement", GRID))
    assert (sixteen.name, list(sixteen.x), list(sixteen.y)) == (
        "threshold, 16 steps",
        [3.0, 2.0],
        [0.75, 0.95],
    )
    assert list(sixteen.text) == ["0.5", "0.9"]
    assert (four.name, list(four.x), list(four.y)) == ("threshold, 4 steps", [4.0], [0.25])
    assert (base.name, list(base.x), list(base.y)) == ("Autoregressive", [1.0], [1.0])
    assert base.marker.color == look_of("autoregressive").colour


def test_symbols_and_colours_stay_as_they_are_while_points_come() -> None:
    late = sweep_chart(POINTS, "agreement", GRID)
    early = sweep_chart([AR, POINTS[2]], "agreement", GRID)
    (sixteen, four, _), (alone, _) = drawn(late), drawn(early)
    assert alone.marker.symbol == four.marker.symbol != sixteen.marker.symbol
    assert alone.textposition == four.textposition != sixteen.textposition
    assert alone.marker.color == four.marker.color
    assert "circle" not in (sixteen.marker.symbol, four.marker.symbol)  # the baseline's own


def test_the_legend_names_every_curve_by_its_symbol_alone() -> None:
    shown = [series for series in sweep_chart(POINTS, "agreement", GRID).data if series.showlegend is not False]
    assert [series.name for series in shown] == [
        "threshold, 16 steps",
        "threshold, 4 steps",
        "Autoregressive",
    ]
    assert {series.marker.color for series in shown[:2]} == {RULE_LOOKS["threshold"].colour}
    assert [series.marker.symbol for series in shown[:2]] == ["diamond", "square"]


def test_a_line_joins_the_bounds_of_a_rule_the_steps_of_fixed_and_the_blocks_of_draft_and_verify() -> None:
    points = [
        AR,
        *(point(setting, 1.0 + number, number * 7 % 10 / 10) for number, setting in enumerate(RULES.settings)),
    ]
    curves = {series.name: series for series in drawn(sweep_chart(points, "agreement", RULES))}
    assert list(curves) == [
        *[f"threshold, {steps} steps, block {size}" for steps in (16, 4) for size in (8, 4)],
        "fixed, block 8",
        "fixed, block 4",
        *[f"factor, {steps} steps, block {size}" for steps in (16, 4) for size in (8, 4)],
        *[f"entropy, {steps} steps, block {size}" for steps in (16, 4) for size in (8, 4)],
        *[f"stability, {steps} steps, block {size}" for steps in (16, 4) for size in (8, 4)],
        "draft and verify",
        "Autoregressive",
    ]
    assert list(curves["fixed, block 8"].text) == ["4 steps", "16 steps"]
    assert list(curves["factor, 16 steps, block 8"].text) == ["1", "2"]
    assert list(curves["draft and verify"].text) == ["block 4", "block 8"]


def test_a_line_is_named_by_what_the_grid_varies() -> None:
    grid = SweepGrid((0.5,), (16,), (8,), 1, ("threshold", "fixed"), verify=True)
    figure = sweep_chart([AR, *(point(setting, 2.0) for setting in grid.settings)], "agreement", grid)
    assert [series.name for series in drawn(figure)] == ["threshold", "fixed", "draft and verify", "Autoregressive"]


def test_colour_is_the_rule_and_no_two_of_the_first_sixteen_lines_have_the_same_symbol() -> None:
    points = [AR, *(point(setting, 2.0) for setting in RULES.settings)]
    *curves, _ = drawn(sweep_chart(points, "agreement", RULES))
    for series in curves[:-1]:
        assert series.marker.color == RULE_LOOKS[series.name.split(",")[0]].colour
    assert curves[-1].marker.color == look_of("verify").colour
    colours = {look.colour for look in RULE_LOOKS.values()} | {look_of(lane).colour for lane in ("verify", AR_LANE)}
    assert len(colours) == len(RULE_LOOKS) + 2
    assert len({series.marker.symbol for series in [*curves[:16], curves[-1]]}) == 17


def test_there_is_room_above_the_chart_for_every_name() -> None:
    heights = [sweep_chart([], "agreement", grid).layout.height for grid in (GRID, RULES)]
    assert heights[0] < heights[1]


def test_the_order_in_which_points_came_is_not_seen() -> None:
    assert sweep_chart(POINTS[::-1], "agreement", GRID) == sweep_chart(POINTS, "agreement", GRID)


def test_hover_tells_spread_passes_and_of_how_many_runs_a_quality_is() -> None:
    sixteen = drawn(sweep_chart(POINTS, "log_probability", GRID))[0]
    (told,) = sixteen.customdata
    assert told.split("<br>") == [
        "threshold 0.5, 16 steps, block 8",
        "AR log-probability -1.25",
        "speed-up: 3.00 (2.75 to 3.25)×",
        "tokens per second: 640 (600 to 700)",
        "tokens per pass: 5.43",
        "runs: 6, 4 of them judged",
    ]
    assert sixteen.hovertemplate == "%{customdata}<extra></extra>"


@pytest.mark.parametrize(
    ("setting", "first"),
    [
        (None, "Autoregressive"),
        (Setting("threshold", 0.5, 1, 8), "threshold 0.5, 1 step, block 8"),
        (Setting("fixed", None, 4, 8), "fixed, 4 steps, block 8"),
        (Setting("factor", 1.0, 4, 8), "factor 1, 4 steps, block 8"),
        (Setting("entropy", 0.1, 4, 8), "entropy bound 0.1, 4 steps, block 8"),
        (Setting("stability", 0.8, 4, 8), "stability and threshold 0.8, 4 steps, block 8"),
        (Setting(None, None, None, 8), "draft and verify, block 8"),
    ],
)
def test_hover_begins_with_the_whole_setting(setting: Setting | None, first: str) -> None:
    assert hover_text(point(setting, 2.0), "agreement").split("<br>")[0] == first


def test_hover_tells_accepted_tokens_where_drafts_were_verified() -> None:
    said = hover_text(point(Setting(None, None, None, 8), 2.0, accepted=4.567), "agreement")
    assert "accepted per round: 4.57" in said.split("<br>")
    assert "accepted" not in hover_text(POINTS[1], "agreement")


def test_a_point_without_the_quality_or_a_speed_up_is_left_out() -> None:
    figure = sweep_chart([*POINTS, point(Setting("threshold", 0.9, 4, 8), None)], "log_probability", GRID)
    sixteen, base = drawn(figure)
    assert (sixteen.name, list(sixteen.y)) == ("threshold, 16 steps", [-1.25])
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


def test_a_label_that_would_cover_another_is_left_out_and_hover_has_it() -> None:
    many = SweepGrid(tuple(number / 100 for number in range(40)), (16,), (8,))
    settings = [Setting("threshold", threshold, 16, 8) for threshold in many.thresholds]
    points = [point(setting, 1.0 + number / 39) for number, setting in enumerate(settings)]
    crowded = drawn(sweep_chart(points, "agreement", many))[0]
    assert list(crowded.text[:5]) == ["0", "", "0.02", "", "0.04"]  # 2.6 % of the width apart, a label has 5 %
    assert crowded.customdata[1].startswith("threshold 0.01, 16 steps")


def test_labels_on_different_sides_of_the_same_marker_have_room() -> None:
    assert with_room([(1.0, 0.5, "top center"), (1.0, 0.5, "bottom center"), (1.0, 0.5, "top center")]) == [
        True,
        True,
        False,
    ]
    assert with_room([(1.0, 0.5, "top center"), (2.0, 0.5, "top center"), (1.0, 1.0, "top center")]) == [True] * 3
    assert with_room([]) == []


def test_the_even_line_stands_at_one() -> None:
    (line,) = sweep_chart(POINTS, "agreement", GRID).layout.shapes
    assert (line.x0, line.x1) == (1, 1)
