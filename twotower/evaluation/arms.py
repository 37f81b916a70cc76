"""What is compared: a lane under settings, and the denoiser with a part of it taken away. Knows no tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from torch import Tensor

from twotower.model.state import ContextState, MambaState
from twotower.model.twotower import TwoTower
from twotower.sampling.events import Event
from twotower.sampling.generate import generate
from twotower.sampling.settings import SamplingSettings


@dataclass(frozen=True)
class Arm:
    """A row of the table: `name`, the lane it runs and with what."""

    name: str
    lane: str
    settings: SamplingSettings
    seeded: bool = True  # False: the denoiser's Mamba layers start from zero (the paper's ablation)

    def run(self, model: TwoTower, prompt_ids: Sequence[int]) -> Iterator[Event]:
        """Its events on one prompt."""
        subject = model if self.seeded else cast(TwoTower, Unseeded(model))
        return generate(subject, prompt_ids, lane=self.lane, settings=self.settings)


class Unseeded:
    """A model whose denoiser does not get the context tower's Mamba states; everything else is the model's."""

    def __init__(self, model: TwoTower) -> None:
        self._model = model
        self._empty = model.denoiser_tower.empty_state(1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def denoiser_pass(self, ids: Tensor, state: ContextState, masked_fraction: float | None) -> Tensor:
        """A denoiser pass that sees the context through attention alone."""
        layers = [
            empty if isinstance(memory, MambaState) else memory
            for memory, empty in zip(state.layers, self._empty.layers)
        ]
        return self._model.denoiser_pass(ids, ContextState(layers, state.length), masked_fraction)


BASELINE = "AR"
LEGEND = (
    "AR: autoregression, the baseline. γ: threshold; T: steps a block, threshold 1; S: block size. "
    "no Mamba seed: the denoiser's Mamba layers start from zero. mock-AR: the denoiser one token at a time."
)


def standard_arms(block_size: int, max_new_tokens: int) -> list[Arm]:
    """The comparisons the paper makes: thresholds, steps, block widths, no Mamba seed, the denoiser as an AR model."""
    base = SamplingSettings(max_new_tokens=max_new_tokens, block_size=block_size, steps_per_block=block_size, seed=0)
    arms = [Arm(BASELINE, "autoregressive", base)]
    arms += [Arm(f"γ={gamma:g}", "diffusion", replace(base, threshold=gamma)) for gamma in (0.95, 0.9, 0.8, 0.7, 0.5)]
    arms += [
        Arm(f"T={steps}", "diffusion", replace(base, steps_per_block=steps, threshold=1.0))
        for steps in dict.fromkeys((max(1, block_size // 4), 1))
    ]
    arms += [
        Arm(f"S={width}", "diffusion", replace(base, block_size=width, steps_per_block=width))
        for width in (2 * block_size, 4 * block_size)
    ]
    arms.append(Arm("no Mamba seed", "diffusion", base, seeded=False))
    arms.append(Arm("mock-AR", "mock-ar", base))
    return arms
