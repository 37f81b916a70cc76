"""What is compared: a lane under settings, and the denoiser with a part of it taken away. Knows no tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from torch import Tensor

from twotower.model.memory import MambaState
from twotower.model.state import ContextState
from twotower.model.twotower import TwoTower
from twotower.sampling.events import VERIFYING, Event
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
        self._empty = model.denoiser_tower.empty_state(1, 0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def denoiser_pass(self, ids: Tensor, state: ContextState, masked_fraction: float | None) -> Tensor:
        """A denoiser pass that sees the context through attention alone."""
        layers = [
            empty if isinstance(memory, MambaState) else memory
            for memory, empty in zip(state.layers, self._empty.layers)
        ]
        unseeded = ContextState(state.lengths, layers, state.capacity, state.held)
        return self._model.denoiser_pass(ids, unseeded, masked_fraction)


BASELINE = "AR"
LEGEND = (
    "AR: autoregression, the baseline. verify: draft and verify, with as many denoiser passes a draft as pay; K: that "
    "many; p≥0.1: a draft also stays where AR gives it a probability of 0.1. γ: threshold; T: steps a block, threshold "
    "1; fixed: the same number of slots in every step; factor: the n surest slots while (n + 1) (1 - confidence) is "
    "below it; entropy: the surest slots while the nats of entropy they ignore stay within it; stability: that "
    "threshold, and a distribution that two passes moved by less than 0.01 nats. anchored: the first token of a block "
    "is AR's. S: block size. no Mamba seed: the denoiser's Mamba layers start from zero. mock-AR: the denoiser one "
    "token at a time. same text as AR: prompts with AR's text, every token. passes/token: passes of every kind. "
    "accepted/round: drafted tokens that stay when AR verifies a block."
)


def standard_arms(block_size: int, max_new_tokens: int) -> list[Arm]:
    """Draft and verify; the paper's comparisons (thresholds, steps, block widths, no Mamba seed, mock-AR); other rules.

    All are greedy, at the width and the limit given.
    """
    base = SamplingSettings(max_new_tokens=max_new_tokens, block_size=block_size, steps_per_block=block_size, seed=0)
    return [
        Arm(BASELINE, "autoregressive", base),
        *_verifying(base),
        *_unmasking(base),
        *[
            Arm(f"S={width}", "diffusion", replace(base, block_size=width, steps_per_block=width))
            for width in (2 * block_size, 4 * block_size)
        ],
        Arm("no Mamba seed", "diffusion", base, seeded=False),
        Arm("mock-AR", "mock-ar", base),
    ]


def _verifying(base: SamplingSettings) -> Iterator[Arm]:
    """AR's own text, whatever the passes of a draft; and the lenient one, which is not."""
    yield Arm("verify", VERIFYING, base)
    for passes in (1, 2, 3, 4):
        yield Arm(f"verify K={passes}", VERIFYING, replace(base, draft_passes=passes))
    yield Arm("verify p≥0.1", VERIFYING, replace(base, accept_from=0.1))


def _unmasking(base: SamplingSettings) -> Iterator[Arm]:
    """The rules that say when a slot is sure enough, and blocks that begin with AR's token."""
    for gamma in (0.95, 0.9, 0.8, 0.7, 0.5):
        yield Arm(f"γ={gamma:g}", "diffusion", replace(base, threshold=gamma))
    yield Arm("γ=0.8 anchored", "diffusion", replace(base, threshold=0.8, ar_anchor=True))
    for steps in dict.fromkeys((max(1, base.block_size // 4), 1)):
        yield Arm(f"T={steps}", "diffusion", replace(base, steps_per_block=steps, threshold=1.0))
    steps = max(1, base.block_size // 2)
    yield Arm(f"fixed T={steps}", "diffusion", replace(base, unmasking="fixed", steps_per_block=steps))
    for factor in (1.0, 0.5):
        yield Arm(f"factor {factor:g}", "diffusion", replace(base, unmasking="factor", factor=factor))
    for nats in (0.1, 0.5):
        yield Arm(f"entropy {nats:g}", "diffusion", replace(base, unmasking="entropy", entropy_bound=nats))
    yield Arm("stability 0.8", "diffusion", replace(base, unmasking="stability", threshold=0.8, kl_bound=0.01))
