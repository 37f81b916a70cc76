"""Runs of a tiny model, the clumsiest tokenizer (a letter a token), and what the browser keeps of messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from twotower.model.twotower import TwoTower
from twotower.recording import LaneRecord, ids_named
from twotower.sampling.generate import LANES, generate
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace
from twotower.views.canvas import whole_part


@pytest.fixture(scope="session")
def traces(tiny_model: TwoTower) -> dict[str, Trace]:
    """One run of every lane, twenty tokens of blocks of eight."""
    settings = SamplingSettings(max_new_tokens=20, block_size=8, seed=1, temperature=0.7, end_token_ids=())
    return {lane: Trace.record(generate(tiny_model, [5, 60, 7], lane, settings)) for lane in LANES}


@pytest.fixture(scope="session")
def letters() -> Callable[[Sequence[int | None]], list[str]]:
    """Slot texts: a letter for every id, nothing for a mask."""
    return lambda slots: ["" if slot is None else chr(0x100 + slot) for slot in slots]


@pytest.fixture(scope="session")
def make_whole(letters: Callable[[Sequence[int | None]], list[str]]) -> Callable[[Trace], dict[str, Any]]:
    """`make_whole(trace)`: the whole part of a lane that speaks in letters."""

    def make(trace: Trace) -> dict[str, Any]:
        record = LaneRecord(trace, "", tuple(letters(trace.slots)), ())
        return whole_part(record, {token: chr(0x100 + token) for token in ids_named(trace.events)})

    return make


class _Browser:
    """What lane.js keeps: the log by number and the text by position, until the first whole part replaces both."""

    def __init__(self) -> None:
        self.log: dict[int, Any] = {}
        self.texts: dict[int, str] = {}
        self.ended = False

    def take(self, part: Any) -> None:
        if self.ended:
            return
        if part.get("whole"):
            self.log, self.texts, self.ended = {}, {}, True
        for number, event in enumerate(part["events"], part["first"]):
            self.log.setdefault(number, event)
        self.texts.update(dict(enumerate(part["texts"]) if part.get("whole") else part["texts"]))

    def shown(self) -> list[str]:
        return [self.texts.get(position, "") for position in range(max(self.texts, default=-1) + 1)]


@pytest.fixture(scope="session")
def make_browser() -> type[_Browser]:
    """`make_browser()`: a lane on the page, with `take(part)`, `log`, `texts` and `shown()`."""
    return _Browser
