"""Points as CSV. Pure; knows no files and no page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from twotower.agreement import BASELINE
from twotower.race import Spread
from twotower.sweeping.grid import AXES
from twotower.sweeping.points import SweepPoint


def points_csv(points: Iterable[SweepPoint], facts: Mapping[str, object]) -> str:
    """A line of names, then a line a point; `facts` (seed, device, ...) repeat on each. What is not known is empty."""
    rows = [{**_row(point), **facts} for point in points]
    text = io.StringIO(newline="")
    if rows:
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()


def _row(point: SweepPoint) -> dict[str, object]:
    setting = point.setting
    values = {} if setting is None else setting.values
    return {
        "lane": BASELINE if setting is None else setting.lane,
        **{name: values.get(name) for name in AXES.values()},
        "prompts": point.prompts,
        "runs": point.runs,
        **_spread("speed_up", point.speed_up),
        **_spread("tokens_per_second", point.tokens_per_second),
        "tokens_per_pass": _digits(point.tokens_per_pass),
        "accepted_per_round": _digits(point.accepted_per_round),
        "agreement": _digits(point.agreement),
        "log_probability": _digits(point.log_probability),
        "judged": point.judged,
        "accuracy": _digits(point.accuracy),
        "answered": point.answered,
    }


def _spread(name: str, spread: Spread | None) -> dict[str, object]:
    values = (spread.median, spread.low, spread.high) if spread is not None else (None, None, None)
    return {f"{name}{part}": _digits(value) for part, value in zip(("", "_low", "_high"), values)}


def _digits(value: float | None) -> str | None:
    return None if value is None else f"{value:.6g}"
