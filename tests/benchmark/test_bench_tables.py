"""Hand-written figures in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.benchmark.handmade_figures import FIGURES, spread
from twotower.benchmark.tables import BEYOND, LEGEND, PEER_LEGEND, amount, as_markdown, as_text, milliseconds, rate


def test_a_pass_stands_beside_its_floor() -> None:
    lines = as_text(FIGURES).splitlines()
    line = next(line for line in lines if line.startswith("AR step"))
    cells = "AR step plain 1 256 1.25 (0.62 to 2.50) 0.312 4.0 10.2 MB 21.5 5.46 M 2.2"
    assert " ".join(line.split()) == cells


def test_the_first_line_says_what_ran_where_and_when() -> None:
    first = as_text(FIGURES).splitlines()[0]
    for words in (
        "tiny (6.26 M parameters, float32, engine plain) on 2 CPU threads",
        "torch 9.9, 2030-01-02",
        "passes read random ids; repeats: 5",
        "Memory 7.5 GB/s (3.8 to 15.0)",
        "1.2 Top/s (0.6 to 2.5)",
    ):
        assert words in first


def test_the_cost_model_says_from_where_on_it_pays() -> None:
    said = as_text(FIGURES)
    assert "d = 2.00 (1.00 to 4.00), c = 4.00 (2.00 to 8.00), v = 3.00 (1.50 to 6.00) AR steps." in said
    assert "a block of 16 takes fewer than 6.0 denoiser passes, which is more than 2.29 tokens a pass" in said
    assert "more than 5.00 tokens." in said


def test_a_context_pass_that_costs_a_block_cannot_win() -> None:
    dear = replace(FIGURES, costs=replace(FIGURES.costs, context=spread(17.0)))
    assert "A context pass alone costs more than 16 AR steps: diffusion cannot win." in as_text(dear)


def test_lanes_overheads_and_peers_have_their_tables() -> None:
    lines = [" ".join(line.split()) for line in as_text(FIGURES).splitlines()]
    assert "diffusion 128 200 (100 to 400) 0.50 (0.25 to 1.00) 1.25 97.5 %" in lines
    assert "recording diffusion wall 1.062 (0.531 to 2.125)" in lines
    assert (
        "tiny 3.03 M grouped_mm 2.00 (1.00 to 4.00) 8.00 (4.00 to 16.00) 4.00 (2.00 to 8.00) the first 31 of 48"
    ) in lines


def test_what_was_not_measured_is_not_explained() -> None:
    alone = replace(FIGURES, peers=(), by_context=FIGURES.by_context[:1])
    assert LEGEND in as_text(alone)
    for words in (BEYOND, PEER_LEGEND, "transformers"):
        assert words in as_text(FIGURES)
        assert words not in as_text(alone)


def test_contexts_beyond_the_models_positions_are_marked() -> None:
    assert any(line.split()[3:5] == ["1", "512*"] for line in as_text(FIGURES).splitlines() if "512" in line)


def test_a_lane_without_a_speed_has_dashes() -> None:
    nothing = replace(
        FIGURES.lanes[0], tokens_per_second=None, speed_up=None, tokens_per_pass=None, share_in_passes=None
    )
    line = next(line for line in as_text(replace(FIGURES, lanes=(nothing,))).splitlines() if line.startswith("diff"))
    assert line.split() == ["diffusion", "128", "–", "–", "–", "–"]


def test_markdown_has_the_same_tables() -> None:
    written = as_markdown(FIGURES)
    assert written.startswith("Measured by `bench`: tiny (6.26 M")
    assert "| AR step | plain | 1 | 512* | 2.00 (1.00 to 4.00) | 0.5 | 4.0 |" in written
    assert written.count("|---|") == 7
    assert written.endswith("\n")


@pytest.mark.parametrize(("seconds", "said"), [(0.5, "500.0"), (0.0125, "12.50"), (0.00025, "0.250")])
def test_milliseconds_have_the_digits_they_need(seconds: float, said: str) -> None:
    assert milliseconds(spread(seconds)).split()[0] == said


@pytest.mark.parametrize(("number", "said"), [(999, "999 "), (1000, "1 k"), (6.56e9, "6.56 G"), (2.5e12, "2.5 T")])
def test_amounts_have_three_digits_and_a_prefix(number: float, said: str) -> None:
    assert amount(number) == said


def test_a_rate_keeps_one_prefix_for_all_three() -> None:
    assert rate(spread(1.5e9), "B/s") == "1.5 GB/s (0.8 to 3.0)"
