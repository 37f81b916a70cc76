"""A context that passes start from: however often one ran, the next begins where all of them did."""

from __future__ import annotations

import torch
from torch import Tensor

from twotower.model.state import ContextState
from twotower.model.twotower import TwoTower


class Standpoint:
    """The context tower's memory of ids (1, n >= 1), with room for `room` tokens more, over the engine in use."""

    def __init__(self, model: TwoTower, ids: Tensor, room: int) -> None:
        self.context = ids.shape[1]
        with torch.inference_mode():
            _, self._state = model.prefill(ids, room)
            self._snapshot = self._state.clone()

    def restored(self) -> ContextState:
        """The memory as it was when the ids had just been read: the same buffers every time."""
        self._state.put(0, self._snapshot)
        return self._state
