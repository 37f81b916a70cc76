"""Events written by hand, for numbers that can be worked out on paper."""

from __future__ import annotations

from twotower.sampling.events import Started


def started(lane: str) -> Started:
    return Started(0.0, lane, (1,), {}, 0, "m", "cpu", "float32", 2, 3, (2,), ())
