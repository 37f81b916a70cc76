"""The fair race: lanes one after another on one model, warmed up, their order turned about, medians with spread."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from twotower.metrics import Metrics
from twotower.model.twotower import TwoTower
from twotower.sampling.generate import generate, lanes_of
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of a few repeats."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value or more."""
        return cls(statistics.median(values), min(values), max(values))

    def said(self, digits: int, unit: str = "") -> str:
        """As in 2.36× (2.27 to 2.44)."""
        return f"{self.median:.{digits}f}{unit} ({self.low:.{digits}f} to {self.high:.{digits}f})"


@dataclass(frozen=True)
class Standing:
    """One lane over all repeats. `speed_up` is over the baseline lane of the same repeat."""

    lane: str
    runs: tuple[Metrics, ...]
    decode_seconds: Spread
    tokens_per_second: Spread | None
    speed_up: Spread | None

    @property
    def middle(self) -> Metrics:
        """The run whose seconds are the median (the lower one of two)."""
        return sorted(self.runs, key=lambda run: run.decode_seconds)[(len(self.runs) - 1) // 2]


def race(
    model: TwoTower,
    prompt_ids: Sequence[int],
    lanes: Sequence[str],
    settings: SamplingSettings,
    repeats: int = 1,
) -> Iterator[Trace]:
    """Warm every shape up, then run every lane `repeats` times, one after the other, and yield each trace.

    Every second repeat goes through the lanes backwards: a machine that slows down slows both ends of the list.
    """
    warm_up(model, settings, prompt_ids, lanes)
    for repeat in range(repeats):
        for lane in lanes if repeat % 2 == 0 else reversed(lanes):
            with collector_at_rest():
                trace = Trace.record(generate(model, prompt_ids, lane, settings.for_lane(lane)))
            yield trace


def warm_up(
    model: TwoTower,
    settings: SamplingSettings,
    prompt_ids: Sequence[int] = (),
    lanes: Sequence[str] = (),
) -> None:
    """Run every shape that `settings` will need once, unrecorded: full blocks, and the shorter last one.

    Of all lanes that the model has, where none is named.
    """
    last = settings.max_new_tokens % settings.block_size
    length = min(settings.max_new_tokens, 2 * settings.block_size + last)
    few = replace(settings, max_new_tokens=length, steps_per_block=1, end_token_ids=(), pins=())
    for lane in lanes or lanes_of(model.has_denoiser):
        for _ in generate(model, prompt_ids, lane, few, room=settings.max_new_tokens):
            pass
    if not model.has_denoiser:
        return
    with torch.inference_mode():
        for size in (settings.block_size, last):
            for masked in range(size):
                model.conditioning.at((masked + 1) / size)  # the table of t, one entry for each masked fraction


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """No garbage collection inside: one takes as long as dozens of passes and hits whichever lane is running."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def standings(traces: Sequence[Trace], baseline: str = "autoregressive") -> list[Standing]:
    """What the traces of a race come to, a lane each, in the order they first ran."""
    runs: dict[str, list[Metrics]] = {}
    for trace in traces:
        runs.setdefault(trace.started.lane, []).append(Metrics.of(trace))
    base = [run.tokens_per_second for run in runs.get(baseline, [])]
    return [_standing(lane, tuple(of_lane), base) for lane, of_lane in runs.items()]


def _standing(lane: str, runs: tuple[Metrics, ...], base: Sequence[float | None]) -> Standing:
    speeds = [run.tokens_per_second for run in runs]
    known = [speed for speed in speeds if speed is not None]
    ratios = [speed / other for speed, other in zip(speeds, base) if speed is not None and other]
    return Standing(
        lane=lane,
        runs=runs,
        decode_seconds=Spread.of([run.decode_seconds for run in runs]),
        tokens_per_second=Spread.of(known) if known else None,
        speed_up=Spread.of(ratios) if ratios else None,
    )
