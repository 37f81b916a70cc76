"""The embedded model: tasks and stories are text, so they need one with a tokenizer."""

from __future__ import annotations

import pytest

from twotower import DEFAULT_MODEL, TwoTower


@pytest.fixture(scope="session")
def embedded() -> TwoTower:
    return TwoTower.from_pretrained(DEFAULT_MODEL)
