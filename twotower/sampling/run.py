"""What every lane is given: the model's facts and heads, the prompt, the settings, a clock, noise of its own."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from torch import Tensor

from twotower.errors import NumericalError
from twotower.model.twotower import TwoTower
from twotower.sampling.choice import Noise, scores, scores_at
from twotower.sampling.clock import Clock
from twotower.sampling.settings import SamplingSettings


@dataclass(frozen=True)
class Run:
    """One run of one lane. `clock` may be shared with others; this run began when it stood at `began`."""

    model: TwoTower
    prompt: tuple[int, ...]  # one id at least
    settings: SamplingSettings
    room: int  # tokens that the context tower is to have room for behind the prompt
    end_token_ids: frozenset[int]
    clock: Clock
    began: float
    noise: Noise

    @property
    def now(self) -> float:
        """Seconds since this run began."""
        return self.clock.now - self.began

    def recording(self) -> AbstractContextManager[None]:
        """What is done inside is for the viewer, and off the clock."""
        return self.clock.paused()

    def scores(self, logits: Tensor, *key: int) -> Tensor:
        """Of float32 logits, with noise that `key` names; the largest is the choice."""
        return scores(logits, self.settings, self.noise, *key)

    def scores_at(self, logits: Tensor, positions: Sequence[int]) -> Tensor:
        """Of float32 logits (R, V), with the noise of these positions of the text."""
        return scores_at(logits, self.settings, self.noise, positions)

    def end_of_text(self, block: Sequence[int]) -> int:
        """The slot of the first end token; the block's size where there is none."""
        return next((slot for slot, token in enumerate(block) if token in self._ends_of_blocks), len(block))

    @functools.cached_property
    def _ends_of_blocks(self) -> frozenset[int]:
        return self.end_token_ids - {self.model.config.mask_token_id}  # a masked slot ends nothing, whatever was asked


def demand_finite(values: Iterable[float], where: str) -> None:
    """Raise NumericalError rather than let NaN take part in a choice."""
    if not all(map(math.isfinite, values)):
        raise NumericalError(f"The {where} returned NaN or infinity; the run was stopped.")
