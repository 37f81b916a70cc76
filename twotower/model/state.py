"""What the context tower remembers between passes, explicit: the memories of its layers, and how long the text is.

A state belongs to one batch of runs. Its buffers never move and never change shape, and passes write them in place, so
that a pass can be captured once and replayed. The denoiser tower reads the text in it and leaves it as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from twotower.model.memory import KVCache, MambaAhead, MambaState, Sight

_LEAST_CAPACITY = 256


@dataclass
class ContextState:
    """The memory of every layer after `lengths` tokens of each row; MoE and MLP layers have none.

    `held` is the host's own count of the same: to ask the device would stop it.
    """

    lengths: Tensor  # (B,) int64
    layers: Sequence[MambaState | KVCache | None]
    capacity: int  # tokens that a row has room for
    held: list[int] = field(default_factory=list)
    mirror: ContextState | None = None  # on the denoiser tower's device, where that is another

    def __post_init__(self) -> None:
        self.held = self.held or [0] * self.batch

    @property
    def batch(self) -> int:
        """Rows, each a text of its own."""
        return self.lengths.shape[0]

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """Every buffer, `lengths` first."""
        found = [self.lengths]
        for memory in self.layers:
            if isinstance(memory, MambaState):
                found += [memory.conv, memory.ssm]
            elif isinstance(memory, KVCache):
                found.append(memory.buffer)
        return tuple(found)

    @cached_property
    def addresses(self) -> tuple[int, ...]:
        """Where the buffers are: they never move."""
        return tuple(tensor.data_ptr() for tensor in self.tensors)

    def over(self, tensors: Sequence[Tensor]) -> ContextState:
        """A state of the same shape over other `tensors`, in the order of that property."""
        lengths, *left = tensors
        buffers = iter(left)
        layers: list[MambaState | KVCache | None] = []
        for memory in self.layers:
            if isinstance(memory, MambaState):
                layers.append(MambaState(next(buffers), next(buffers)))
            else:
                layers.append(None if memory is None else KVCache(next(buffers), self.capacity))
        return ContextState(lengths, tuple(layers), self.capacity, list(self.held))

    @property
    def nbytes(self) -> int:
        """Bytes held on the device."""
        return sum(tensor.nbytes for tensor in self.tensors)

    def clone(self) -> ContextState:
        """A copy that shares nothing with this one."""
        return self.over([tensor.clone() for tensor in self.tensors])

    def put(self, row: int, single: ContextState) -> None:
        """Let `row` hold what a state of one row holds, which may have less room."""
        self.lengths[row] = single.lengths[0]
        for ours, theirs in zip(self.layers, single.layers):
            if isinstance(ours, MambaState) and isinstance(theirs, MambaState):
                ours.conv[row], ours.ssm[row] = theirs.conv[0], theirs.ssm[0]
            elif isinstance(ours, KVCache) and isinstance(theirs, KVCache):
                ours.buffer[row, : single.held[0]] = theirs.buffer[0, : single.held[0]]
        self.held[row] = single.held[0]
        if self.mirror is not None:
            self.mirror.clear(row)

    def clear(self, row: int) -> None:
        """Let `row` hold nothing: a masked NaN would still be NaN for who comes next."""
        for tensor in self.tensors:
            tensor[row] = 0
        self.held[row] = 0
        if self.mirror is not None:
            self.mirror.clear(row)

    def follow(self, leader: ContextState) -> None:
        """Hold what `leader` holds, which has been followed all along and may be on another device.

        Of the keys and values only those of new tokens cross; the Mamba states, which have all changed, cross whole.
        """
        if self.held == leader.held:
            return
        self.lengths.copy_(leader.lengths)
        for ours, theirs in zip(self.layers, leader.layers):
            if isinstance(ours, MambaState) and isinstance(theirs, MambaState):
                ours.conv.copy_(theirs.conv)
                ours.ssm.copy_(theirs.ssm)
            elif isinstance(ours, KVCache) and isinstance(theirs, KVCache):
                for row, (begin, end) in enumerate(zip(self.held, leader.held)):
                    ours.buffer[row, begin:end] = theirs.buffer[row, begin:end]
        self.held = list(leader.held)

    def sight(self, length: int, dtype: torch.dtype) -> Sight:
        """Of `length` tokens behind the text: each sees the text, itself, and those of them that came before."""
        device = self.lengths.device
        slots = self.lengths.unsqueeze(1) + torch.arange(length, device=device)
        slots = slots.clamp(max=self.capacity - 1)  # a row that has finished may run on beside the others
        places = torch.arange(self.capacity, device=device)
        rows = torch.arange(self.batch, device=device).unsqueeze(1)
        return Sight(rows, slots, _added(places <= slots.unsqueeze(-1), dtype))

    def mask_aside(self, length: int, dtype: torch.dtype) -> Tensor:
        """(B, 1, 1, capacity + length): every token of a block that stands aside sees the text and all of its block."""
        places = torch.arange(self.capacity + length, device=self.lengths.device)
        seen = (places < self.lengths.unsqueeze(1)) | (places >= self.capacity)
        return _added(seen.unsqueeze(1), dtype)

    def demand_room(self, length: int) -> None:
        """Raise ValueError where a row has no room for `length` tokens more: whoever made the state gave too little."""
        if max(self.held) + length > self.capacity:
            raise ValueError(
                f"The state has room for {self.capacity} tokens and holds {max(self.held)}: no {length} more."
            )


def _added(visible: Tensor, dtype: torch.dtype) -> Tensor:
    """A mask (B, L, T) in the form that costs the attention kernel nothing more, for any head (B, 1, L, T)."""
    return torch.zeros((), dtype=dtype, device=visible.device).where(visible, -torch.inf).unsqueeze(1)


def capacity_for(tokens: int) -> int:
    """Room for so many tokens, in few sizes, as each needs a capture of its own: 256, 384, 512, 768, 1024, ...

    What a pass sees of the buffer is masked, not left out, so too much room costs attention time.
    """
    capacity = _LEAST_CAPACITY
    while capacity < tokens:
        capacity *= 2
    return capacity * 3 // 4 if capacity > _LEAST_CAPACITY and tokens <= capacity * 3 // 4 else capacity


@dataclass(frozen=True)
class ReadAhead:
    """Tokens (B, size) that the context tower has read and not yet taken over; None for layers without Mamba.

    Attention layers have written the tokens' keys and values behind the text already.
    """

    layers: Sequence[MambaAhead | None]
    size: int

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """What the Mamba layers kept."""
        kept = [layer for layer in self.layers if layer is not None]
        return tuple(tensor for layer in kept for tensor in (layer.columns, layer.x, layer.dt, layer.b))

    @classmethod
    def over(cls, tensors: Sequence[Tensor], state: ContextState, size: int) -> ReadAhead:
        """What was read ahead of `state`, from the tensors of that property."""
        kept = iter(tensors)
        return cls(
            [
                MambaAhead(next(kept), next(kept), next(kept), next(kept)) if isinstance(memory, MambaState) else None
                for memory in state.layers
            ],
            size,
        )
