"""A whole sweep: its grid, its prompts, what does not vary, and in which order all that runs. Knows no model."""

from __future__ import annotations

import random
from dataclasses import dataclass

from twotower.errors import InputError
from twotower.sampling.settings import SamplingSettings
from twotower.sweeping.grid import Setting, SweepGrid

MOST_RUNS = 400


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
