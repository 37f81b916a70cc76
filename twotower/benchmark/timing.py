"""How seconds are taken: warm, the collector at rest, the device synchronised at the edges, kinds in alternation.

A repeat goes through all kinds once, every second repeat backwards: a machine that slows down slows both ends of the
list. Within a repeat a kind runs once unmeasured, which brings its weights and its code back to where a run of it would
have them, and then several times; the repeat's figure is the median of those.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch

from twotower.race import Spread, collector_at_rest

MOST = 50  # measured runs of a kind in a repeat, at the most

K = TypeVar("K", bound=Hashable)


class Measurable(Protocol):
    """Something that is brought into position, off the clock, and then run on it."""

    @property
    def prepare(self) -> Callable[[], object]:
        """What comes before and is not measured."""

    @property
    def run(self) -> Callable[[], object]:
        """What is measured."""


@dataclass(frozen=True)
class Alone:
    """Work that needs no preparation."""

    run: Callable[[], object]

    def prepare(self) -> None:
        """Nothing comes before it."""


def synchronize(device: torch.device) -> None:
    """Wait for the device, where it works on its own."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Wall seconds of one call, the device synchronised at both edges."""
    synchronize(device)
    began = time.perf_counter()
    work()
    synchronize(device)
    return time.perf_counter() - began


def alternately(kinds: Mapping[K, Measurable], repeats: int, device: torch.device, budget: float) -> dict[K, Spread]:
    """Seconds of one run of each kind: the median over the repeats, with the least and the greatest.

    `budget` is about how many seconds a kind may take in a repeat, preparation included; it runs at least once
    unmeasured and once measured.
    """
    figures = repeated(kinds, repeats, device, budget)
    return {name: Spread.of(values) for name, values in figures.items()}


def repeated(kinds: Mapping[K, Measurable], repeats: int, device: torch.device, budget: float) -> dict[K, list[float]]:
    """The figures themselves, one a repeat and kind: two kinds of the same repeat may be held against each other."""
    figures: dict[K, list[float]] = {name: [] for name in kinds}
    with torch.inference_mode(), collector_at_rest():
        for kind in kinds.values():  # the first run of a shape compiles, allocates, captures
            _once(kind, device)
        for repeat in range(repeats):
            names = list(kinds) if repeat % 2 == 0 else list(kinds)[::-1]
            for name in names:
                figures[name].append(_burst(kinds[name], device, budget))
    return figures


def _burst(kind: Measurable, device: torch.device, budget: float) -> float:
    ends = time.perf_counter() + budget
    _once(kind, device)
    taken = [_once(kind, device)]
    while time.perf_counter() < ends and len(taken) < MOST:
        taken.append(_once(kind, device))
    return statistics.median(taken)


def _once(kind: Measurable, device: torch.device) -> float:
    kind.prepare()
    return seconds_of(kind.run, device)
