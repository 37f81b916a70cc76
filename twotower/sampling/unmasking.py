"""Which proposals of a denoiser pass become tokens: confidence unmasking (paper, section 3.3). Knows no model."""

from __future__ import annotations

import math
from collections.abc import Sequence

from twotower.sampling.events import Rule


def confidence_unmasking(confidences: Sequence[float], threshold: float, steps_left: int) -> list[Rule | None]:
    """The rule that commits each masked slot, None for those that stay masked.

    confidences: of the M >= 1 masked slots; steps_left counts the present step. Commits the k most confident,
    k = min(M, max(how many exceed the threshold, 1, ceil(M / steps_left))): every step commits at least one slot,
    and the last step all of them.
    """
    masked = len(confidences)
    above = sum(confidence > threshold for confidence in confidences)
    k = min(masked, max(above, 1, math.ceil(masked / steps_left)))
    ranked = sorted(range(masked), key=lambda slot: -confidences[slot])
    rules: list[Rule | None] = [None] * masked
    for slot in ranked[:k]:
        if confidences[slot] > threshold:
            rules[slot] = "threshold"
        else:
            rules[slot] = "last-step" if steps_left == 1 else "minimum"
    return rules
