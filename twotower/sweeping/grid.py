"""What a sweep varies, and what it runs on, checked once. Knows no model and no page."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from itertools import product

from twotower.errors import InputError
from twotower.sampling.settings import SamplingSettings

MOST_RUNS = 400
MOST_REPEATS = 9
AXES = {"thresholds": "threshold", "steps_per_block": "steps_per_block", "block_sizes": "block_size"}


@dataclass(frozen=True)
class Setting:
    """A point of the grid."""

    threshold: float
    steps_per_block: int
    block_size: int

    def of(self, settings: SamplingSettings) -> SamplingSettings:
        """The settings with this point's three values."""
        return replace(
            settings,
            threshold=self.threshold,
            steps_per_block=self.steps_per_block,
            block_size=self.block_size,
        )


@dataclass(frozen=True)
class SweepGrid:
    """Every combination is a point; each runs on every prompt, `repeats` times. A value given twice counts once."""

    thresholds: tuple[float, ...] = (0.5, 0.7, 0.8, 0.9, 0.95)
    steps_per_block: tuple[int, ...] = (16, 4)
    block_sizes: tuple[int, ...] = (16,)
    repeats: int = 1

    def __post_init__(self) -> None:
        for name, setting in AXES.items():
            values = tuple(getattr(self, name))
            if not values:
                raise InputError(name, values, "at least one number")
            for value in values:
                SamplingSettings(**{setting: value})  # raises InputError naming it
            object.__setattr__(self, name, tuple(dict.fromkeys(values)))
        whole = isinstance(self.repeats, int) and not isinstance(self.repeats, bool)
        if not whole or not 1 <= self.repeats <= MOST_REPEATS:
            raise InputError("repeats", self.repeats, f"a whole number from 1 to {MOST_REPEATS}")

    @property
    def points(self) -> int:
        """How many settings there are."""
        return len(self.thresholds) * len(self.steps_per_block) * len(self.block_sizes)

    @property
    def settings(self) -> list[Setting]:
        """All of them, thresholds outermost."""
        return [Setting(*values) for values in product(self.thresholds, self.steps_per_block, self.block_sizes)]


@dataclass(frozen=True)
class SweepPrompt:
    """What is continued: its ids, and the one right answer where there is one."""

    ids: tuple[int, ...]
    answer: str | None = None


@dataclass(frozen=True)
class SweepPlan:
    """A whole sweep. `settings` is what does not vary; its seed serves every run and must be drawn already.

    Raises InputError where there is no prompt, or more than MOST_RUNS runs.
    """

    grid: SweepGrid
    prompts: tuple[SweepPrompt, ...]
    settings: SamplingSettings

    def __post_init__(self) -> None:
        if not self.prompts:
            raise InputError("prompts", [], "at least one prompt or one kind of task")
        if self.settings.seed < 0:
            raise InputError("seed", self.settings.seed, "a seed that is drawn, at least 0")
        if self.runs > MOST_RUNS:
            counts = f"({self.grid.points} points + AR) × {len(self.prompts)} prompts × {self.grid.repeats} repeats"
            raise InputError("runs", self.runs, f"at most {MOST_RUNS}; here they are {counts}")

    @property
    def runs(self) -> int:
        """How many lanes run: every point and the baseline, on every prompt, in every repeat."""
        return (self.grid.points + 1) * len(self.prompts) * self.grid.repeats

    def order(self, repeat: int) -> list[tuple[Setting | None, list[int]]]:
        """A setting, or None for the baseline, and the numbers of its prompts in the order they run.

        Points come in an order that the seed shuffles, so that a machine that slows down slows no axis of the grid;
        every second setting takes the prompts backwards, and every second repeat the settings. The baseline opens the
        first repeat, closes the second, and so on.
        """
        points = self.grid.settings
        random.Random(self.settings.seed).shuffle(points)
        settings: list[Setting | None] = [None, *points]
        if repeat % 2:
            settings.reverse()
        numbers = list(range(len(self.prompts)))
        return [(setting, numbers[:: -1 if at % 2 else 1]) for at, setting in enumerate(settings)]
