"""What the buttons of the sweep tab do, and whose sweep is whose. Knows what each widget takes; knows no layout."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from twotower.errors import InputError
from twotower.examples import Examples
from twotower.sweeping.points import QUALITIES, Quality
from twotower.ui import sweep_copy
from twotower.ui.controls import SETTING_NAMES
from twotower.ui.errors import plain_errors
from twotower.ui.sweep_request import RawSweep, read_plan
from twotower.ui.sweep_run import LiveSweep
from twotower.ui.worker import Worker

if TYPE_CHECKING:
    from twotower import TwoTower

CSV_NAME = "twotower-sweep.csv"


class SweepHandlers:
    """One sweep per visitor at a time, all of them through the one worker. `get_model` waits until there is one."""

    def __init__(self, get_model: Callable[[], TwoTower], worker: Worker, examples: Examples) -> None:
        self._get_model = get_model
        self._worker = worker
        self._examples = examples
        self._sweeps: dict[str, LiveSweep] = {}  # the latest of every open page
        self._lock = threading.Lock()

    def prepare(self, request: gr.Request, *raw: Any) -> tuple[Any, ...]:
        """Check everything before the sweep waits for the model. Gives: seed used, Run, Stop, bar."""
        quality, prompt, _lanes, *values = raw
        named = dict(zip(SETTING_NAMES, values[: len(SETTING_NAMES)], strict=True))
        wanted = RawSweep(*values[len(SETTING_NAMES) :])
        with plain_errors():
            model = self._get_model()
            plan = read_plan(model, self._examples, prompt, named, wanted)
            sweep = LiveSweep(model, self._worker, plan, read_quality(quality))
        self._enter(request, sweep)
        buttons = (gr.update(interactive=False), gr.update(interactive=True))
        return (str(plan.settings.seed), *buttons, sweep.bar(sweep_copy.WAITING))

    def sweep(self, request: gr.Request) -> Iterator[tuple[Any, Any]]:
        """Run the prepared sweep. Gives the bar after every run, and the chart after every point."""
        sweep = self._of(request)
        if sweep is not None:
            with plain_errors():
                for drawn in sweep.steps():
                    yield sweep.bar(), sweep.chart() if drawn else gr.skip()

    def settle(self, request: gr.Request) -> tuple[Any, ...]:
        """After a sweep, however it ended. Gives: Run, Stop, bar, chart, summary, download."""
        buttons = (gr.update(interactive=True), gr.update(interactive=False))
        sweep = self._of(request)
        if sweep is None:
            return (*buttons, *[gr.skip()] * 4)
        text = sweep.csv()
        path = save_bytes_to_cache(text.encode(), CSV_NAME, get_upload_folder()) if text else None
        download = gr.update(value=path, interactive=path is not None)
        return (*buttons, sweep.last_bar(), sweep.chart(), {"verdict": sweep.summary}, download)

    def look_at(self, request: gr.Request, quality: Any) -> tuple[Any, Any]:
        """Another quality, of a sweep that runs or has ended. Gives: chart, summary."""
        sweep = self._of(request)
        if sweep is None:
            return gr.skip(), gr.skip()
        with plain_errors():
            sweep.quality = read_quality(quality)
        return sweep.chart(), {"verdict": sweep.summary}

    def stop(self, request: gr.Request) -> None:
        """Stop the visitor's sweep, running or still waiting for the model."""
        sweep = self._of(request)
        if sweep is not None:
            sweep.stop()

    def leave(self, request: gr.Request) -> None:
        """The visitor closed the page."""
        with self._lock:
            sweep = self._sweeps.pop(request.session_hash or "", None)
        if sweep is not None:
            sweep.stop()

    def _of(self, request: gr.Request) -> LiveSweep | None:
        with self._lock:
            return self._sweeps.get(request.session_hash or "")

    def _enter(self, request: gr.Request, sweep: LiveSweep) -> None:
        """A new sweep replaces, and stops, the one this visitor may still have."""
        with self._lock:
            before = self._sweeps.get(request.session_hash or "")
            self._sweeps[request.session_hash or ""] = sweep
        if before is not None:
            before.stop()


def read_quality(value: object) -> Quality:
    """One of the three. Raises InputError."""
    for quality in QUALITIES:
        if value == quality:
            return quality
    raise InputError("quality", value, "one of " + ", ".join(QUALITIES))
