"""What the buttons do. Knows visitors, races and what each widget takes; knows no layout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from twotower.sampling.settings import WIDEST_BLOCK
from twotower.ui import copy
from twotower.ui.controls import SETTING_NAMES
from twotower.ui.errors import plain_errors
from twotower.ui.race import Race
from twotower.ui.request import read_request
from twotower.ui.visitors import Visitors
from twotower.ui.worker import Worker

if TYPE_CHECKING:
    from twotower import TwoTower


class Handlers:
    """One race per visitor at a time, all of them through the one worker."""

    def __init__(self, model: TwoTower, worker: Worker, facts: list[list[str]], lanes: tuple[str, ...]) -> None:
        self._model = model
        self._worker = worker
        self._facts = facts
        self._lanes = lanes
        self._visitors = Visitors()

    def title_strip(self, light: str) -> dict[str, Any]:
        """The title strip's value: the light is idle or waiting; the stage itself says when it is live."""
        return {"title": copy.TITLE, "tagline": copy.TAGLINE, "facts": self._facts, "light": light}

    def prepare(self, request: gr.Request, *raw: Any) -> tuple[Any, ...]:
        """Check everything before the race waits for the model. Gives: seed used, strip, Run, Stop."""
        prompt, wanted, *values = raw
        named = dict(zip(SETTING_NAMES, values, strict=True))
        with plain_errors():
            asked = read_request(prompt, wanted, named, self._lanes, self._model.config.trained_block_size)
            race = Race(self._model, self._worker, asked)
        self._visitors.enter(request.session_hash, race)
        buttons = (gr.update(interactive=False), gr.update(interactive=True))
        return (str(asked.settings.seed), self.title_strip("waiting"), *buttons)

    def race(self, request: gr.Request) -> Iterator[dict[str, Any]]:
        """Stream the prepared race to the stage, and to nothing else: 20 times a second, every output costs."""
        race = self._visitors.race(request.session_hash)
        if race is not None:
            with plain_errors():
                yield from race.messages()

    def settle(self, request: gr.Request) -> tuple[Any, ...]:
        """After a race, however it ended. Gives: strip, Run, Stop, results, verdict, numbers, latency, passes."""
        buttons = (self.title_strip("idle"), gr.update(interactive=True), gr.update(interactive=False))
        race = self._visitors.race(request.session_hash)
        results = race.results() if race is not None else None
        if results is None:
            return (*buttons, *[gr.skip()] * 5)
        drawn = (results.verdict, results.numbers, results.latency, results.passes)
        return (*buttons, gr.update(visible=True), *drawn)

    def stop(self, request: gr.Request) -> None:
        """Stop the visitor's race, running or still waiting for the model."""
        race = self._visitors.race(request.session_hash)
        if race is not None:
            race.stop()

    def leave(self, request: gr.Request) -> None:
        """The visitor closed the page."""
        self._visitors.leave(request.session_hash)

    def block_warning(self, size: Any) -> Any:
        """The amber line, shown beyond the trained width."""
        trained = self._model.config.trained_block_size
        beyond = isinstance(size, (int, float)) and trained < size <= WIDEST_BLOCK * trained
        return gr.update(value=copy.block_size_warning(int(size), trained) if beyond else "", visible=beyond)
