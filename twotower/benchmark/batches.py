"""Tokens a second of a lane by how many texts it writes at once, each as it would be alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from twotower.benchmark.figures import BatchFigure
from twotower.benchmark.lanes import settings_for
from twotower.benchmark.reading import prompts_of
from twotower.benchmark.timing import Alone, repeated
from twotower.model.twotower import TwoTower
from twotower.race import Spread
from twotower.sampling.batch import generate_batch
from twotower.sampling.settings import SamplingSettings

ROWS = (1, 4, 16)
BATCHED_LANES = ("diffusion", "autoregressive")
NEW_TOKENS = 32  # of every row: so none ends before the others, and nobody computes along for nothing


def batch_figures(model: TwoTower, repeats: int) -> list[BatchFigure]:
    """Wall seconds from the first prompt to the last token, prompts of different lengths, nothing recorded."""
    kinds = {(lane, rows): Alone(_written(model, lane, rows)) for lane in BATCHED_LANES for rows in ROWS}
    seconds = repeated(kinds, repeats, model.device, budget=0.0)
    tokens = _settings(model).max_new_tokens
    return [
        BatchFigure(
            lane=lane,
            rows=rows,
            tokens_per_second=Spread.of([rows * tokens / taken for taken in seconds[lane, rows]]),
            gain=Spread.of([rows * one / taken for one, taken in zip(seconds[lane, 1], seconds[lane, rows])]),
        )
        for lane, rows in kinds
    ]


def _written(model: TwoTower, lane: str, rows: int) -> Callable[[], object]:
    prompts, settings = prompts_of(model, rows), _settings(model)
    return lambda: sum(1 for _ in generate_batch(model, prompts, lane, settings))


def _settings(model: TwoTower) -> SamplingSettings:
    settings = settings_for(model)
    length = min(NEW_TOKENS, settings.max_new_tokens)
    return replace(settings, max_new_tokens=length, candidates=0, end_token_ids=())
