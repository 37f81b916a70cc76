"""What is compared with what, and that both ran."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from twotower.benchmark import lanes, overheads
from twotower.benchmark.overheads import MEASURED_LANES, recording_overheads, streaming_overheads
from twotower.model.twotower import TwoTower
from twotower.sampling.events import Event
from twotower.sampling.generate import generate
from twotower.ui.worker import Worker


class Watched:
    """`generate`, and who called it with what."""

    def __init__(self) -> None:
        self.candidates: list[int] = []
        self.threads: list[int] = []

    def __call__(self, model: TwoTower, prompt: Sequence[int], lane: str, settings: Any, *rest: Any) -> Iterator[Event]:
        self.candidates.append(settings.candidates)
        self.threads.append(threading.get_ident())
        assert settings.end_token_ids == ()
        yield from generate(model, prompt, lane, settings, *rest)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    monkeypatch.setattr(lanes, "NEW_TOKENS", 12)
    seen = Watched()
    monkeypatch.setattr(overheads, "generate", seen)
    return seen


def test_recording_is_five_candidates_against_none(make_model: Callable[..., TwoTower], watched: Watched) -> None:
    found = recording_overheads(make_model(trained_block_size=8), 2)
    assert [(each.what, each.lane, each.clock) for each in found] == [
        ("recording", lane, "wall") for lane in MEASURED_LANES
    ]
    assert watched.candidates == [5, 0, 0, 5] * len(MEASURED_LANES)
    assert all(each.ratio.median > 0 for each in found)


def test_streaming_is_batches_against_iteration_in_turn_on_one_thread(
    make_model: Callable[..., TwoTower], watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways: list[str] = []

    def noting(name: str) -> Callable[..., Any]:
        real = getattr(Worker, name)

        def noted(*arguments: Any) -> Any:
            ways.append(name)
            return real(*arguments)

        return noted

    for name in ("submit", "call"):
        monkeypatch.setattr(Worker, name, noting(name))
    found = streaming_overheads(make_model(trained_block_size=8), 2)
    assert [(each.what, each.lane, each.clock) for each in found] == [
        ("streaming", lane, "measured") for lane in MEASURED_LANES
    ]
    assert ways == ["submit", "call", "call", "submit"] * len(MEASURED_LANES)
    assert len(watched.threads) == len(ways)
    assert len({*watched.threads, threading.get_ident()}) == 2
