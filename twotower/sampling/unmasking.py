"""Which proposals of a denoiser pass become tokens: the unmasking rules. Knows no model and no events but their names.

A rule says which slots it *wants*. Around every rule stands the same frame: a step commits at least one slot and its
share of what is left, the surest first, and the last step commits all (paper, section 3.3).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from twotower.sampling.events import Rule
from twotower.sampling.settings import SamplingSettings

_STABLE_PASSES = 2  # over which a distribution must have kept still (Kim et al. 2025)


@dataclass(frozen=True)
class Proposed:
    """What one pass proposes for the M >= 1 masked slots of a block."""

    slots: Sequence[int]
    tokens: Sequence[int]
    confidences: Sequence[float]  # probability of the proposed token
    probabilities: Tensor  # (M, V)

    @property
    def surest_first(self) -> list[int]:
        """Indices into the M, by falling confidence."""
        return sorted(range(len(self.confidences)), key=lambda i: -self.confidences[i])


Wanted = Callable[[Proposed, int], list[int]]  # (what is proposed, steps left) -> indices into the M


class Unmasking:
    """The rule of `settings.unmasking` for one block, called once a step."""

    def __init__(self, settings: SamplingSettings) -> None:
        self._rule: Rule = settings.unmasking  # type: ignore[assignment]  # checked by the settings
        self._wanted = _RULES[settings.unmasking](settings)

    def __call__(self, proposed: Proposed, steps_left: int) -> list[Rule | None]:
        """Why each masked slot is committed, None for those that stay masked; `steps_left` counts the present one."""
        masked = len(proposed.slots)
        rules: list[Rule | None] = [None] * masked
        wanted = self._wanted(proposed, steps_left)
        for i in wanted:
            rules[i] = self._rule
        short = max(1, math.ceil(masked / steps_left)) - len(wanted)
        for i in proposed.surest_first:
            if rules[i] is None and short > 0:
                rules[i] = "last-step" if steps_left == 1 else "minimum"
                short -= 1
        return rules


def threshold(settings: SamplingSettings) -> Wanted:
    """Every slot surer than the threshold (paper, section 3.3)."""

    def wanted(proposed: Proposed, steps_left: int) -> list[int]:
        return [i for i, confidence in enumerate(proposed.confidences) if confidence > settings.threshold]

    return wanted


def fixed(settings: SamplingSettings) -> Wanted:
    """The same number of slots in every step, the surest ones (Nie et al. 2025, LLaDA, arXiv 2502.09992)."""

    def wanted(proposed: Proposed, steps_left: int) -> list[int]:
        return proposed.surest_first[: math.ceil(len(proposed.slots) / steps_left)]

    return wanted


def factor(settings: SamplingSettings) -> Wanted:
    """The n surest, for the largest n with (n + 1) (1 - c_n) < f (Wu et al. 2025, Fast-dLLM, arXiv 2505.22618).

    c_n is the confidence of the least sure among them: the more at once, the surer each must be.
    """

    def wanted(proposed: Proposed, steps_left: int) -> list[int]:
        ranked = proposed.surest_first
        count = 0
        while count < len(ranked) and (count + 2) * (1 - proposed.confidences[ranked[count]]) < settings.factor:
            count += 1
        return ranked[:count]

    return wanted


def entropy(settings: SamplingSettings) -> Wanted:
    """Slots of least entropy H, as many as keep sum(H) - max(H) within the bound (Ben-Hamu et al. 2025, EB-Sampler).

    That difference bounds the nats of dependence that committing them together ignores (arXiv 2505.24857, section 3);
    transformers' DiffusionGemma samples by the same rule.
    """

    def wanted(proposed: Proposed, steps_left: int) -> list[int]:
        ascending, order = torch.special.entr(proposed.probabilities).sum(-1).sort()
        ignored = ascending.cumsum(0) - ascending  # the last of each set is its largest
        return order[ignored <= settings.entropy_bound].tolist()

    return wanted


def stability(settings: SamplingSettings) -> Wanted:
    """Slots surer than the threshold whose distribution keeps still (Kim et al. 2025, KLASS, arXiv 2511.05664).

    Still: KL(now || the pass before) was below the bound in the last two passes.
    """
    before: dict[int, Tensor] = {}
    still: dict[int, int] = {}  # for how many passes

    def wanted(proposed: Proposed, steps_left: int) -> list[int]:
        known = [i for i, slot in enumerate(proposed.slots) if slot in before]
        if known:
            now = proposed.probabilities[known]
            then = torch.stack([before[proposed.slots[i]] for i in known])
            moved = (torch.special.xlogy(now, now) - torch.special.xlogy(now, then)).sum(-1).tolist()
            for i, nats in zip(known, moved):
                slot = proposed.slots[i]
                still[slot] = still.get(slot, 0) + 1 if nats < settings.kl_bound else 0
        before.update(zip(proposed.slots, proposed.probabilities))
        return [
            i
            for i, slot in enumerate(proposed.slots)
            if proposed.confidences[i] > settings.threshold and still.get(slot, 0) >= _STABLE_PASSES
        ]

    return wanted


_RULES: dict[str, Callable[[SamplingSettings], Wanted]] = {
    "threshold": threshold,
    "fixed": fixed,
    "factor": factor,
    "entropy": entropy,
    "stability": stability,
}
