"""The log as a picture: a curve for each figure that was logged, one stage after another."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from twotower.training import checkpoints
from twotower.training.curves import loss_curves, read_log
from twotower.training.settings import STAGES

SVG = "{http://www.w3.org/2000/svg}"
Row = dict[str, str]


def row(stage: str, step: int, **figures: float) -> Row:
    empty = dict.fromkeys(("loss", "validation_text", "validation_tasks"), "")
    return {"stage": stage, "tokens": str(64 * step), **empty, **{name: str(value) for name, value in figures.items()}}


def logged(stage: str, steps: int = 120) -> list[Row]:
    """Losses that fall from 4, and two validations of each kind."""
    return [
        *(row(stage, step, loss=4 / step) for step in range(1, steps + 1)),
        *(row(stage, step, validation_text=3.0, validation_tasks=2.0) for step in (steps // 2, steps)),
    ]


def drawn(rows: list[Row]) -> list[ElementTree.Element]:
    return ElementTree.fromstring(loss_curves(rows)).findall(f"{SVG}polyline")


def points(curve: ElementTree.Element) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in curve.attrib["points"].split())]


def test_a_whole_run_has_three_curves_a_stage_within_the_picture() -> None:
    rows = [each for stage in STAGES for each in logged(stage)]
    root = ElementTree.fromstring(loss_curves(rows))
    assert root.tag == f"{SVG}svg"
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    curves = drawn(rows)
    assert len(curves) == 9
    assert [len(points(curve)) for curve in curves] == [3, 2, 2] * 3  # training losses are means of 50 steps
    assert all(0 < x < width and 0 < y < height for curve in curves for x, y in points(curve))
    assert len({(curve.attrib["stroke"], curve.attrib["stroke-dasharray"]) for curve in curves}) == 9
    said = "".join(root.itertext())
    assert all(f"{stage} stage" in said for stage in STAGES)


@pytest.mark.parametrize("column", ["loss", "validation_text", "validation_tasks"])
def test_a_column_without_figures_has_no_curve(column: str) -> None:
    rows = [{**each, column: ""} for stage in STAGES for each in logged(stage)]
    assert len(drawn(rows)) == 6


def test_a_column_or_a_stage_that_the_log_lacks_has_no_curve() -> None:
    rows = [{name: value for name, value in each.items() if name != "validation_tasks"} for each in logged(STAGES[0])]
    assert len(drawn(rows)) == 2


def test_a_stage_begins_where_the_one_before_ended() -> None:
    curves = drawn([each for stage in STAGES for each in logged(stage)])
    ends = [points(curve) for curve in curves[1::3]]
    for before, after in pairwise(ends):
        assert before[-1][0] < after[0][0]
        length = before[-1][0] - before[0][0]  # half a stage's tokens
        assert after[0][0] - before[-1][0] == pytest.approx(length, abs=0.2)


def test_a_lower_loss_is_drawn_lower_and_as_many_times_lower_as_far() -> None:
    losses = [8.0, 4.0, 2.0, 1.5]
    (curve,) = drawn([row(STAGES[0], step + 1, validation_text=loss) for step, loss in enumerate(losses)])
    heights = [y for _, y in points(curve)]
    assert heights == sorted(heights)
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1], abs=0.2)
    scale = (heights[2] - heights[0]) / math.log(4)
    assert heights[3] - heights[2] == pytest.approx(scale * math.log(2 / 1.5), abs=0.2)


def test_the_log_of_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    rows = logged(STAGES[0], 4)
    for each in rows:
        checkpoints.log(tmp_path, dict(each))
    assert read_log(tmp_path) == rows
