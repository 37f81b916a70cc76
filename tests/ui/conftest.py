"""The embedded model behind a worker, as the page has it."""

from __future__ import annotations

import pytest

from twotower import DEFAULT_MODEL, TwoTower
from twotower.model.setup import Setup
from twotower.ui.engine import Engine
from twotower.ui.launch import WarmLanes
from twotower.ui.worker import Worker


@pytest.fixture(scope="session")
def embedded() -> TwoTower:
    return TwoTower.from_pretrained(DEFAULT_MODEL)


@pytest.fixture(scope="session")
def worker(embedded: TwoTower) -> Worker:
    made = Worker(lambda: WarmLanes(embedded))
    made.wait()
    return made


@pytest.fixture(scope="session")
def engine(embedded: TwoTower, worker: Worker) -> Engine:
    return Engine(DEFAULT_MODEL, Setup.find(embedded.config), worker, lambda: embedded)
