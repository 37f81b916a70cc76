"""Sentences that depend on what happened."""

from __future__ import annotations

import pytest

from twotower import TwoTower
from twotower.examples import Example, Examples
from twotower.sampling.generate import check_prompt
from twotower.sampling.settings import UNMASKING
from twotower.text import encode_prompt
from twotower.ui import copy
from twotower.ui.request import MOST_NEW_TOKENS


def test_no_verdict_has_two_reasons() -> None:
    assert "Stopped" in copy.nothing_to_compare(stopped=True)
    assert "Stopped" not in copy.nothing_to_compare(stopped=False)
    assert "beside the autoregressive one" in copy.nothing_to_compare(stopped=False)


def test_every_rule_has_a_name_of_its_own() -> None:
    assert tuple(name for name, _ in copy.RULES) == UNMASKING
    assert len({label for _, label in copy.RULES}) == len(UNMASKING)


def test_the_amber_line_names_both_widths() -> None:
    said = copy.block_size_warning(48, 12)
    assert "48" in said
    assert "12" in said


def test_the_hint_under_block_size_names_the_trained_width() -> None:
    assert "12" in copy.block_size_info(12)


def test_every_example_can_run_at_any_length_the_page_allows(embedded: TwoTower) -> None:
    assert len({example.name for example in copy.EXAMPLES.prompts}) == len(copy.EXAMPLES.prompts)
    for example in copy.EXAMPLES.prompts:
        assert check_prompt(embedded, encode_prompt(embedded, example.prompt), MOST_NEW_TOKENS)


@pytest.mark.parametrize(
    ("speed_up", "said"),
    [
        (None, "Sums"),
        (2.44, "Sums · diffusion 2.4×"),
        (1.0, "Sums · diffusion 1.0×"),
        (0.5, "Sums · AR 2.0×"),
        (0.8, "Sums · AR 1.2×"),
    ],
)
def test_a_chip_names_whoever_was_faster(speed_up: float | None, said: str) -> None:
    assert copy.chip(Example("Sums", "1 + 1", speed_up)) == said


def test_the_line_under_the_chips_says_where_and_only_where_measured() -> None:
    measured = (Example("Sums", "1 + 1", 2.0),)
    assert "4 CPU threads, float32" in copy.chips_info(Examples(measured, "4 CPU threads, float32"))
    assert copy.chips_info(Examples((Example("Sums", "1 + 1"),))) == ""
    assert copy.chips_info(copy.EXAMPLES) == ""
