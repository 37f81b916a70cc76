"""What every lane is given: the model, the prompt, the settings, a clock, noise of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from twotower.errors import NumericalError
from twotower.model.twotower import TwoTower
from twotower.sampling.choice import Noise, choose
from twotower.sampling.clock import Clock
from twotower.sampling.settings import SamplingSettings


@dataclass(frozen=True)
class Run:
    """One run of one lane."""

    model: TwoTower
    prompt: Tensor  # (1, L) ids, L >= 1
    settings: SamplingSettings
    end_token_ids: frozenset[int]
    clock: Clock
    noise: Noise

    def ids(self, *tokens: int) -> Tensor:
        """Tokens as (len,) ids on the model's device."""
        return torch.tensor(tokens, dtype=torch.long, device=self.model.device)

    def choose(self, logits: Tensor, *key: int) -> Tensor:
        """Ids from float32 logits, with noise that `key` names."""
        return choose(logits, self.settings, self.noise, *key)


def demand_finite(values: list[float], where: str) -> None:
    """Raise NumericalError rather than let NaN take part in a choice."""
    if not all(map(math.isfinite, values)):
        raise NumericalError(f"The {where} returned NaN or infinity; the run was stopped.")
