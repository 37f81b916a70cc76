"""The commit map: in which step each token of a text was committed, and where. Pure; knows no model and no page.

Steps and blocks are counted from 1, as people do; positions from 0, as the events do.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from twotower.order import BlockOrder, block_orders, text_commits
from twotower.sampling.events import Denoised, Proposal, Rule, TokenDecoded
from twotower.trace import Trace
from twotower.views.chart_dress import GRID, INK, dress, every, tau_text
from twotower.views.lanes import look_of

RULES: dict[Rule, tuple[str, str]] = {
    "threshold": ("circle", "above threshold"),
    "fixed": ("square", "fixed number"),
    "factor": ("triangle-up", "factor rule"),
    "entropy": ("hexagon", "entropy bound"),
    "stability": ("star", "stable"),
    "minimum": ("diamond", "forced minimum"),
    "last-step": ("x", "last step"),
    "draft": ("triangle-down", "end of the draft"),
}
CONFIDENCE = {
    "colorscale": "Cividis",
    "cmin": 0,
    "cmax": 1,
    "colorbar": {
        "title": {"text": "confidence", "side": "right"},
        "thickness": 8,
        "xpad": 4,
        "outlinewidth": 0,
        "tickvals": [0, 0.5, 1],
    },
}


def commit_map(trace: Trace) -> go.Figure:
    """Denoising step within its block (downwards) against position, a mark a token of the text.

    Colour is confidence, the symbol the rule that committed it; Kendall's tau stands over each block. Tokens that no
    denoiser pass committed (of the context tower, or pinned) are gaps. A lane without blocks is a line: its passes so
    far against position.
    """
    orders = [order for order in block_orders(trace) if order.tokens]
    return _marks_of_blocks(trace, orders) if orders else _line_of_passes(trace)


def _marks_of_blocks(trace: Trace, orders: Sequence[BlockOrder]) -> go.Figure:
    figure = go.Figure()
    dress(figure, "position", "denoising step")
    by_block = {order.block: order for order in orders}
    commits = text_commits(trace)
    for rule in RULES:
        of_rule = [(event, proposal) for event, proposal in commits if proposal.rule == rule]
        if of_rule:
            figure.add_trace(_marks(rule, of_rule, by_block, _mark_size(len(commits))))
    steps = 1 + max(event.step for event, _ in commits)
    figure.update_xaxes(range=[-0.5, trace.finished.tokens - 0.5], showgrid=False)
    figure.update_yaxes(range=[steps + 0.5, 0.5], tick0=1, dtick=every(steps))
    figure.update_layout(
        coloraxis=CONFIDENCE,
        showlegend=True,
        legend={"y": 1.1, "itemsizing": "constant"},  # above the taus
        shapes=[_boundary(order, 1 / every(len(orders))) for order in orders[1:]],
        annotations=_taus(orders, commits),
    )
    return figure


def _marks(
    rule: Rule, commits: Sequence[tuple[Denoised, Proposal]], by_block: dict[int, BlockOrder], size: int
) -> go.Scatter:
    symbol, name = RULES[rule]
    return go.Scatter(
        x=[proposal.position for _, proposal in commits],
        y=[event.step + 1 for event, _ in commits],
        name=name,
        mode="markers",
        marker={
            "symbol": symbol,
            "size": size,
            "color": [proposal.confidence for _, proposal in commits],
            "coloraxis": "coloraxis",
            "line": {"color": INK, "width": 1 if size > 4 else 0.6},  # or one end is lost on a theme
        },
        customdata=[[event.block + 1, tau_text(by_block[event.block].tau), proposal.id] for event, proposal in commits],
        hovertemplate=(
            "position %{x}, token id %{customdata[2]}<br>step %{y} of block %{customdata[0]} (τ %{customdata[1]})<br>"
            "confidence %{marker.color:.3f}<extra>" + name + "</extra>"
        ),
    )


def _mark_size(tokens: int) -> int:
    return 9 if tokens <= 64 else 6 if tokens <= 256 else 4


def _boundary(order: BlockOrder, width: float) -> dict[str, object]:
    x = order.offset - 0.5
    line = {"color": GRID, "width": width}
    return {"type": "line", "xref": "x", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1, "line": line}


def _taus(orders: Sequence[BlockOrder], commits: Sequence[tuple[Denoised, Proposal]]) -> list[dict[str, object]]:
    """Over the middle of what each block committed."""
    places: dict[int, list[int]] = {}
    for event, proposal in commits:
        places.setdefault(event.block, []).append(proposal.position)
    middle = {block: (min(at) + max(at)) / 2 for block, at in places.items()}
    above = {"yref": "paper", "y": 1, "yanchor": "bottom", "showarrow": False, "font": {"size": 11}}
    head = {**above, "xref": "paper", "x": 0, "xanchor": "right", "text": "τ"}
    return [
        head,
        *(
            {**above, "xref": "x", "x": middle[order.block], "text": tau_text(order.tau)}
            for order in orders[:: every(len(orders))]
        ),
    ]


def _line_of_passes(trace: Trace) -> go.Figure:
    figure = go.Figure()
    dress(figure, "position", "pass")
    figure.update_yaxes(autorange="reversed", tickformat="d")
    look = look_of(trace.started.lane)
    positions, passes = [], []
    ran = 0  # the first token of autoregression took no pass of its own
    for event in trace.events:
        if isinstance(event, TokenDecoded) and event.position < trace.finished.tokens:
            ran += event.seconds > 0
            positions.append(event.position)
            passes.append(ran)
    if positions:
        figure.add_trace(
            go.Scatter(
                x=positions,
                y=passes,
                name=f"{look.glyph} {look.label}",
                mode="lines",
                line={"color": look.colour, "width": 3, "dash": look.dash},
                hovertemplate="position %{x} after %{y} passes<extra>" + look.label + "</extra>",
            )
        )
    return figure
