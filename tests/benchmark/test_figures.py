"""What follows from what was measured."""

from __future__ import annotations

import pytest

from tests.benchmark.handmade_figures import pass_figure, spread
from twotower.benchmark.figures import CostModel


def test_the_ratio_is_that_to_the_floor() -> None:
    assert pass_figure("AR step", 1, 256, 0.5).ratio == 4.0


def test_a_block_breaks_even_where_it_costs_what_autoregression_takes_for_it() -> None:
    costs = CostModel(16, denoiser=spread(2.0), context=spread(4.0), verify=spread(3.0))
    assert costs.passes_a_block == 6.0  # 6 * 2 + 4 = 16
    assert costs.tokens_a_pass == pytest.approx(16 / 7)
    assert costs.tokens_a_round == 5.0


def test_a_context_pass_as_dear_as_its_block_leaves_nothing_to_break_even() -> None:
    costs = CostModel(16, denoiser=spread(2.0), context=spread(16.0), verify=spread(3.0))
    assert costs.passes_a_block is None
    assert costs.tokens_a_pass is None
