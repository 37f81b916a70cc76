"""Runs of a tiny model, and the clumsiest tokenizer: a letter a token."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from twotower.model.twotower import TwoTower
from twotower.sampling.generate import LANES, generate
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace


@pytest.fixture(scope="session")
def traces(tiny_model: TwoTower) -> dict[str, Trace]:
    """One run of every lane, twenty tokens of blocks of eight."""
    settings = SamplingSettings(max_new_tokens=20, block_size=8, seed=1, temperature=0.7, end_token_ids=())
    return {lane: Trace.record(generate(tiny_model, [5, 60, 7], lane, settings)) for lane in LANES}


@pytest.fixture(scope="session")
def letters() -> Callable[[Sequence[int | None]], list[str]]:
    """Slot texts: a letter for every id, nothing for a mask."""
    return lambda slots: ["" if slot is None else chr(0x100 + slot) for slot in slots]
