"""The table's order, its words, and what stands where nothing was measured."""

from __future__ import annotations

import json
from typing import Any

from handmade_runs import standing

from twotower.metrics import Metrics
from twotower.race import standings
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
    "Time in passes",
    "Passes per token",
    "Rounds",
    "Drafts accepted per round",
    "Drafts accepted",
    "Agreement with AR",
    "AR's own choice",
    "AR log-probability",
    "Order",
]


def table(*metrics: Metrics) -> Any:
    return numbers_table([standing(each) for each in metrics], [])


def test_rows_keep_their_order_and_kinds_follow_as_the_lanes_do(traces: dict[str, Trace]) -> None:
    shown = [traces[lane] for lane in LANES]
    made: Any = numbers_table(standings(shown), shown)
    kinds = ["Denoiser pass", "Context pass", "AR step", "Verify pass", "Mock-AR step"]
    each = [f"{kind}: {what}" for kind in kinds for what in ("count", "time")]
    assert [row["name"] for row in made["rows"]] == [*FIXED, *each]


def test_the_order_of_traces_does_not_matter(traces: dict[str, Trace]) -> None:
    shown = [traces[lane] for lane in LANES]
    table = standings(shown)
    assert numbers_table(table, shown) == numbers_table(table, shown[::-1])


def test_the_same_kind_in_two_lanes_is_one_row() -> None:
    lanes = [Metrics(lane, 4, 0.1, 1.0, {"AR step": (0.1, 0.3)}) for lane in ("autoregressive", "other")]
    rows = {row["name"]: row["values"] for row in table(*lanes)["rows"]}
    assert rows["AR step: count"] == ["2", "2"]
    assert rows["AR step: time"] == ["200.00 ms", "200.00 ms"]


def test_a_kind_nobody_has_described_yet_is_defined_too() -> None:
    rows = {row["name"]: row for row in table(Metrics("other", 4, 0.1, 1.0, {"other pass": (0.1,)}))["rows"]}
    assert rows["Other pass: count"]["values"] == ["1"]
    assert rows["Other pass: count"]["meaning"]


def test_a_run_of_the_prefill_alone_has_no_speed() -> None:
    rows = {row["name"]: row["values"] for row in table(Metrics("autoregressive", 1, 0.1, 0.0, {}))["rows"]}
    for name in ("Tokens per second", "Speed-up", "Tokens per pass", "Time in passes"):
        assert rows[name] == [NONE], name


def test_no_lane_is_a_table_without_columns() -> None:
    empty = table()
    assert empty["lanes"] == []
    assert {tuple(row["values"]) for row in empty["rows"]} == {()}


def test_the_table_is_plain_json(traces: dict[str, Trace]) -> None:
    shown = list(traces.values())
    made = numbers_table(standings(shown), shown)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
