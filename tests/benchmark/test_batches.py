"""Texts at once, by number."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from twotower.benchmark import batches
from twotower.benchmark.batches import batch_figures
from twotower.benchmark.reading import prompts_of
from twotower.model.twotower import TwoTower
from twotower.sampling.events import Finished


def test_every_row_writes_its_whole_length(
    make_model: Callable[..., TwoTower], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ROWS", (1, 2))
    monkeypatch.setattr(batches, "NEW_TOKENS", 9)
    written: list[int] = []
    real = batches.generate_batch

    def noted(*asked):  # type: ignore[no-untyped-def]
        for row, event in real(*asked):
            if isinstance(event, Finished):
                written.append(event.tokens)
            yield row, event

    monkeypatch.setattr(batches, "generate_batch", noted)
    figures = batch_figures(make_model(trained_block_size=8), 2)
    assert set(written) == {9}
    assert [(each.lane, each.rows) for each in figures] == [
        ("diffusion", 1),
        ("diffusion", 2),
        ("autoregressive", 1),
        ("autoregressive", 2),
    ]
    for one, two in (figures[:2], figures[2:]):
        assert one.gain.low == one.gain.high == 1.0
        assert two.tokens_per_second.low > 0


def test_prompts_are_not_all_of_one_length(embedded_model: TwoTower, tiny_model: TwoTower) -> None:
    for model in (embedded_model, tiny_model):
        prompts = prompts_of(model, 16)
        assert len(prompts) == 16
        assert len({len(prompt) for prompt in prompts}) > 1
