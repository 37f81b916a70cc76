"""What a sweep varies, checked once. Knows no prompts, no model and no page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from twotower.errors import InputError
from twotower.sampling.events import VERIFYING
from twotower.sampling.settings import SamplingSettings

MOST_REPEATS = 9
# Axis of the grid -> the setting its values are of.
AXES = {
    "unmasking": "unmasking",
    "thresholds": "threshold",
    "factors": "factor",
    "entropy_bounds": "entropy_bound",
    "steps_per_block": "steps_per_block",
    "block_sizes": "block_size",
}
# Unmasking rule -> the axis of its bounds. A rule that is not here has none: its knob is the number of steps.
BOUNDS = {"threshold": "thresholds", "factor": "factors", "entropy": "entropy_bounds", "stability": "thresholds"}


def axes_of(unmasking: tuple[str, ...]) -> set[str]:
    """The axes that these rules vary along; with none of them, the verify lane's."""
    axes = {"block_sizes"} | {BOUNDS[rule] for rule in unmasking if rule in BOUNDS}
    return axes | {"unmasking", "steps_per_block"} if unmasking else axes


@dataclass(frozen=True)
class Setting:
    """A point of the grid: an unmasking rule with its bound, in a number of steps; or the verify lane.

    `bound` is None where the rule has none. In the verify lane, which has no `unmasking` here, bound and steps are
    None too: how it drafts is no part of the grid.
    """

    unmasking: str | None
    bound: float | None
    steps_per_block: int | None
    block_size: int

    @property
    def lane(self) -> str:
        """The lane that runs it."""
        return VERIFYING if self.unmasking is None else "diffusion"

    @property
    def values(self) -> dict[str, object]:
        """The settings this point fixes, by their names in SamplingSettings."""
        known: dict[str, object] = {"unmasking": self.unmasking, "steps_per_block": self.steps_per_block}
        if self.unmasking in BOUNDS:
            known[AXES[BOUNDS[self.unmasking]]] = self.bound
        return {name: value for name, value in known.items() if value is not None} | {"block_size": self.block_size}

    def of(self, settings: SamplingSettings) -> SamplingSettings:
        """The settings with this point's values."""
        return replace(settings, **self.values)  # type: ignore[arg-type]  # the settings check every type


@dataclass(frozen=True)
class SweepGrid:
    """Every rule with every bound of its own, in every number of steps, at every block size; and draft and verify.

    Each point runs on every prompt, `repeats` times. A value given twice counts once. Values of an axis that no rule
    asks for make no points.
    """

    thresholds: tuple[float, ...] = (0.5, 0.7, 0.8, 0.9, 0.95)
    steps_per_block: tuple[int, ...] = (16, 4)
    block_sizes: tuple[int, ...] = (16,)
    repeats: int = 1
    unmasking: tuple[str, ...] = ("threshold",)
    factors: tuple[float, ...] = (0.5, 1.0, 2.0)
    entropy_bounds: tuple[float, ...] = (0.1, 0.5, 1.0)
    verify: bool = False  # the verify lane too, a point at every block size

    def __post_init__(self) -> None:
        if not isinstance(self.verify, bool):
            raise InputError("verify", self.verify, "true or false")
        if not self.unmasking and not self.verify:
            raise InputError("unmasking", self.unmasking, "at least one rule, or draft and verify")
        for axis, setting in AXES.items():
            values = tuple(getattr(self, axis))
            if not values and axis in axes_of(self.unmasking):
                raise InputError(axis, values, "at least one number")
            for value in values:
                SamplingSettings(**{setting: value})  # raises InputError naming it
            object.__setattr__(self, axis, tuple(dict.fromkeys(values)))
        whole = isinstance(self.repeats, int) and not isinstance(self.repeats, bool)
        if not whole or not 1 <= self.repeats <= MOST_REPEATS:
            raise InputError("repeats", self.repeats, f"a whole number from 1 to {MOST_REPEATS}")

    @property
    def points(self) -> int:
        """How many settings there are."""
        return len(self.settings)

    @property
    def settings(self) -> list[Setting]:
        """All of them: rule by rule, bounds outermost; the verify lane's last."""
        found = [
            Setting(rule, *values)
            for rule in self.unmasking
            for values in product(self._bounds(rule), self.steps_per_block, self.block_sizes)
        ]
        return found + [Setting(None, None, None, size) for size in self.block_sizes if self.verify]

    def _bounds(self, rule: str) -> tuple[float | None, ...]:
        return getattr(self, BOUNDS[rule]) if rule in BOUNDS else (None,)
