"""One press of "Run the sweep", on the worker. Knows the engine and the chart; knows no widgets.

Every lane is queued by itself: other visitors' races run in between, and never at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from twotower.sampling.settings import SamplingSettings
from twotower.sweeping.export import points_csv
from twotower.sweeping.grid import Setting
from twotower.sweeping.plan import SweepPlan
from twotower.sweeping.points import Quality, SweepPoint
from twotower.sweeping.run import Progress, sweep
from twotower.text import decode
from twotower.trace import Trace
from twotower.ui import sweep_copy
from twotower.ui.worker import LaneRun, Worker
from twotower.views.canvas import Json
from twotower.views.sweep_chart import sweep_chart

if TYPE_CHECKING:
    from twotower import TwoTower

# Settings that every run of a sweep has from the page, and that its points depend on.
FIXED = ("max_new_tokens", "temperature", "top_k", "top_p", "kl_bound", "ar_anchor", "draft_passes", "accept_from")


class LiveSweep:
    """A sweep and what it has brought. `stop()` may come from another thread at any time."""

    def __init__(self, model: TwoTower, worker: Worker, plan: SweepPlan, quality: Quality) -> None:
        self.quality = quality
        self._model = model
        self._worker = worker
        self._plan = plan
        self._progress = Progress(0, plan.runs, 0.0)
        self._points: dict[Setting | None, SweepPoint] = {}
        self._facts: dict[str, object] = {}
        self._lane_run: LaneRun | None = None
        self._stopped = False

    def stop(self) -> None:
        """End after the pass that is running; the points that are complete stay."""
        self._stopped = True
        if self._lane_run is not None:
            self._lane_run.stop()

    def steps(self) -> Iterator[bool]:
        """Run it. After every change: whether there is a point to draw."""
        for step in sweep(self._plan, self._run_lane, self._decode, lambda: self._stopped):
            if isinstance(step, Progress):
                self._progress = step
            else:
                self._points[step.setting] = step
            yield isinstance(step, SweepPoint)

    @property
    def points(self) -> list[SweepPoint]:
        """The complete ones."""
        return list(self._points.values())

    @property
    def summary(self) -> str:
        """The fastest point and the best, in words."""
        return sweep_copy.summary(self.points, self.quality)

    def bar(self, text: str | None = None) -> Json:
        """The progress panel's value."""
        said = sweep_copy.running(self._progress) if text is None else text
        progress = self._progress
        return {"label": sweep_copy.PROGRESS, "done": progress.done, "total": progress.total, "text": said}

    def last_bar(self) -> Json:
        """The same, once nothing runs any more."""
        return self.bar(sweep_copy.ended(self._progress))

    def chart(self) -> go.Figure:
        """The points so far, in the quality the visitor looks at."""
        return sweep_chart(self.points, self.quality, self._plan.grid)

    def csv(self) -> str:
        """Every point, with the settings that did not vary and the machine; empty before there is a point."""
        return points_csv(self.points, self._facts)

    def _run_lane(self, prompt_ids: Sequence[int], lane: str, settings: SamplingSettings) -> Trace:
        run = self._lane_run = self._worker.submit(list(prompt_ids), lane, settings)
        if self._stopped:  # pressed just before the line above
            run.stop()
        trace = run.trace()
        started = trace.started
        fixed = {name: started.settings.get(name) for name in FIXED}
        machine = {"model": started.model, "device": started.device, "dtype": started.dtype, "threads": started.threads}
        self._facts = {"seed": started.seed, **fixed, **machine}
        return trace

    def _decode(self, ids: Sequence[int]) -> str:
        return decode(self._model.tokenizer, ids)
