"""A run's log as a picture: loss against tokens read, a curve a stage, as SVG for the model card. Pure."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from twotower.training.settings import STAGES

_WIDTH, _HEIGHT, _MARGIN = 720, 320, 48
_COLOURS = {"context": "#0072b2", "denoiser": "#d55e00", "parallel": "#009e73"}  # Okabe-Ito
_SMOOTHING = 50  # steps that one point of the training curve is a mean of

Point = tuple[float, float]


def read_log(folder: Path) -> list[dict[str, str]]:
    """The rows of a run's `log.csv`; of a step that was done again after a crash, the last time."""
    with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return list({(row["stage"], row["tokens"], not row["loss"]): row for row in rows}.values())


def loss_curves(rows: Sequence[Mapping[str, str]]) -> str:
    """Training loss (thin, smoothed) and validation losses (dotted: tasks, dashed: text) of every stage, log scale."""
    curves: list[tuple[str, str, list[Point]]] = []
    begun = 0.0  # millions of tokens in the stages before
    for stage in STAGES:
        of_stage = [row for row in rows if row["stage"] == stage]
        for column, dash in (("loss", ""), ("validation_text", "6 3"), ("validation_tasks", "2 3")):
            points = [(begun + float(r["tokens"]) / 1e6, float(r[column])) for r in of_stage if r.get(column)]
            curves.append((_COLOURS[stage], dash, _smoothed(points) if column == "loss" else points))
        begun += max((float(row["tokens"]) / 1e6 for row in of_stage), default=0.0)
    return _svg([curve for curve in curves if curve[2]])


def _smoothed(points: Sequence[Point]) -> list[Point]:
    groups = [points[i : i + _SMOOTHING] for i in range(0, len(points), _SMOOTHING)]
    return [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]


def _svg(curves: Sequence[tuple[str, str, list[Point]]]) -> str:
    right = max(x for _, _, points in curves for x, _ in points)
    values = [math.log10(max(y, 1e-4)) for _, _, points in curves for _, y in points]
    low, high = math.floor(min(values) * 2) / 2, math.ceil(max(values) * 2) / 2
    high = max(high, low + 0.5)

    def at(point: Point) -> str:
        x = _MARGIN + point[0] / right * (_WIDTH - 2 * _MARGIN)
        y = _MARGIN + (high - math.log10(max(point[1], 1e-4))) / (high - low) * (_HEIGHT - 2 * _MARGIN)
        return f"{x:.1f},{y:.1f}"

    lines = [
        f'<polyline fill="none" stroke="{colour}" stroke-width="{1.6 if dash else 1}" stroke-dasharray="{dash}" '
        f'points="{" ".join(map(at, points))}"/>'
        for colour, dash, points in curves
    ]
    marks = [10 ** (low + i / 2) for i in range(round((high - low) * 2) + 1)]
    return "\n".join((*_frame(right, marks, at), *lines, "</svg>")) + "\n"


def _frame(right: float, marks: Iterable[float], at) -> list[str]:  # type: ignore[no-untyped-def]
    text = 'font-family="system-ui, sans-serif" font-size="12" fill="#555"'
    shapes = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        "<title>Loss against millions of tokens read</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
    ]
    for mark in marks:
        x, y = at((0.0, mark)).split(",")
        shapes.append(f'<path d="M{x} {y}H{_WIDTH - _MARGIN}" stroke="#ddd"/>')
        shapes.append(f'<text x="4" y="{float(y) + 4:.1f}" {text}>{mark:.2g}</text>')
    shapes.append(f'<text x="{_MARGIN}" y="{_HEIGHT - 14}" {text}>0</text>')
    end = f'x="{_WIDTH - _MARGIN}" y="{_HEIGHT - 14}" text-anchor="end"'
    shapes.append(f"<text {end} {text}>{right:.1f} M tokens read</text>")
    for number, (stage, colour) in enumerate(_COLOURS.items()):
        place = f'x="{_MARGIN + 110 * number}" y="20" font-weight="600"'
        shapes.append(f"<text {place} {text.replace('#555', colour)}>{stage} stage</text>")
    key = "loss in nats: line training, dashed held-out text, dotted held-out tasks"
    shapes.append(f'<text x="{_MARGIN}" y="38" {text}>{key}</text>')
    return shapes
