"""What recording and streaming cost a lane: the same run with them and without, in alternation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from twotower.benchmark.figures import Overhead
from twotower.benchmark.lanes import settings_for
from twotower.benchmark.reading import prompt_of
from twotower.metrics import Metrics
from twotower.model.twotower import TwoTower
from twotower.race import Spread, collector_at_rest, warm_up
from twotower.sampling.events import Event
from twotower.sampling.generate import generate
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace
from twotower.ui.worker import RunLane, ShouldStop, Worker

MEASURED_LANES = ("diffusion", "autoregressive")


def recording_overheads(model: TwoTower, repeats: int) -> list[Overhead]:
    """Wall seconds of a lane that records five candidates a slot over the same lane that records none."""
    prompt, settings = prompt_of(model)[1], replace(settings_for(model), end_token_ids=())

    def wall(lane: str, candidates: int) -> Callable[[], float]:
        chosen = replace(settings, candidates=candidates)

        def run() -> float:
            began = time.perf_counter()
            for _ in generate(model, prompt, lane, chosen):
                pass
            return time.perf_counter() - began

        return run

    found = []
    for lane in MEASURED_LANES:
        for candidates in (0, 5):
            warm_up(model, replace(settings, candidates=candidates), prompt, [lane])
        found.append(Overhead("recording", lane, "wall", _ratio(wall(lane, 5), wall(lane, 0), repeats)))
    return found


def streaming_overheads(model: TwoTower, repeats: int) -> list[Overhead]:
    """Measured seconds of a lane that the page reads in batches, over those of plain iteration.

    Both on the page's thread: what another thread's pool would cost is not streaming's.
    """
    prompt, settings = prompt_of(model)[1], replace(settings_for(model), end_token_ids=())
    worker = Worker(lambda: _on_its_thread(model, prompt, settings))
    worker.wait()

    def streamed(lane: str) -> Callable[[], float]:
        def run() -> float:
            batches = worker.submit(prompt, lane, settings).batches()
            return _decode_seconds(event for batch in batches for event in batch)

        return run

    def plain(lane: str) -> Callable[[], float]:
        return lambda: worker.call(lambda: _decode_seconds(generate(model, prompt, lane, settings))).result()

    return [
        Overhead("streaming", lane, "measured", _ratio(streamed(lane), plain(lane), repeats)) for lane in MEASURED_LANES
    ]


def _on_its_thread(model: TwoTower, prompt: Sequence[int], settings: SamplingSettings) -> RunLane:
    """What the page's worker runs, warmed up on the thread that will run it."""
    warm_up(model, settings, prompt, MEASURED_LANES)

    def run(ids: list[int], lane: str, chosen: SamplingSettings, should_stop: ShouldStop) -> Iterator[Event]:
        return generate(model, ids, lane, chosen, should_stop)

    return run


def _decode_seconds(events: Iterator[Event]) -> float:
    return Metrics.of(Trace.record(events)).decode_seconds


def _ratio(with_it: Callable[[], float], without: Callable[[], float], repeats: int) -> Spread:
    """Of what they return, within each repeat; every second repeat the other way about."""
    ratios = []
    for repeat in range(repeats):
        with collector_at_rest():
            if repeat % 2 == 0:
                above = with_it()
                below = without()
            else:
                below = without()
                above = with_it()
        ratios.append(above / below)
    return Spread.of(ratios)
