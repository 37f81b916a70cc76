"""Small models with quantised weights: of widths that groups of 8, 16 and 32 divide, and of widths that none does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from twotower.model.quantization import Quantised
from twotower.model.twotower import TwoTower

WIDTHS = {  # of which no two are equal by chance
    "hidden_size": 48,
    "head_dim": 16,
    "mamba_head_dim": 12,
    "moe_intermediate_size": 40,
    "moe_shared_expert_intermediate_size": 104,
    "intermediate_size": 56,
}


def read_in(model: TwoTower, folder: Path, bits: int) -> TwoTower:
    """What is read when the model was written to `folder` as it is."""
    model.save_pretrained(folder)
    return TwoTower.from_pretrained(folder, bits=bits)


def quantised_weights(model: TwoTower) -> Iterator[tuple[str, Quantised]]:
    """By the name that the plain weight has in a model that is not quantised."""
    for name, module in model.named_modules():
        if isinstance(module, Quantised):
            yield name, module
