"""A context that passes start from: however often one ran, the next begins where all of them did."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from twotower.model.state import ContextState
from twotower.model.twotower import TwoTower


class Standpoint:
    """The context tower's memory of ids (1, n >= 1)."""

    def __init__(self, model: TwoTower, ids: Tensor) -> None:
        self.context = ids.shape[1]
        with torch.inference_mode():
            _, self._snapshot = model.prefill(ids)

    def restored(self) -> ContextState:
        """The memory as it was when the ids had just been read."""
        return copy.deepcopy(self._snapshot)
