"""One persistent thread that owns the model and runs one lane at a time. Knows no page and no Gradio.

The thread is the lock: whatever visitors do, lanes queue up behind it and never overlap, a cancelled one included,
which still runs to the end of its pass. Thread pools of the arithmetic stay warm with the thread they belong to.
"""

from __future__ import annotations

import gc
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import TypeVar

from twotower.race import collector_at_rest
from twotower.sampling.events import Event
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace

ShouldStop = Callable[[], bool]
RunLane = Callable[[list[int], str, SamplingSettings, ShouldStop], Iterator[Event]]

T = TypeVar("T")

BATCH_SECONDS = 0.05  # 20 messages a second: smooth to the eye, and next to free for the sampler
DEADLINE_SECONDS = 300.0


@dataclass
class LaneRun:
    """A lane that is waiting, running or done; events come out in batches."""

    prompt_ids: list[int]
    lane: str
    settings: SamplingSettings
    _events: queue.SimpleQueue[Event | None] = field(default_factory=queue.SimpleQueue)
    _stop: threading.Event = field(default_factory=threading.Event)
    _error: BaseException | None = None
    _deadline: float = float("inf")

    def stop(self) -> None:
        """Ask the sampler to end after the pass it is in."""
        self._stop.set()

    def batches(self, seconds: float = BATCH_SECONDS) -> Iterator[list[Event]]:
        """Events as they come, at most one list every `seconds`. Raises what the lane raised, after its events."""
        ended = False
        while not ended:
            ready = [self._events.get()]
            time.sleep(seconds)
            while not self._events.empty():  # this is the only reader
                ready.append(self._events.get())
            ended = ready[-1] is None
            if events := [event for event in ready if event is not None]:
                yield events
        if self._error is not None:
            raise self._error

    def trace(self) -> Trace:
        """The whole run, waited for; whoever gives up waiting frees the model. Raises what the lane raised."""
        try:
            return Trace.record(event for batch in self.batches() for event in batch)
        finally:
            self.stop()

    def _should_stop(self) -> bool:
        return self._stop.is_set() or time.monotonic() > self._deadline

    def _run(self, run_lane: RunLane) -> None:
        self._deadline = time.monotonic() + DEADLINE_SECONDS
        try:
            for event in run_lane(self.prompt_ids, self.lane, self.settings, self._should_stop):
                self._events.put(event)
        except BaseException as error:
            self._error = error
        finally:
            self._events.put(None)


class Worker:
    """Starts the thread, builds what runs lanes on it, and hands it lanes and other work that needs the model."""

    def __init__(self, build: Callable[[], RunLane]) -> None:
        self._build = build
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        threading.Thread(target=self._work, name="sampler", daemon=True).start()

    def wait(self) -> None:
        """Return once the model is loaded and warm. Raises what went wrong with it."""
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def submit(self, prompt_ids: list[int], lane: str, settings: SamplingSettings) -> LaneRun:
        """Queue a lane; its events appear in the run returned."""
        run = LaneRun(prompt_ids, lane, settings)
        visitor = copy_context()  # whose run it is: where GPUs are lent, they are lent to visitors
        self._jobs.put(lambda: visitor.run(run._run, self._run_lane))
        return run

    def call(self, function: Callable[[], T]) -> Future[T]:
        """Run a function on the model's thread, in its turn; what it raises is raised by the future."""
        future: Future[T] = Future()
        self._jobs.put(lambda: _settle(future, function))
        return future

    def _work(self) -> None:
        try:
            self._run_lane = self._build()
        except BaseException as error:
            self._failure = error
            return
        finally:
            self._ready.set()
        # What is loaded now stays: without this, full collections of it land in random passes.
        gc.collect()
        gc.freeze()
        while True:
            job = self._jobs.get()
            with collector_at_rest():
                job()


def _settle(future: Future[T], function: Callable[[], T]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:
        future.set_exception(error)
