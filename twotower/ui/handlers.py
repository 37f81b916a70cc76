"""What the buttons of a race do. Knows visitors, races and what each widget takes; knows no layout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from twotower.errors import InputError
from twotower.model.configuration import WIDEST_BLOCK
from twotower.ui import copy
from twotower.ui.controls import SETTING_NAMES
from twotower.ui.engine import Engine
from twotower.ui.errors import plain_errors
from twotower.ui.gallery import recorded
from twotower.ui.pin_lines import pin_lines
from twotower.ui.race import Race
from twotower.ui.request import RaceRequest, read_request
from twotower.ui.shown import Results, Shown, results_of
from twotower.ui.visitors import Visit, Visitors
from twotower.views.canvas import Json, recording_frame, recording_message

Drawn = tuple[Any, ...]


class Handlers:
    """One race per visitor at a time, all of them through the one worker."""

    def __init__(
        self, engine: Engine, facts: list[list[str]], lanes: tuple[str, ...], first: str | None = None
    ) -> None:
        self._engine = engine
        self._facts = facts
        self._lanes = lanes
        self._first = first  # the recorded run that stands on a fresh page
        self.visitors = Visitors()

    def title_strip(self, light: str) -> dict[str, Any]:
        """The title strip's value: the light is recorded, idle or waiting; the stage itself says when it is live."""
        return {"title": copy.TITLE, "tagline": copy.TAGLINE, "facts": self._facts, "light": light}

    def asked(self, *raw: Any) -> RaceRequest:
        """What `Controls.race_inputs` say, checked. Raises InputError naming the field."""
        prompt, wanted, *values, repeats, pins = raw
        return self.read(prompt, wanted, dict(zip(SETTING_NAMES, values, strict=True)), repeats, pins)

    def read(
        self, prompt: object, lanes: object, values: dict[str, object], repeats: object, pins: object
    ) -> RaceRequest:
        """The same from values by name; `pins` is the text of the box."""
        trained = self._engine.config.trained_block_size
        return read_request(prompt, lanes, values, self._lanes, trained, repeats, pin_lines(pins))

    def prepare(self, request: gr.Request, *raw: Any) -> Drawn:
        """Check everything before the race waits for the model. Gives: seed used, strip, Run, Stop, Pin, verdict."""
        visit = self.visitors.visit(request.session_hash)
        pinned = visit.pinned
        with plain_errors():
            asked = self.asked(*raw)
            race = Race(self._engine.model(), self._engine.worker, asked, pinned.run if pinned else None)
        self._stand_in(visit)
        self.visitors.enter(request.session_hash, race)
        visit.running = True
        before = {"verdict": copy.RUNNING} if visit.shown is not None else gr.skip()
        return (str(asked.settings.seed), self.title_strip("waiting"), *_buttons(running=True), before)

    def race(self, request: gr.Request) -> Iterator[Json]:
        """Stream the prepared race to the stage, and to nothing else: 20 times a second, every output costs."""
        race = self.visitors.race(request.session_hash)
        if race is not None:
            with plain_errors():
                for message in race.messages():
                    if self.visitors.race(request.session_hash) is not race:
                        return  # another run has taken the stage
                    yield message

    def settle(self, request: gr.Request) -> Drawn:
        """After a race, however it ended. Gives: strip, Run, Stop, Pin, then what `draw` gives."""
        visit = self.visitors.visit(request.session_hash)
        visit.running = False
        race = visit.race
        if race is not None:
            shown = race.shown()
            visit.shown = shown if shown is not None or race.broken else visit.shown
        buttons = (self.title_strip("recorded" if race is None else "idle"), *_buttons(running=False))
        if visit.shown is not None:
            return (*buttons, *draw(results_of(visit.shown, visit.pinned)))
        if race is not None and race.broken:
            return (*buttons, gr.update(visible=False), {"verdict": copy.BROKEN}, *[gr.skip()] * (DRAWN - 2))
        return (*buttons, *[gr.skip()] * DRAWN)

    def stop(self, request: gr.Request) -> None:
        """Stop the visitor's race, running or still waiting for the model."""
        race = self.visitors.race(request.session_hash)
        if race is not None:
            race.stop()

    def leave(self, request: gr.Request) -> None:
        """The visitor closed the page."""
        self.visitors.leave(request.session_hash)

    def show_recorded(self, stem: str, request: gr.Request) -> Drawn:
        """Put a recorded run on the stage. Gives: stage, strip, then what `draw` gives."""
        return self.put(request, Shown.kept(f"recorded {stem}", recorded(stem)))

    def put(self, request: gr.Request, shown: Shown) -> Drawn:
        """Put a kept run on the visitor's stage; a race that still runs is stopped."""
        visit = self.visitors.visit(request.session_hash)
        if visit.race is not None:
            visit.race.stop()
        visit.race, visit.running, visit.shown = None, False, shown
        pinned = visit.pinned.run if visit.pinned else None
        message = recording_message(shown.recording, shown.run, pinned)
        return (message, self.title_strip("recorded"), *draw(results_of(shown, visit.pinned)))

    def pin(self, request: gr.Request) -> Drawn:
        """Pin the run on the stage as A, or let A go. Gives: stage, the button, the seed to come, what `draw` gives."""
        visit = self.visitors.visit(request.session_hash)
        with plain_errors():
            shown = self.on_stage(visit)
        if visit.pinned is not None:
            visit.pinned, label, seed = None, copy.PIN, gr.skip()
        else:
            visit.pinned, label, seed = shown, copy.UNPIN, shown.traces[0].started.seed
        drawn = draw(results_of(shown, visit.pinned))
        # The run's frame again and nothing new: the stage learns who is pinned.
        frame = recording_frame(shown.recording, shown.run, visit.pinned.run if visit.pinned else None)
        return (frame.message(1), gr.update(value=label), seed, *drawn)

    def on_stage(self, visit: Visit) -> Shown:
        """What the visitor sees. Raises InputError where there is nothing yet, or nothing that has ended."""
        if visit.running:
            raise InputError("run", "running", "a run that has ended")
        if visit.race is None:
            self._stand_in(visit)
        if visit.shown is None:
            raise InputError("run", "none", copy.NOTHING_SHOWN)
        return visit.shown

    def _stand_in(self, visit: Visit) -> None:
        # A fresh page shows the first recorded run without having asked for it.
        if visit.shown is None and visit.race is None and self._first is not None:
            visit.shown = Shown.kept(f"recorded {self._first}", recorded(self._first))

    def block_warning(self, size: Any) -> Any:
        """The amber line, shown beyond the trained width."""
        trained = self._engine.config.trained_block_size
        beyond = isinstance(size, (int, float)) and trained < size <= WIDEST_BLOCK * trained
        return gr.update(value=copy.block_size_warning(int(size), trained) if beyond else "", visible=beyond)


DRAWN = 13  # how many widgets `draw` speaks to


def draw(results: Results) -> Drawn:
    """For: the results' column, the fields of `Results` in order, and the columns of the charts.

    A chart with nothing to say is hidden with its heading.
    """
    verdict, numbers, *charts = (getattr(results, name) for name in results.__dataclass_fields__)
    columns = (gr.update(visible=chart is not None) for chart in charts)
    return (gr.update(visible=True), verdict, numbers, *(_chart(chart) for chart in charts), *columns)


def _buttons(running: bool) -> Drawn:
    """For Run, Stop and Pin."""
    return (gr.update(interactive=not running), gr.update(interactive=running), gr.update(interactive=not running))


def _chart(figure: Any) -> Any:
    return gr.update(visible=False) if figure is None else gr.update(value=figure, visible=True)
