"""Learning rate over a run: warm-up, stable, decay (Hu et al. 2024, MiniCPM; paper, section 2.3)."""

from __future__ import annotations


def wsd(step: int, steps: int, warmup: int, decay_fraction: float) -> float:
    """The factor on the peak rate at `step` of `steps`. The stable part lets a run be lengthened at a restart."""
    decay = max(1, round(steps * decay_fraction))
    if step < warmup:
        return (step + 1) / warmup
    return min(1.0, max(0.0, (steps - step) / decay))
