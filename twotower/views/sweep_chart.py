"""Points of a sweep to a Plotly figure: quality against speed-up. Pure; knows no model and no page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from twotower.race import Spread
from twotower.sweeping.grid import Setting, SweepGrid
from twotower.sweeping.points import Quality, SweepPoint
from twotower.views.chart_dress import INK, dress
from twotower.views.lanes import look_of
from twotower.views.sweep_labels import with_room
from twotower.views.sweep_settings import beside, colour, curve, knob
from twotower.views.sweep_words import COMING, QUALITY_LOOKS, hover_text

_VERIFY_SYMBOL = "star"  # and AR's is the circle
_SYMBOLS = (
    *("diamond", "square", "triangle-up", "x", "cross", "pentagon", "hourglass", "triangle-down"),
    *(
        "hexagram",
        "bowtie",
        "star-diamond",
        "triangle-left",
        "star-square",
        "triangle-right",
        "diamond-tall",
        "hexagon",
    ),
)
_PLACES = ("top center", "bottom center", "middle right", "middle left")  # where a curve writes its bounds
_FEW_CURVES = 3  # whose names fit above the chart as it is
_HEIGHT, _LEGEND_LINE = 460, 26  # pixels; on a phone every name has a line


@dataclass(frozen=True)
class _Curve:
    """The settings that one line joins, in the order of their knob, and how they are drawn."""

    name: str
    settings: tuple[Setting, ...]
    number: int

    @property
    def symbol(self) -> str:
        verifying = self.settings[0].unmasking is None
        return _VERIFY_SYMBOL if verifying else _SYMBOLS[self.number % len(_SYMBOLS)]

    @property
    def place(self) -> str:
        return _PLACES[self.number % len(_PLACES)]


def sweep_chart(points: Sequence[SweepPoint], quality: Quality, grid: SweepGrid) -> go.Figure:
    """Quality against speed-up, a marker a point, the baseline at 1×.

    A line joins the bounds of one rule at the same steps and block size; colour is the rule, symbol the line. Both are
    given out over the whole `grid`, so that they stay as they are while points come. A bound is written beside its
    marker where there is room. Points without a speed-up or a value of this quality are left out; where none is left,
    the figure says why.
    """
    look = QUALITY_LOOKS[quality]
    figure = go.Figure()
    dress(figure, "speed-up over AR (median)", look.axis)
    curves = _curves(grid)
    height = _HEIGHT + _LEGEND_LINE * max(0, len(curves) - _FEW_CURVES)
    figure.update_layout(height=height, uirevision="sweep")
    drawn = [each for each in points if each.speed_up is not None and each.quality(quality) is not None]
    if all(each.setting is None for each in drawn):
        measured = any(each.setting is not None for each in points)
        _say(figure, look.missing if measured else COMING)
    if not drawn:
        figure.update_layout(xaxis={"visible": False}, yaxis={"visible": False})
        return figure
    figure.add_vline(x=1, line={"color": INK, "width": 1, "dash": "dot"})
    at = {each.setting: each for each in drawn}
    groups = [(one, [at[setting] for setting in one.settings if setting in at]) for one in curves]
    labels = _labels(groups, quality)
    for one, group in groups:
        if group:
            figure.add_traces([_key(one), _line(one, group, quality, [labels.get(each.setting, "") for each in group])])
    if None in at:
        figure.add_trace(_baseline(at[None], quality))
    figure.update_xaxes(ticksuffix="×")
    figure.update_yaxes(tickformat=".0%" if look.share else ".2f")
    return figure


def _say(figure: go.Figure, text: str) -> None:
    figure.add_annotation(text=text, x=0.5, y=0.9, xref="paper", yref="paper", showarrow=False)


def _curves(grid: SweepGrid) -> list[_Curve]:
    named: dict[str, list[Setting]] = {}
    for setting in grid.settings:
        named.setdefault(curve(setting, grid), []).append(setting)
    return [
        _Curve(name, tuple(sorted(settings, key=knob)), number) for number, (name, settings) in enumerate(named.items())
    ]


def _key(one: _Curve) -> go.Scatter:
    """The legend's entry: a marker without the line."""
    return go.Scatter(
        x=[None],
        y=[None],
        name=one.name,
        legendgroup=one.name,
        mode="markers",
        marker=_marker(one, 11),
    )


def _line(one: _Curve, group: Sequence[SweepPoint], quality: Quality, labels: list[str]) -> go.Scatter:
    return go.Scatter(
        x=[_median(point.speed_up) for point in group],
        y=[point.quality(quality) for point in group],
        name=one.name,
        legendgroup=one.name,
        showlegend=False,
        mode="lines+markers+text",
        text=labels,
        textposition=one.place,
        line={"color": INK, "width": 1},
        marker=_marker(one, 13),
        customdata=[hover_text(point, quality) for point in group],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _labels(groups: Sequence[tuple[_Curve, list[SweepPoint]]], quality: Quality) -> dict[Setting | None, str]:
    """What is written beside the markers that have room for it."""
    drawn = [(one, point) for one, group in groups for point in group]
    places = [(_median(point.speed_up), point.quality(quality), one.place) for one, point in drawn]
    room = with_room([(x, y, place) for x, y, place in places if x is not None and y is not None])
    settings = [point.setting for _, point in drawn]
    return {each: beside(each) for each, free in zip(settings, room, strict=True) if free and each is not None}


def _marker(one: _Curve, size: int) -> dict[str, object]:
    return {
        "symbol": one.symbol,
        "size": size,
        "color": colour(one.settings[0]),
        "line": {"color": INK, "width": 1},
    }


def _baseline(point: SweepPoint, quality: Quality) -> go.Scatter:
    look = look_of("autoregressive")
    return go.Scatter(
        x=[_median(point.speed_up)],
        y=[point.quality(quality)],
        name=look.label,
        mode="markers",
        marker={"symbol": "circle", "size": 14, "color": look.colour},
        customdata=[hover_text(point, quality)],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _median(spread: Spread | None) -> float | None:
    return None if spread is None else spread.median
