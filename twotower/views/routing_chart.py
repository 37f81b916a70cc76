"""Expert choices to a Plotly heat map. Pure; knows no model and no page."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean

import plotly.graph_objects as go

from twotower.routing import RoutedPass, Routing
from twotower.views.chart_dress import INK, dress, every

TALL_ROW, LOW_ROW = 22, 5  # pixels: a few rows with their names, or 128 that still fit a screen
LEAST_HEIGHT = 280


@dataclass(frozen=True)
class _Grid:
    """What is drawn: a value from 0 to 1 for each row and pass, and what a pointer on it reads."""

    rows: list[str]
    values: list[list[float]]
    said: list[list[str]]
    row_title: str
    value_title: str


def routing_chart(routing: Routing, layer: int | None) -> go.Figure:
    """Experts (y) by denoiser passes (x); the colour is the share of the block's slots that chose the expert.

    layer: one of `routing.layers`; None draws layers (y) by passes, the share of each layer's experts that any slot
    chose. Lines stand where a block begins. Raises InputError for a layer without experts.
    """
    grid = _touched(routing) if layer is None else _chosen(routing, routing.row(layer))
    passes = [f"block {each.block + 1}, step {each.step + 1}" for each in routing.passes]
    figure = go.Figure(
        go.Heatmap(
            z=grid.values,
            x=list(range(len(passes))),
            y=grid.rows,
            text=grid.said,
            customdata=[passes] * len(grid.rows),
            hovertemplate="%{text}<br>%{customdata}<extra></extra>",
            colorscale="Cividis",
            zmin=0,
            zmax=_greatest(routing) if layer is not None else 1,
            xgap=1 if len(passes) <= 64 else 0,
            ygap=1 if len(grid.rows) <= 32 else 0,
            colorbar={
                "title": {"text": grid.value_title, "side": "right"},
                "tickformat": ".0%",
                "thickness": 12,
                "outlinewidth": 0,
            },
        )
    )
    dress(figure, "denoiser passes, by block", grid.row_title)
    pixels = TALL_ROW if len(grid.rows) <= 24 else LOW_ROW
    figure.update_layout(height=max(LEAST_HEIGHT, 90 + pixels * len(grid.rows)))
    figure.update_xaxes(showgrid=False, tickangle=0)
    figure.update_yaxes(showgrid=False, type="category", autorange="reversed")
    _mark_blocks(figure, routing)
    return figure


def routing_caption(routing: Routing, layer: int | None) -> str:
    """One line under the chart: what ran, and how many experts a pass touches."""
    blocks = len({each.block for each in routing.passes})
    ran = f"{len(routing.passes)} denoiser passes over {blocks} blocks, seed {routing.seed}, not timed."
    each_slot = f"A slot goes to {routing.chosen} of {routing.experts} experts"
    if not routing.passes:
        return ran
    if layer is None:
        average = mean(count for each in routing.passes for count in touched(each))
        return f"{ran} {each_slot}; a pass touches {average:.1f} of them in a layer, on average."
    row = routing.row(layer)
    average = mean(touched(each)[row] for each in routing.passes)
    return f"{ran} {each_slot}; in layer {layer + 1} a pass touches {average:.1f} of them, on average."


def touched(routed: RoutedPass) -> tuple[int, ...]:
    """How many experts of each MoE layer at least one slot chose."""
    return tuple(sum(count > 0 for count in row) for row in routed.counts)


def _chosen(routing: Routing, row: int) -> _Grid:
    counts = [[each.counts[row][expert] for each in routing.passes] for expert in range(routing.experts)]
    slots = [each.slots for each in routing.passes]
    return _Grid(
        rows=[f"{expert + 1}" for expert in range(routing.experts)],
        values=[[count / of for count, of in zip(line, slots)] for line in counts],
        said=[
            [f"expert {expert + 1}: {count} of {of} slots" for count, of in zip(line, slots)]
            for expert, line in enumerate(counts)
        ],
        row_title="expert",
        value_title="share of slots",
    )


def _touched(routing: Routing) -> _Grid:
    counts = list(zip(*(touched(each) for each in routing.passes))) or [()] * len(routing.layers)  # [layer][pass]
    names = [f"{layer + 1}" for layer in routing.layers]
    return _Grid(
        rows=names,
        values=[[count / routing.experts for count in line] for line in counts],
        said=[
            [f"layer {name}: {count} of {routing.experts} experts" for count in line]
            for name, line in zip(names, counts)
        ],
        row_title="layer",
        value_title="experts touched",
    )


def _greatest(routing: Routing) -> float:
    """The top of the scale: one for all layers of a run, so that their pictures may be compared."""
    return max((max(row) / each.slots for each in routing.passes for row in each.counts), default=1.0)


def _mark_blocks(figure: go.Figure, routing: Routing) -> None:
    """A line before the first pass of each block but the first, and as many block numbers as there is room for."""
    blocks = [each.block for each in routing.passes]
    starts = [at for at, block in enumerate(blocks) if at == 0 or blocks[at - 1] != block]
    for start in starts[1:]:
        figure.add_vline(x=start - 0.5, line={"color": INK, "width": 2})
    named = starts[:: every(len(starts))]
    figure.update_xaxes(tickvals=named, ticktext=[f"{blocks[start] + 1}" for start in named])
