"""Figures of seconds: the race and the passes. Pure; every second comes from the events. Knows no model and no page."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from twotower.metrics import Metrics
from twotower.sampling.events import BlockOpened, Judged, Prefilled, Started
from twotower.trace import Trace
from twotower.views.chart_dress import dress
from twotower.views.growth import growth
from twotower.views.lanes import LaneLook, look_of


def latency_race(traces: Sequence[Trace], pinned: Sequence[Trace] = ()) -> go.Figure:
    """Tokens the reader has against seconds since the start, one line a lane; the prefill is shaded.

    Lanes of a pinned run, "run A", lie beneath as thin, paler lines in the same looks, their prefill unshaded.
    """
    figure = go.Figure()
    for trace in pinned:
        figure.add_trace(_curve(trace, ", run A", width=1.5, opacity=0.6))
    for trace in traces:
        _shade_prefill(figure, trace, look_of(trace.started.lane))
        figure.add_trace(_curve(trace))
    dress(figure, "seconds (measured clock)", "tokens")
    figure.update_xaxes(rangemode="tozero")
    figure.update_yaxes(rangemode="tozero")
    return figure


def _curve(trace: Trace, whose: str = "", width: float = 3, opacity: float = 1) -> go.Scatter:
    look = look_of(trace.started.lane)
    seconds, tokens = token_curve(trace)
    return go.Scatter(
        x=seconds,
        y=tokens,
        name=f"{look.glyph} {look.label}{whose}",
        mode="lines",
        opacity=opacity,
        line={"color": look.colour, "width": width, "dash": look.dash, "shape": "hv"},
        hovertemplate="%{y} tokens at %{x:.3f} s<extra>" + look.label + whose + "</extra>",
    )


def time_per_pass(metrics: Sequence[Metrics]) -> go.Figure:
    """How long each model pass took, in milliseconds, one box a lane and kind of pass; the prefill is left out."""
    figure = go.Figure()
    for lane in metrics:
        look = look_of(lane.lane)
        for kind, seconds in lane.pass_seconds.items():
            if seconds:
                figure.add_trace(_pass_box(look, kind, seconds))
    dress(figure, "", "milliseconds a pass")
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
    seconds, tokens, have = [0.0], [0], 0
    for event, brought in zip(trace.events, growth(trace)):
        have += brought
        if not brought and isinstance(event, (Started, BlockOpened, Judged)):
            continue
        seconds.append(event.time)
        tokens.append(have)
    return seconds, tokens


def _shade_prefill(figure: go.Figure, trace: Trace, look: LaneLook) -> None:
    end = next((event.time for event in trace.events if isinstance(event, Prefilled)), None)
    if end is not None:
        figure.add_vrect(x0=0, x1=end, fillcolor=look.colour, opacity=0.12, line_width=0, layer="below")
