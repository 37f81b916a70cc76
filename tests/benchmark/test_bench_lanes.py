"""Every lane on one prompt."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from twotower.benchmark import lanes
from twotower.benchmark.lanes import lane_figures, settings_for
from twotower.model.twotower import TwoTower
from twotower.sampling.generate import LANES


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "NEW_TOKENS", 20)


def test_every_lane_has_a_figure(make_model: Callable[..., TwoTower]) -> None:
    figures = lane_figures(make_model(trained_block_size=8), 2)
    assert [figure.lane for figure in figures] == list(LANES)
    for figure in figures:
        assert figure.prompt == "random ids"
        assert figure.tokens == 20
        assert figure.tokens_per_second is not None
        assert figure.tokens_per_second.low <= figure.tokens_per_second.high
        assert figure.tokens_per_pass is not None
        assert 0 < (figure.share_in_passes or 0) <= 1
    baseline = figures[1]
    assert baseline.speed_up is not None
    assert (baseline.lane, baseline.speed_up.median) == ("autoregressive", 1.0)


def test_a_text_ends_where_the_model_ends_it_and_random_ids_do_not(
    embedded_model: TwoTower, make_model: Callable[..., TwoTower]
) -> None:
    text = settings_for(embedded_model)
    assert (text.end_token_ids, text.block_size, text.max_new_tokens) == (None, 16, 20)
    random = settings_for(make_model(trained_block_size=8, max_position_embeddings=40))
    assert (random.end_token_ids, random.block_size, random.max_new_tokens) == ((), 8, 20)
    assert settings_for(make_model(max_position_embeddings=30)).max_new_tokens == 15
