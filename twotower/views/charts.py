"""Traces to Plotly figures. Pure; every second comes from the events, none from a screen. Knows no model and no page.

Backgrounds are transparent and the ink is left to the page, so that one figure serves the light and the dark theme.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from twotower.metrics import Metrics
from twotower.sampling.events import ContextExtended, Denoised, Finished, Prefilled, TokenDecoded
from twotower.trace import Trace
from twotower.views.lanes import LaneLook, look_of

INK = "#767676"  # readable on white and on near-black
GRID = "rgba(128,128,128,0.22)"
FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def latency_race(traces: Sequence[Trace]) -> go.Figure:
    """Tokens the reader has against seconds since the start, one line a lane; the prefill is shaded."""
    figure = go.Figure()
    for trace in traces:
        look = look_of(trace.started.lane)
        seconds, tokens = token_curve(trace)
        _shade_prefill(figure, trace, look)
        figure.add_trace(
            go.Scatter(
                x=seconds,
                y=tokens,
                name=f"{look.glyph} {look.label}",
                mode="lines",
                line={"color": look.colour, "width": 3, "dash": look.dash, "shape": "hv"},
                hovertemplate="%{y} tokens at %{x:.3f} s<extra>" + look.label + "</extra>",
            )
        )
    _dress(figure, "seconds (measured clock)", "tokens")
    figure.update_xaxes(rangemode="tozero")
    figure.update_yaxes(rangemode="tozero")
    return figure


def time_per_pass(metrics: Sequence[Metrics]) -> go.Figure:
    """How long each model pass took, in milliseconds, one box a lane and kind of pass; the prefill is left out."""
    figure = go.Figure()
    for lane in metrics:
        look = look_of(lane.lane)
        for kind, seconds in lane.pass_seconds.items():
            if seconds:
                figure.add_trace(_pass_box(look, kind, seconds))
    _dress(figure, "", "milliseconds a pass")
    figure.update_xaxes(tickangle=0)
    figure.update_yaxes(rangemode="tozero")
    return figure


def _pass_box(look: LaneLook, kind: str, seconds: Sequence[float]) -> go.Box:
    return go.Box(
        y=[1000 * value for value in seconds],
        name=f"{look.glyph}<br>" + kind.replace(" ", "<br>"),  # three short lines fit a phone unturned
        boxpoints="outliers",
        marker={"color": look.colour, "size": 4},
        line={"width": 1.5},
        hovertemplate="%{y:.2f} ms<extra>" + f"{look.label}: {kind}" + "</extra>",
        showlegend=False,
    )


def token_curve(trace: Trace) -> tuple[list[float], list[int]]:
    """Seconds and, at each, how many tokens of the final text stood. Tokens after an end token never count."""
    kept = trace.finished.tokens
    seconds, tokens, have = [0.0], [0], 0
    for event in trace.events:
        if isinstance(event, Denoised):
            have += sum(proposal.position < kept for proposal in event.committed)
        elif isinstance(event, TokenDecoded):
            have += event.position < kept
        elif not isinstance(event, (Prefilled, ContextExtended, Finished)):
            continue
        seconds.append(event.time)
        tokens.append(have)
    return seconds, tokens


def _shade_prefill(figure: go.Figure, trace: Trace, look: LaneLook) -> None:
    end = next((event.time for event in trace.events if isinstance(event, Prefilled)), None)
    if end is not None:
        figure.add_vrect(x0=0, x1=end, fillcolor=look.colour, opacity=0.12, line_width=0, layer="below")


def _dress(figure: go.Figure, x_title: str, y_title: str) -> None:
    axis = {"gridcolor": GRID, "zeroline": False, "linecolor": GRID, "ticks": "", "automargin": True}
    figure.update_layout(
        autosize=True,
        height=340,
        margin={"l": 8, "r": 16, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 13, "color": INK},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        hoverlabel={"font": {"family": FONT}},
        xaxis={**axis, "title": {"text": x_title}, "showgrid": bool(x_title)},
        yaxis={**axis, "title": {"text": y_title}},
    )
