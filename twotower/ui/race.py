"""Runs what a visitor asked for and turns it into what the page shows. Knows views and the worker; knows no widgets.

Gives plain messages and results, so that the page decides which widget shows what, and tests need no browser.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from twotower.metrics import Metrics, verdict
from twotower.sampling.events import Event
from twotower.sampling.generate import check_prompt
from twotower.text import decode, encode_prompt, slot_texts
from twotower.trace import Trace
from twotower.ui import copy
from twotower.ui.request import RaceRequest
from twotower.ui.worker import LaneRun, Worker
from twotower.views.canvas import Json, LaneCanvas, StageMessages, prompt_tail
from twotower.views.charts import latency_race, time_per_pass
from twotower.views.lanes import look_of
from twotower.views.numbers import numbers_table

if TYPE_CHECKING:
    from twotower import TwoTower


@dataclass(frozen=True)
class Results:
    """What stands under the stage after a race."""

    verdict: Json
    numbers: Json
    latency: go.Figure
    passes: go.Figure


class Race:
    """One press of Run. `stop()` may come from another thread at any time, before the first lane too."""

    def __init__(self, model: TwoTower, worker: Worker, request: RaceRequest) -> None:
        self._model = model
        self._worker = worker
        self._request = request
        self._prompt_ids = encode_prompt(model, request.prompt)
        # Before the race waits for the model, and before the stage lets go of the last run.
        check_prompt(model, self._prompt_ids, request.settings.max_new_tokens)
        self._lane_run: LaneRun | None = None
        self._stopped = False
        self._traces: list[Trace] = []

    def stop(self) -> None:
        """End after the pass that is running; what is there stays."""
        self._stopped = True
        if self._lane_run is not None:
            self._lane_run.stop()

    def messages(self) -> Iterator[Json]:
        """Run every lane in turn and say what the stage draws."""
        settings = self._request.settings
        stage = StageMessages(
            secrets.token_hex(4),
            self._request.lanes,
            settings.max_new_tokens,
            settings.block_size,
            prompt_tail(self._request.prompt),
        )
        wholes: list[Json] = []
        for lane in self._request.lanes:
            if self._stopped:
                break
            canvas = LaneCanvas(lane, self._slot_texts)
            try:
                for batch in self._events(lane):
                    yield stage.message(canvas.live(batch))
            except Exception:
                yield stage.message(canvas.broken(copy.lane_broken(look_of(lane).label)))
                raise
            trace = Trace(tuple(canvas.events))
            self._traces.append(trace)
            wholes.append(self._whole(canvas, trace))
            # Every finished lane again: should the browser have missed the end of one, it is here.
            yield stage.message(*wholes)

    def results(self) -> Results | None:
        """Charts and numbers of the lanes that ended; None before the first one did."""
        if not self._traces:
            return None
        metrics = [Metrics.of(trace) for trace in self._traces]
        return Results(
            {"verdict": self._verdict(metrics)},
            numbers_table(metrics),
            latency_race(self._traces),
            time_per_pass(metrics),
        )

    def _events(self, lane: str) -> Iterator[list[Event]]:
        run = self._lane_run = self._worker.submit(self._prompt_ids, lane, self._request.settings)
        if self._stopped:  # pressed between the check and the line above
            run.stop()
        try:
            yield from run.batches()
        finally:
            run.stop()  # a visitor who left must not keep the model busy

    def _whole(self, canvas: LaneCanvas, trace: Trace) -> Json:
        figures = Metrics.of(trace)
        passes = sum(figures.passes.values())
        label = look_of(trace.started.lane).label
        return canvas.whole(
            decode(self._model.tokenizer, trace.token_ids),
            {
                "tokens": figures.tokens,
                "passes": passes,
                "seconds": figures.decode_seconds,
                "tokens_per_second": figures.tokens_per_second,
            },
            copy.lane_summary(label, figures.tokens, passes, figures.decode_seconds, trace.finished.reason),
        )

    def _verdict(self, metrics: list[Metrics]) -> str:
        by_lane = {figures.lane: figures for figures in metrics}
        stopped = self._stopped or any(trace.finished.reason == "cancelled" for trace in self._traces)
        if stopped or not {"diffusion", "autoregressive"} <= set(by_lane):
            return copy.nothing_to_compare(stopped)
        return verdict(by_lane["diffusion"], by_lane["autoregressive"])

    def _slot_texts(self, ids: Any) -> list[str]:
        return slot_texts(self._model.tokenizer, ids)


def whole_trace(model: TwoTower, worker: Worker, request: RaceRequest) -> dict[str, Any]:
    """Run the request's first lane to its end: its trace as plain JSON, with the text."""
    run = worker.submit(encode_prompt(model, request.prompt), request.lanes[0], request.settings)
    try:
        trace = Trace.record(event for batch in run.batches() for event in batch)
    finally:
        run.stop()
    return {**json.loads(trace.to_json()), "text": decode(model.tokenizer, trace.token_ids)}
