"""Which markers of a chart have room for a label beside them. Pure; knows no figures and no sweep."""

from __future__ import annotations

from collections.abc import Sequence

Place = tuple[float, float, str]  # x, y, and where the label stands: Plotly's textposition

# Shares of the chart's width and height, as a chart of a desktop has them.
_WIDTH, _HEIGHT = 0.05, 0.05  # of a label
_SHIFTS = {
    "top center": (0.0, 0.04),
    "bottom center": (0.0, -0.04),
    "middle right": (0.035, 0.0),
    "middle left": (-0.035, 0.0),
}


def with_room(places: Sequence[Place]) -> list[bool]:
    """For each, whether its label covers none of those before it that are shown."""
    left, width = _extent([x for x, _, _ in places])
    low, height = _extent([y for _, y, _ in places])
    shown: list[tuple[float, float]] = []
    room = []
    for x, y, where in places:
        right, up = _SHIFTS[where]
        at = (x - left) / width + right, (y - low) / height + up
        free = all(abs(at[0] - other[0]) >= _WIDTH or abs(at[1] - other[1]) >= _HEIGHT for other in shown)
        if free:
            shown.append(at)
        room.append(free)
    return room


def _extent(values: Sequence[float]) -> tuple[float, float]:
    """The least, and how far the greatest is from it; 1 where all are the same."""
    least = min(values, default=0.0)
    return least, (max(values, default=0.0) - least) or 1.0
