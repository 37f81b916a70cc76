"""The table's order, its words, and what stands where nothing was measured."""

from __future__ import annotations

import json
from typing import Any

import pytest

from twotower.metrics import Metrics
from twotower.sampling.generate import LANES
from twotower.trace import Trace
from twotower.views.numbers import NONE, numbers_table

FIXED = [
    "Tokens",
    "Seconds",
    "Tokens per second",
    "Speed-up",
    "Prefill",
    "Tokens per pass",
    "Tokens per denoiser pass",
]


def table(*metrics: Metrics) -> Any:
    return numbers_table(metrics)


def names(*metrics: Metrics) -> list[str]:
    return [row["name"] for row in table(*metrics)["rows"]]


def test_rows_keep_their_order_and_kinds_follow_as_the_lanes_do(traces: dict[str, Trace]) -> None:
    metrics = {lane: Metrics.of(trace) for lane, trace in traces.items()}
    kinds = ["Denoiser pass", "Context pass", "AR step", "Mock-AR step"]
    each = [f"{kind}: {what}" for kind in kinds for what in ("count", "time")]
    assert names(*(metrics[lane] for lane in LANES)) == [*FIXED, *each]


def test_the_same_kind_in_two_lanes_is_one_row() -> None:
    lanes = [Metrics(lane, 4, 0.1, 1.0, {"AR step": (0.1, 0.3)}) for lane in ("autoregressive", "other")]
    rows = {row["name"]: row["values"] for row in table(*lanes)["rows"]}
    assert rows["AR step: count"] == ["2", "2"]
    assert rows["AR step: time"] == ["200.00 ms", "200.00 ms"]


def test_a_kind_nobody_has_described_yet_is_defined_too() -> None:
    rows = {row["name"]: row for row in table(Metrics("verify", 4, 0.1, 1.0, {"verify pass": (0.1,)}))["rows"]}
    assert rows["Verify pass: count"]["values"] == ["1"]
    assert rows["Verify pass: count"]["meaning"]


@pytest.mark.parametrize(
    "baseline",
    [
        Metrics("autoregressive", 1, 0.1, 0.0, {}),  # its only token came from the prefill
        Metrics("autoregressive", 0, 0.1, 1.0, {"AR step": (0.1,)}),  # no token at all: a speed of zero
    ],
)
def test_a_baseline_without_a_speed_gives_no_speed_up(baseline: Metrics) -> None:
    rows = {
        row["name"]: row["values"] for row in table(Metrics("mock-ar", 4, 0.1, 1.0, {"k": (0.1,)}), baseline)["rows"]
    }
    assert rows["Speed-up"] == [NONE, NONE]


def test_no_lane_is_a_table_without_columns() -> None:
    empty = table()
    assert empty["lanes"] == []
    assert {tuple(row["values"]) for row in empty["rows"]} == {()}


def test_the_table_is_plain_json(traces: dict[str, Trace]) -> None:
    made = table(*(Metrics.of(trace) for trace in traces.values()))
    assert json.loads(json.dumps(made, allow_nan=False)) == made
