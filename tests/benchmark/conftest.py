"""A benchmark that is over in seconds: one measured run of everything, and no gigabyte to read."""

from __future__ import annotations

import pytest

from twotower.benchmark import batches, lanes, machine, measuring


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "BUDGET", 0.0)
    monkeypatch.setattr(measuring, "PREFILL_LENGTHS", (16, 64))
    monkeypatch.setattr(measuring, "BLOCK_SIZES", (4, 16))
    monkeypatch.setattr(lanes, "NEW_TOKENS", 16)
    monkeypatch.setattr(batches, "ROWS", (1, 3))
    monkeypatch.setattr(machine, "BUDGET", 0.0)
    monkeypatch.setattr(machine, "FAR_BYTES", {"cpu": 2**22})
    monkeypatch.setattr(machine, "SIDES", {"cpu": 64})
