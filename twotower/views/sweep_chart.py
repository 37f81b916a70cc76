"""Points of a sweep to a Plotly figure: quality against speed-up. Pure; knows no model and no page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import plotly.graph_objects as go

from twotower.race import Spread
from twotower.sweeping.grid import Setting, SweepGrid
from twotower.sweeping.points import Quality, SweepPoint
from twotower.views.chart_dress import INK, dress
from twotower.views.lanes import look_of
from twotower.views.sweep_words import COMING, QUALITY_LOOKS, hover_text

_SYMBOLS = ("diamond", "square", "triangle-up", "x", "star", "cross", "pentagon", "hourglass")  # AR's is the circle
_BESIDE = ("top center", "bottom center", "middle right", "middle left")  # where a curve writes its thresholds
_MOST_LABELS = 24  # thresholds written beside their markers without covering each other


def sweep_chart(points: Sequence[SweepPoint], quality: Quality, grid: SweepGrid) -> go.Figure:
    """Quality against speed-up, a marker a point, the baseline at 1×.

    Colour is the threshold, symbol the steps and the block size; a line joins the thresholds of the same steps and
    block size. Both are given out over the whole `grid`, so that they stay as they are while points come. Points
    without a speed-up or a value of this quality are left out; where none is left, the figure says why.
    """
    look = QUALITY_LOOKS[quality]
    figure = go.Figure()
    dress(figure, "speed-up over AR (median)", look.axis)
    figure.update_layout(height=460, uirevision="sweep")
    drawn = [each for each in points if each.speed_up is not None and each.quality(quality) is not None]
    if all(each.setting is None for each in drawn):
        measured = any(each.setting is not None for each in points)
        _say(figure, look.missing if measured else COMING)
    if not drawn:
        figure.update_layout(xaxis={"visible": False}, yaxis={"visible": False})
        return figure
    figure.add_vline(x=1, line={"color": INK, "width": 1, "dash": "dot"})
    for series in _series(drawn, quality, grid):
        figure.add_trace(series)
    for baseline in (each for each in drawn if each.setting is None):
        figure.add_trace(_baseline(baseline, quality))
    figure.update_layout(coloraxis=_colours(grid))
    figure.update_xaxes(ticksuffix="×")
    figure.update_yaxes(tickformat=".0%" if look.share else ".2f")
    return figure


def _say(figure: go.Figure, text: str) -> None:
    figure.add_annotation(text=text, x=0.5, y=0.9, xref="paper", yref="paper", showarrow=False)


def _series(points: Sequence[SweepPoint], quality: Quality, grid: SweepGrid) -> Iterator[go.Scatter]:
    at = {each.setting: each for each in points}
    labelled = grid.points <= _MOST_LABELS
    for number, (steps, size) in enumerate(product(grid.steps_per_block, grid.block_sizes)):
        settings = [Setting(threshold, steps, size) for threshold in sorted(grid.thresholds)]
        group = [(setting, at[setting]) for setting in settings if setting in at]
        if group:
            name, symbol = f"{steps} steps, block {size}", _SYMBOLS[number % len(_SYMBOLS)]
            yield _key(name, symbol)
            yield _curve(name, symbol, group, quality, _BESIDE[number % len(_BESIDE)] if labelled else None)


def _key(name: str, symbol: str) -> go.Scatter:
    """The legend's entry, without a colour of its own: a curve's are its thresholds'."""
    return go.Scatter(
        x=[None],
        y=[None],
        name=name,
        legendgroup=name,
        mode="markers",
        marker={"symbol": symbol, "size": 11, "color": INK},
    )


def _curve(
    name: str, symbol: str, group: Sequence[tuple[Setting, SweepPoint]], quality: Quality, beside: str | None
) -> go.Scatter:
    thresholds = [setting.threshold for setting, _ in group]
    return go.Scatter(
        x=[_median(point.speed_up) for _, point in group],
        y=[point.quality(quality) for _, point in group],
        name=name,
        legendgroup=name,
        showlegend=False,
        mode="lines+markers" if beside is None else "lines+markers+text",
        text=[f"{threshold:g}" for threshold in thresholds],
        textposition=beside,
        line={"color": INK, "width": 1},
        marker={
            "symbol": symbol,
            "size": 13,
            "color": thresholds,
            "coloraxis": "coloraxis",
            "line": {"color": INK, "width": 1},
        },
        customdata=[hover_text(point, quality) for _, point in group],
        hovertemplate="threshold %{text}<br>%{customdata}<extra>" + name + "</extra>",
    )


def _baseline(point: SweepPoint, quality: Quality) -> go.Scatter:
    look = look_of("autoregressive")
    return go.Scatter(
        x=[_median(point.speed_up)],
        y=[point.quality(quality)],
        name=look.label,
        mode="markers",
        marker={"symbol": "circle", "size": 14, "color": look.colour},
        customdata=[hover_text(point, quality)],
        hovertemplate="%{customdata}<extra>" + look.label + "</extra>",
    )


def _median(spread: Spread | None) -> float | None:
    return None if spread is None else spread.median


def _colours(grid: SweepGrid) -> dict[str, object]:
    thresholds = sorted(grid.thresholds)
    return {
        "colorscale": "Cividis",
        "cmin": thresholds[0],
        "cmax": thresholds[-1],
        "showscale": grid.points > _MOST_LABELS,  # elsewhere thresholds stand beside the markers
        "colorbar": {"title": {"text": "threshold"}, "thickness": 10, "tickvals": thresholds, "outlinewidth": 0},
    }
