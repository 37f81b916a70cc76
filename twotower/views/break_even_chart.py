"""From how many tokens a pass on diffusion wins, at what a pass cost in this run. Pure; knows no model and no page."""

from __future__ import annotations

import plotly.graph_objects as go

from twotower.metrics import Factors, Metrics
from twotower.views.chart_dress import INK, dress
from twotower.views.lanes import look_of

_ROOM = 1.25  # how far the picture goes beyond the last point


def break_even(diffusion: Metrics, autoregressive: Metrics) -> go.Figure:
    """Speed-up against tokens per pass (every kind of pass), this run as a mark.

    The line is where any run would lie whose passes cost what these did (mean seconds of a pass over autoregression's,
    as in the verdict). Under 1× autoregression wins. Empty where a lane was too short to compare.
    """
    figure = go.Figure()
    dress(figure, "tokens per pass", "speed-up")
    factors = Factors.of(diffusion, autoregressive)
    if factors is None:
        return figure
    right = _ROOM * max(factors.break_even, factors.tokens_per_pass)
    top = right / factors.break_even
    for mark in (_line(factors, right, top), _even(factors), _this_run(factors)):
        figure.add_trace(mark)
    _shade_loss(figure)
    figure.update_xaxes(range=[0, right])
    figure.update_yaxes(range=[0, top], ticksuffix="×")
    return figure


def _line(factors: Factors, right: float, top: float) -> go.Scatter:
    return go.Scatter(
        x=[0, right],
        y=[0, top],
        name=f"a pass took {factors.cost:.2f}× AR's time",
        mode="lines",
        line={"color": INK, "width": 2},
        hoverinfo="skip",
    )


def _even(factors: Factors) -> go.Scatter:
    return go.Scatter(
        x=[factors.break_even],
        y=[1],
        name=f"break-even at {factors.break_even:.2f}",
        mode="markers",
        marker={"symbol": "circle-open", "size": 10, "color": INK, "line": {"width": 2}},
        hovertemplate="%{x:.2f} tokens per pass<extra>as fast as AR</extra>",
    )


def _this_run(factors: Factors) -> go.Scatter:
    return go.Scatter(
        x=[factors.tokens_per_pass],
        y=[factors.speed_up],
        name="this run",
        mode="markers",
        marker={"symbol": "diamond", "size": 13, "color": look_of("diffusion").colour},
        hovertemplate="%{x:.2f} tokens per pass<br>%{y:.2f}× as fast as AR<extra>this run</extra>",
    )


def _shade_loss(figure: go.Figure) -> None:
    blue = look_of("autoregressive").colour
    across = {"xref": "paper", "x0": 0, "x1": 1, "layer": "below"}
    figure.add_shape(type="rect", y0=0, y1=1, fillcolor=blue, opacity=0.12, line={"width": 0}, **across)
    figure.add_shape(type="line", y0=1, y1=1, line={"color": INK, "dash": "dash"}, **across)
    figure.add_annotation(
        xref="paper", x=1, xanchor="right", y=0, yanchor="bottom", showarrow=False, text="AR wins", font={"size": 12}
    )
