"""Runs what a visitor asked for and turns it into what the page shows. Knows views and the worker; knows no widgets.

Gives plain messages, so that the page decides which widget shows what, and tests need no browser.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from twotower.pins import with_pins
from twotower.race import standings
from twotower.recording import Recording
from twotower.sampling.events import Event
from twotower.sampling.generate import check_prompt
from twotower.text import decode, encode_prompt, slot_texts
from twotower.trace import Trace
from twotower.ui import copy
from twotower.ui.request import RaceRequest
from twotower.ui.shown import Shown
from twotower.ui.worker import LaneRun, Worker
from twotower.views.canvas import Json, LaneCanvas, StageFrame, prompt_tail, whole_part
from twotower.views.lanes import look_of

if TYPE_CHECKING:
    from twotower import TwoTower


class Race:
    """One press of Run. `stop()` may come from another thread at any time, before the first lane too."""

    def __init__(self, model: TwoTower, worker: Worker, request: RaceRequest, pinned: str | None = None) -> None:
        self._model = model
        self._worker = worker
        self._request = request
        self._prompt_ids = encode_prompt(model, request.prompt)
        # Before the race waits for the model, and before the stage lets go of the last run.
        check_prompt(model, self._prompt_ids, request.settings.max_new_tokens)
        settings = self._settings = with_pins(model, request.settings, request.pins)
        self._note = copy.race_note(request.lanes, bool(request.pins))
        self._frame = StageFrame(
            secrets.token_hex(4),
            request.lanes,
            settings.max_new_tokens,
            settings.block_size,
            prompt_tail(request.prompt),
            pinned=pinned,
        )
        self._number = 0
        self._lane_run: LaneRun | None = None
        self._stopped = False
        self.broken = False  # a lane ended in an error
        self._traces: list[Trace] = []  # of every lane that ended, the first repeat's before the others'

    def stop(self) -> None:
        """End after the pass that is running; what is there stays."""
        self._stopped = True
        if self._lane_run is not None:
            self._lane_run.stop()

    def messages(self) -> Iterator[Json]:
        """Run every lane in turn and say what the stage draws; repeats run off the stage."""
        wholes: list[Json] = []
        for lane in self._request.lanes:
            if self._stopped:
                break
            canvas = LaneCanvas(lane, self._slot_texts)
            try:
                for batch in self._events(lane):
                    yield self._message(canvas.live(batch))
            except Exception:
                self.broken = True
                yield self._message(canvas.broken(copy.lane_broken(look_of(lane).label)), busy=False)
                raise
            trace = Trace(tuple(canvas.events))
            self._traces.append(trace)
            kept = self._recording([trace])
            wholes.append(whole_part(kept.lanes[0], kept.pieces))
            # Every finished lane again: should the browser have missed the end of one, it is here.
            yield self._message(*wholes)
        yield from self._repeats()
        if wholes:
            yield self._message(*wholes, busy=False)  # alone the whole run, should the browser have missed the rest

    def shown(self) -> Shown | None:
        """The race with its numbers, of the lanes that ended; None before the first one did."""
        if not self._traces:
            return None
        first = self._traces[: len(self._request.lanes)]
        stopped = self._stopped or any(trace.finished.reason == "cancelled" for trace in self._traces)
        return Shown(self._frame.run, self._recording(first), tuple(standings(self._traces)), stopped, self.broken)

    def _repeats(self) -> Iterator[Json]:
        # Turned about every second time, as in `twotower.race`; a repeat that was cut short is left out.
        lanes = self._request.lanes
        for repeat in range(1, self._request.repeats):
            if self._stopped:
                break
            yield self._message(note=copy.repeating(repeat + 1, self._request.repeats))
            try:
                traces = self._repeat(lanes if repeat % 2 == 0 else lanes[::-1])
            except Exception:
                self.broken = True
                yield self._message(busy=False)
                raise
            if len(traces) == len(lanes) and not any(trace.finished.reason == "cancelled" for trace in traces):
                self._traces += sorted(traces, key=lambda trace: lanes.index(trace.started.lane))

    def _repeat(self, lanes: Sequence[str]) -> list[Trace]:
        # Fewer than the lanes where it is stopped.
        return [
            Trace.record(event for batch in self._events(lane) for event in batch)
            for lane in lanes
            if not self._stopped
        ]

    def _message(self, *parts: Json, note: str | None = None, busy: bool = True) -> Json:
        self._number += 1
        return {**self._frame.message(self._number, *parts), "note": note or self._note, "busy": busy}

    def _events(self, lane: str) -> Iterator[list[Event]]:
        run = self._lane_run = self._worker.submit(self._prompt_ids, lane, self._settings.for_lane(lane))
        if self._stopped:  # pressed between the check and the line above
            run.stop()
        try:
            yield from run.batches()
        finally:
            run.stop()  # a visitor who left must not keep the model busy

    def _recording(self, traces: list[Trace]) -> Recording:
        return Recording.of("", self._request.prompt, traces, self._model.tokenizer)

    def _slot_texts(self, ids: Any) -> list[str]:
        return slot_texts(self._model.tokenizer, ids)


def whole_trace(model: TwoTower, worker: Worker, request: RaceRequest) -> dict[str, Any]:
    """Run the request's first lane to its end: its trace as plain JSON, with the text."""
    settings = with_pins(model, request.settings, request.pins)
    trace = worker.submit(encode_prompt(model, request.prompt), request.lanes[0], settings).trace()
    return {**json.loads(trace.to_json()), "text": decode(model.tokenizer, trace.token_ids)}
