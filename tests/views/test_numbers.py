"""The table by hand: every row defined, every lane a column, spread over repeats, what is said of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from handmade_runs import diffusion_run, one_by_one, standing, verify_run

from twotower.metrics import Metrics
from twotower.race import Standing, standings
from twotower.trace import Trace
from twotower.views.numbers import numbers_table

DIFFUSION = Metrics("diffusion", 96, 0.05, 2.0, {"denoiser pass": (0.03, 0.01, 0.02), "context pass": (0.04,)})
AUTOREGRESSIVE = Metrics("autoregressive", 128, 0.04, 1.0, {"AR step": (0.004,) * 127})


def rows(standings: Sequence[Standing], traces: Sequence[Trace] = ()) -> dict[str, list[str]]:
    table: Any = numbers_table(standings, traces)
    return {row["name"]: row["values"] for row in table["rows"]}


def test_single_runs_by_hand() -> None:
    assert rows([standing(DIFFUSION, speed_ups=[0.375]), standing(AUTOREGRESSIVE, speed_ups=[1.0])]) == {
        "Tokens": ["96", "128"],
        "Seconds": ["2.000", "1.000"],
        "Tokens per second": ["48.0", "128.0"],
        "Speed-up": ["0.38×", "1.00×"],
        "Prefill": ["50.0 ms", "40.0 ms"],
        "Tokens per pass": ["24.00", "1.01"],
        "Tokens per denoiser pass": ["32.00", "–"],
        "Time in passes": ["5.0 %", "50.8 %"],
        "Agreement with AR": ["–", "–"],  # no text was given
        "AR's own choice": ["–", "–"],
        "AR log-probability": ["–", "–"],
        "Order": ["–", "–"],
        "Denoiser pass: count": ["3", "–"],
        "Denoiser pass: time": ["20.00 ms", "–"],
        "Context pass: count": ["1", "–"],
        "Context pass: time": ["40.00 ms", "–"],
        "AR step: count": ["–", "127"],
        "AR step: time": ["–", "4.00 ms"],
    }


def test_what_is_said_of_texts_by_hand() -> None:
    traces = [diffusion_run(), one_by_one()]
    shown = rows(standings(traces), traces)
    assert shown["Agreement with AR"] == ["66.7 %", "100.0 %"]  # four of six
    assert shown["AR's own choice"] == ["71.4 %", "100.0 %"]  # five of seven: it would have had 99 and 98
    assert shown["AR log-probability"] == ["-0.34", "-0.92"]  # -2.4 / 7 and -8 log 2 / 6
    assert shown["Order"] == ["0.44", "–"]  # the mean of 3 / sqrt(30) and 1/3
    assert shown["Speed-up"] == ["1.46×", "1.00×"]  # 7 tokens in 0.8 s over 6 in 1.0 s


def test_rounds_by_hand() -> None:
    traces = [one_by_one(), verify_run()]
    shown = rows(standings(traces), traces)
    assert shown["Passes per token"] == ["0.83", "0.78"]  # five for six, seven for nine
    assert shown["Rounds"] == ["–", "3"]
    assert shown["Drafts accepted per round"] == ["–", "2.00"]  # 1, 3 and 2
    assert shown["Drafts accepted"] == ["–", "75.0 %"]  # six of eight
    assert shown["AR's own choice"] == ["100.0 %", "88.9 %"]  # one was let pass
    assert shown["AR log-probability"] == ["-0.92", "-0.26"]  # (log 0.9 - 0.3 - 1.7 - 0.2) / 9
    assert shown["Verify pass: count"] == ["–", "3"]
    assert shown["Denoiser pass: count"] == ["–", "4"]


def test_a_race_without_drafts_has_no_rows_about_them() -> None:
    shown = rows([standing(DIFFUSION), standing(AUTOREGRESSIVE)])
    assert not {"Rounds", "Drafts accepted", "Passes per token"} & shown.keys()


def test_repeats_by_hand() -> None:
    passes = {"denoiser pass": (0.02, 0.04)}
    runs = [
        Metrics("diffusion", 96, 0.05, 2.0, passes),
        Metrics("diffusion", 96, 0.07, 4.0, {"denoiser pass": (0.05, 0.07)}),
        Metrics("diffusion", 96, 0.06, 3.0, passes),
    ]
    table = [standing(*runs, speed_ups=[1.5, 0.5, 1.25]), standing(AUTOREGRESSIVE, speed_ups=[1.0])]
    shown = rows(table)
    assert list(shown)[:2] == ["Tokens", "Runs"]
    assert shown["Runs"] == ["3", "1"]
    assert shown["Seconds"] == ["3.000 (2.000 to 4.000)", "1.000"]
    assert shown["Tokens per second"] == ["32.0 (24.0 to 48.0)", "128.0"]
    assert shown["Speed-up"] == ["1.25× (0.50 to 1.50)", "1.00×"]
    assert shown["Prefill"] == ["60.0 ms", "40.0 ms"]
    assert shown["Time in passes"] == ["3.0 %", "50.8 %"]  # of 3.0, 3.0 and 2.0 %
    assert shown["Denoiser pass: count"] == ["2", "–"]
    assert shown["Denoiser pass: time"] == ["40.00 ms", "–"]  # of 20, 20, 40, 40, 50, 70


def test_without_the_baseline_there_is_nothing_to_compare_with() -> None:
    traces = [diffusion_run()]
    shown = rows(standings(traces), traces)
    assert shown["Speed-up"] == ["–"]
    assert shown["Agreement with AR"] == ["–"]
    assert shown["AR log-probability"] == ["-0.34"]  # the context tower judged it all the same


def test_a_lane_stopped_before_its_first_pass_has_no_speed() -> None:
    nothing = standing(Metrics("diffusion", 0, 0.0, 0.0, {}))
    shown = rows([nothing, standing(AUTOREGRESSIVE, speed_ups=[1.0])])
    assert shown["Tokens per second"] == ["–", "128.0"]
    assert shown["Speed-up"] == ["–", "1.00×"]


@pytest.mark.parametrize("metrics", [(DIFFUSION,), (DIFFUSION, AUTOREGRESSIVE)])
def test_every_row_is_defined_and_as_wide_as_the_table(metrics: tuple[Metrics, ...]) -> None:
    table: Any = numbers_table([standing(each) for each in metrics], [])
    assert [look["lane"] for look in table["lanes"]] == [each.lane for each in metrics]
    for row in table["rows"]:
        assert row["meaning"]
        assert len(row["values"]) == len(metrics)
