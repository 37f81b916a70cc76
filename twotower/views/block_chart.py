"""How many denoiser passes each block, or round of drafting, took, and how many it was allowed. Pure.

Knows no model and no page.
"""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from twotower.order import block_orders
from twotower.sampling.events import VERIFYING
from twotower.trace import Trace
from twotower.views.chart_dress import INK, dress, every, tau_text
from twotower.views.lanes import look_of


def passes_per_block(trace: Trace) -> go.Figure:
    """A bar a block, counted from 1, or in the verify lane a round; the line is the limit. Empty without blocks."""
    figure = go.Figure()
    drafting = trace.started.lane == VERIFYING
    unit, tokens = ("round", "drafts accepted") if drafting else ("block", "tokens")
    dress(figure, unit, "denoiser passes")
    orders = block_orders(trace)
    if not orders:
        return figure
    look = look_of(trace.started.lane)
    passes = [order.passes for order in orders]
    figure.add_trace(
        go.Bar(
            x=[order.block + 1 for order in orders],
            y=passes,
            name=f"{look.glyph} {look.label}",
            marker={"color": look.colour},
            customdata=[[order.tokens, tau_text(order.tau)] for order in orders],
            hovertemplate=(
                f"{unit} %{{x}}<br>passes: %{{y}}<br>{tokens}: %{{customdata[0]}}<br>τ: %{{customdata[1]}}"
                "<extra></extra>"
            ),
        )
    )
    limit = _limit(trace.started.settings, drafting)
    highest = max(passes)
    if limit is not None:
        _draw_limit(figure, limit)
        highest = max(highest, limit)
    figure.update_xaxes(range=[0.5, len(orders) + 0.5], tick0=1, dtick=every(len(orders)), showgrid=False)
    figure.update_yaxes(range=[0, 1.12 * max(1, highest)], dtick=every(highest))
    return figure


def _limit(settings: Mapping[str, object], drafting: bool) -> int | None:
    """The most passes that a block may take; a draft may be given fewer."""
    names = ("steps_per_block", "draft_passes") if drafting else ("steps_per_block",)
    given = [limit for limit in map(settings.get, names) if isinstance(limit, int) and limit > 0]
    return min(given) if given else None


def _draw_limit(figure: go.Figure, limit: int) -> None:
    figure.add_shape(type="line", xref="paper", x0=0, x1=1, y0=limit, y1=limit, line={"color": INK, "dash": "dash"})
    figure.add_annotation(
        xref="paper", x=1, xanchor="right", y=limit, yanchor="bottom", showarrow=False, text=f"limit {limit}"
    )
