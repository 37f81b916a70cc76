"""What every lane is given: the model, the prompt, the settings, a clock, noise of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from twotower.errors import NumericalError
from twotower.model.twotower import TwoTower
from twotower.sampling.choice import Noise, choose, choose_at
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

    @property
    def room(self) -> int:
        """Tokens that the context tower may read behind the prompt, drafts that will be rejected among them."""
        return self.settings.max_new_tokens + self.settings.block_size

    def ids(self, *tokens: int) -> Tensor:
        """Tokens as (len,) ids on the model's device."""
        return torch.tensor(tokens, dtype=torch.long, device=self.model.device)

    def choose(self, logits: Tensor, *key: int) -> Tensor:
        """Ids from float32 logits, with noise that `key` names."""
        return choose(logits, self.settings, self.noise, *key)

    def choose_at(self, logits: Tensor, positions: Sequence[int]) -> Tensor:
        """Ids (R,) from float32 logits (R, V), with the noise of these positions of the text."""
        return choose_at(logits, self.settings, self.noise, positions)

    def end_of_text(self, block: Sequence[int]) -> int:
        """The slot of the first end token; the block's size where there is none."""
        ends = self.end_token_ids - {self.model.config.mask_token_id}  # a masked slot ends nothing, whatever was asked
        return next((slot for slot, token in enumerate(block) if token in ends), len(block))


def demand_finite(values: list[float], where: str) -> None:
    """Raise NumericalError rather than let NaN take part in a choice."""
    if not all(map(math.isfinite, values)):
        raise NumericalError(f"The {where} returned NaN or infinity; the run was stopped.")
