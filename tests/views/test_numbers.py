"""The table: every row defined, every lane a column, nothing made up where nothing was measured."""

from __future__ import annotations

from typing import Any

import pytest

from twotower.metrics import Metrics
from twotower.views.numbers import numbers_table

DIFFUSION = Metrics("diffusion", 96, 0.05, 2.0, {"denoiser pass": (0.03, 0.01, 0.02), "context pass": (0.04,)})
AUTOREGRESSIVE = Metrics("autoregressive", 128, 0.04, 1.0, {"AR step": (0.004,) * 127})


def rows(*metrics: Metrics) -> dict[str, list[str]]:
    table: Any = numbers_table(metrics)
    return {row["name"]: row["values"] for row in table["rows"]}


def test_values_by_hand() -> None:
    shown = rows(DIFFUSION, AUTOREGRESSIVE)
    assert shown["Tokens"] == ["96", "128"]
    assert shown["Seconds"] == ["2.000", "1.000"]
    assert shown["Tokens per second"] == ["48.0", "128.0"]
    assert shown["Speed-up"] == ["0.38×", "1.00×"]
    assert shown["Prefill"] == ["50.0 ms", "40.0 ms"]
    assert shown["Tokens per pass"] == ["24.00", "1.01"]
    assert shown["Tokens per denoiser pass"] == ["32.00", "–"]
    assert shown["Denoiser pass: count"] == ["3", "–"]
    assert shown["Denoiser pass: time"] == ["20.00 ms", "–"]
    assert shown["AR step: count"] == ["–", "127"]


def test_without_the_baseline_there_is_no_speed_up() -> None:
    assert rows(DIFFUSION)["Speed-up"] == ["–"]


def test_a_lane_stopped_before_its_first_pass_has_no_speed() -> None:
    nothing = Metrics("diffusion", 0, 0.0, 0.0, {})
    shown = rows(nothing, AUTOREGRESSIVE)
    assert shown["Tokens per second"] == ["–", "128.0"]
    assert shown["Speed-up"] == ["–", "1.00×"]


@pytest.mark.parametrize("metrics", [(DIFFUSION,), (DIFFUSION, AUTOREGRESSIVE)])
def test_every_row_is_defined_and_as_wide_as_the_table(metrics: tuple[Metrics, ...]) -> None:
    table: Any = numbers_table(metrics)
    assert [look["lane"] for look in table["lanes"]] == [each.lane for each in metrics]
    for row in table["rows"]:
        assert row["meaning"]
        assert len(row["values"]) == len(metrics)
