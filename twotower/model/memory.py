"""What one layer of the context tower remembers of a text: KV for attention, conv and SSM state for Mamba-2."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class MambaState:
    """A Mamba-2 layer's memory."""

    conv: Tensor  # (B, kernel - 1, channels) the last raw columns of x | B | C, oldest first, zeros before the text
    ssm: Tensor  # (B, H, P, N) float32


@dataclass(frozen=True)
class MambaAhead:
    """What a Mamba-2 layer keeps of L tokens that it has read ahead, to take over the first few of them later.

    The state after any of them follows from these in one product, without a weight: a roll back is no second pass.
    """

    columns: Tensor  # (B, kernel - 1 + L, channels) raw, the history before the tokens first
    x: Tensor  # (B, L, H, P)
    dt: Tensor  # (B, L, H)
    b: Tensor  # (B, L, G, N)


@dataclass(frozen=True)
class KVCache:
    """An attention layer's memory: a buffer that begins with the text; what stands behind it is nobody's yet.

    Tokens that are read ahead stand right behind the text, where they may stay. A noisy block, which will not, stands
    aside, behind the `capacity` tokens that there is room for: to look at a block disturbs nothing.
    """

    buffer: Tensor  # (B, capacity + widest block, 2 * kv_heads, head_dim) keys, then values
    capacity: int

    def put_behind(self, keys_and_values: Tensor, sight: Sight) -> tuple[Tensor, Tensor]:
        """Write L tokens' (B, L, 2 * kv_heads, head_dim) behind the text; keys and values that `sight.mask` is for."""
        self.buffer[sight.rows, sight.slots] = keys_and_values
        return self._first(self.capacity)

    def put_aside(self, keys_and_values: Tensor) -> tuple[Tensor, Tensor]:
        """Write a block's aside; keys and values that `ContextState.mask_aside` is for."""
        end = self.capacity + keys_and_values.shape[1]
        self.buffer[:, self.capacity : end] = keys_and_values
        return self._first(end)

    def _first(self, count: int) -> tuple[Tensor, Tensor]:
        """Keys and values, each (B, kv_heads, count, head_dim)."""
        keys, values = self.buffer[:, :count].transpose(1, 2).chunk(2, dim=1)
        return keys, values


@dataclass(frozen=True)
class Sight:
    """Where L tokens behind the text stand in every KV buffer, and what each of them sees of it: one for all layers."""

    rows: Tensor  # (B, 1)
    slots: Tensor  # (B, L)
    mask: Tensor  # (B, 1, L, capacity) 0 where it sees, -inf where not: added to the scores


@dataclass(frozen=True)
class TextKV:
    """Training: keys and values of whole texts (B, kv_heads, L, head_dim); each block may see those before it.

    `present` (B, L) marks what is text; None means that everything is.
    """

    keys: Tensor
    values: Tensor
    present: Tensor | None = None


LayerMemory = MambaState | KVCache | TextKV | None  # MoE and MLP layers remember nothing
