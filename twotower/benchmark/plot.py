"""The figures as one page of charts that opens offline: passes against their floors, and how they grow."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from twotower.benchmark.figures import Figures, PassFigure
from twotower.benchmark.passes import PREFILL
from twotower.benchmark.tables import LEGEND, where
from twotower.views.chart_dress import dress

TITLE = "TwoTower: passes against their floors"
_PASS, _FLOOR = "#0072b2", "#999999"
_LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")  # Okabe and Ito, told apart by every eye
_STYLE = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"


def page(figures: Figures) -> str:
    """A whole HTML file; it loads nothing."""
    charts = (
        ("A pass and the least it could take", bars(figures.passes)),
        ("By context", lines(figures.by_context, "tokens before the block", lambda figure: figure.context)),
        ("By block size", lines(figures.by_block, "tokens of the block", lambda figure: figure.size)),
    )
    drawn = "".join(
        f"<h2>{title}</h2>{chart.to_html({'displayModeBar': False}, full_html=False, include_plotlyjs=False)}"
        for title, chart in charts
    )
    said = "".join(f"<p>{html.escape(words)}</p>" for words in (where(figures.setting), LEGEND))
    head = f'<meta charset="utf-8"><title>{TITLE}</title><style>{_STYLE}</style><script>{get_plotlyjs()}</script>'
    return f"<!doctype html><html lang='en'><head>{head}</head><body><h1>{TITLE}</h1>{drawn}{said}</body></html>\n"


def bars(figures: Sequence[PassFigure]) -> go.Figure:
    """Two bars a pass: its median, with the least and the greatest, and its floor."""
    names = [_name(figure) for figure in figures]
    medians = [1000 * figure.seconds.median for figure in figures]
    figure = go.Figure()
    figure.add_bar(
        x=names,
        y=medians,
        name="measured",
        marker_color=_PASS,
        error_y={
            "type": "data",
            "array": [1000 * each.seconds.high - median for each, median in zip(figures, medians)],
            "arrayminus": [median - 1000 * each.seconds.low for each, median in zip(figures, medians)],
        },
    )
    floors = [1000 * each.floor_seconds for each in figures]
    figure.add_bar(x=names, y=floors, name="floor", marker_color=_FLOOR)
    dress(figure, "", "milliseconds")
    figure.update_yaxes(type="log", dtick=1)
    return figure


def lines(figures: Sequence[PassFigure], title: str, at: Callable[[PassFigure], int]) -> go.Figure:
    """A line a kind and engine, its floor dashed below it, both axes logarithmic."""
    figure = go.Figure()
    groups = dict.fromkeys((each.kind, each.engine) for each in figures)
    for number, (kind, engine) in enumerate(groups):
        chosen = [each for each in figures if (each.kind, each.engine) == (kind, engine)]
        places = [at(each) for each in chosen]
        colour = _LINES[number % len(_LINES)]
        medians = [1000 * each.seconds.median for each in chosen]
        floors = [1000 * each.floor_seconds for each in chosen]
        name = f"{kind}, {engine}"
        figure.add_scatter(x=places, y=medians, name=name, mode="lines+markers", line={"color": colour})
        dashed = {"color": colour, "dash": "dot"}
        figure.add_scatter(x=places, y=floors, name=f"{name}: floor", mode="lines", line=dashed)
    dress(figure, title, "milliseconds")
    ticks = sorted({at(each) for each in figures})
    figure.update_xaxes(type="log", tickvals=ticks, ticktext=[str(tick) for tick in ticks])
    figure.update_yaxes(type="log", dtick=1)
    return figure


def _name(figure: PassFigure) -> str:
    size = f" {figure.size}" if figure.kind == PREFILL else ""
    return f"{figure.kind}{size}<br>{figure.engine}"
