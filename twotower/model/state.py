"""What the context tower remembers between passes, explicit: KV for attention, conv and SSM state for Mamba-2.

A state belongs to one run. The denoiser tower reads it and never writes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

_FIRST_CAPACITY = 256


@dataclass(frozen=True)
class MambaState:
    """A Mamba-2 layer's memory. Replaced, never updated in place: a denoiser pass may still hold the old one."""

    conv: Tensor  # (B, kernel - 1, channels) the last raw columns of x | B | C, oldest first, zeros before the text
    ssm: Tensor  # (B, H, P, N) float32


@dataclass(frozen=True)
class MambaAhead:
    """What a Mamba-2 layer keeps of L tokens that it has read ahead, to take over the first few of them later.

    The state after any of them follows from these in one product, without a weight: a roll back is no second pass.
    """

    before: Tensor  # (B, H, P, N) the SSM state before the tokens
    columns: Tensor  # (B, kernel - 1 + L, channels) raw, the history before the tokens first
    x: Tensor  # (B, L, H, P)
    dt: Tensor  # (B, L, H)
    b: Tensor  # (B, L, G, N)


@dataclass
class KVCache:
    """An attention layer's memory: buffers that grow by doubling, of which the first `length` tokens are text."""

    keys: Tensor  # (B, kv_heads, capacity, head_dim)
    values: Tensor
    length: int = 0

    def append(self, keys: Tensor, values: Tensor) -> None:
        """Take over (B, kv_heads, L, head_dim) of new tokens."""
        end = self.length + keys.shape[2]
        if end > self.keys.shape[2]:
            self.keys, self.values = (_grown(buffer, end, self.length) for buffer in (self.keys, self.values))
        self.keys[:, :, self.length : end] = keys
        self.values[:, :, self.length : end] = values
        self.length = end

    def read(self) -> tuple[Tensor, Tensor]:
        """Keys and values of the text, each (B, kv_heads, length, head_dim)."""
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]


def _grown(buffer: Tensor, needed: int, used: int) -> Tensor:
    capacity = max(_FIRST_CAPACITY, buffer.shape[2])
    while capacity < needed:
        capacity *= 2
    grown = buffer.new_empty(*buffer.shape[:2], capacity, buffer.shape[3])
    grown[:, :, :used] = buffer[:, :, :used]
    return grown


@dataclass(frozen=True)
class TextKV:
    """Training: keys and values of whole texts (B, kv_heads, L, head_dim); each block may see those before it.

    `present` (B, L) marks what is text; None means that everything is.
    """

    keys: Tensor
    values: Tensor
    present: Tensor | None = None


LayerMemory = MambaState | KVCache | TextKV | None


@dataclass
class ContextState:
    """The memory of every layer after `length` tokens; MoE and MLP layers have none."""

    layers: list[LayerMemory]
    length: int = field(default=0)

    @property
    def nbytes(self) -> int:
        """Bytes held on the device."""
        total = 0
        for memory in self.layers:
            tensors = (memory.conv, memory.ssm) if isinstance(memory, MambaState) else ()
            if isinstance(memory, KVCache):
                tensors = (memory.keys, memory.values)
            total += sum(tensor.nbytes for tensor in tensors)
        return total


@dataclass(frozen=True)
class ReadAhead:
    """`size` tokens that the context tower has read and not yet taken over; None for layers with nothing of their own.

    Attention layers have written the tokens' keys and values behind the end of their caches already.
    """

    layers: list[MambaAhead | None]
    size: int


def empty_kv(batch: int, kv_heads: int, head_dim: int, like: Tensor) -> KVCache:
    """A KV cache with no text in it, in the dtype and on the device of `like`."""
    buffer = torch.empty(batch, kv_heads, 0, head_dim, dtype=like.dtype, device=like.device)
    return KVCache(buffer, buffer)
