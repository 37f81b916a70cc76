"""What every figure wears: ink, grid, font, margins. Knows no traces.

Backgrounds are transparent and the ink is left to the page, so that one figure serves the light and the dark theme.
"""

from __future__ import annotations

import math

import plotly.graph_objects as go

INK = "#767676"  # readable on white and on near-black
GRID = "rgba(128,128,128,0.22)"
FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
NONE = "–"  # where nothing was measured

_MOST_TICKS = 8  # that fit side by side on a phone


def dress(figure: go.Figure, x_title: str, y_title: str) -> None:
    """Sizes, colours and axis titles; an axis without a title has no grid."""
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


def every(count: int) -> int:
    """Label every how many of `count` things, so that they stay apart on a phone."""
    return max(1, math.ceil(count / _MOST_TICKS))


def tau_text(tau: float | None) -> str:
    """Kendall's tau with two digits; a dash where a block has no order."""
    return NONE if tau is None else f"{tau:z.2f}"
