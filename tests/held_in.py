"""What a context tower's state holds of the text, and whether two hold the same."""

from __future__ import annotations

import torch
from torch import Tensor

from twotower.model.memory import KVCache, MambaState
from twotower.model.state import ContextState


def tensors(state: ContextState) -> list[Tensor]:
    """Of every layer that remembers: conv and SSM state, or keys and values of the text; rows are of one length."""
    assert state.lengths.tolist() == state.held
    held: list[Tensor] = []
    for memory in state.layers:
        if isinstance(memory, MambaState):
            held += [memory.conv, memory.ssm]
        elif isinstance(memory, KVCache):
            held.append(memory.buffer[:, : state.held[0]])
    return held


def assert_same(one: ContextState, other: ContextState, tolerance: float) -> None:
    """The same lengths, and every tensor within `tolerance`, absolute and relative."""
    assert one.held == other.held
    for mine, theirs in zip(tensors(one), tensors(other), strict=True):
        torch.testing.assert_close(mine, theirs, atol=tolerance, rtol=tolerance)
