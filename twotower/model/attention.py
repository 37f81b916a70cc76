"""Grouped-query attention without position encoding, and the three things a query may see.

Position lives in the Mamba layers alone, so a block may start at any offset. Query heads that share a key head are
folded into the query length: one kernel call, no repeated keys.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from twotower.model.configuration import TwoTowerConfig
from twotower.model.memory import KVCache, Sight, TextKV


class Attention(nn.Module):
    """Projections of q, k and v in one, and o, without bias; scale 1/sqrt(head_dim)."""

    def __init__(self, config: TwoTowerConfig) -> None:
        super().__init__()
        self.config = config
        size, head = config.hidden_size, config.head_dim
        heads = config.num_attention_heads + 2 * config.num_key_value_heads
        self.qkv_proj = nn.Linear(size, heads * head, bias=False)  # the checkpoint keeps the three one by one
        self.o_proj = nn.Linear(config.num_attention_heads * head, size, bias=False)

    def causal(self, hidden: Tensor, present: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """A whole text at once, each token seeing itself and what is before: (B, L, D) -> (B, L, D), keys, values.

        present (B, L) marks what is text; None means that everything is. No token sees what is not.
        """
        q, keys_and_values = self._project(hidden)
        k, v = keys_and_values.transpose(1, 2).chunk(2, dim=1)
        if present is None:
            return self._output(F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)), k, v
        length = hidden.shape[1]
        before = torch.ones(length, length, dtype=torch.bool, device=hidden.device).tril()
        itself = torch.eye(length, dtype=torch.bool, device=hidden.device)  # a row that sees nothing would be NaN
        return self._output(self._attend(q, k, v, (before & present.unsqueeze(1) | itself).unsqueeze(1))), k, v

    def prefill(self, hidden: Tensor, cache: KVCache) -> Tensor:
        """A prompt (B, L, D) from nothing -> (B, L, D); the cache then holds it."""
        out, keys, values = self.causal(hidden)
        cache.buffer[:, : hidden.shape[1]] = torch.cat((keys, values), 1).transpose(1, 2)
        return out

    def read_ahead(self, hidden: Tensor, cache: KVCache, sight: Sight) -> Tensor:
        """L tokens (B, L, D) behind the text: each sees it, itself and those before; their keys stand behind it."""
        q, keys_and_values = self._project(hidden)
        return self._output(self._attend(q, *cache.put_behind(keys_and_values, sight), sight.mask))

    def denoise(self, hidden: Tensor, cache: KVCache, mask: Tensor) -> Tensor:
        """A noisy block (B, S, D) sees the text before it and all of itself, both ways; nothing is kept."""
        q, keys_and_values = self._project(hidden)
        return self._output(self._attend(q, *cache.put_aside(keys_and_values), mask))

    def denoise_blocks(self, hidden: Tensor, text: TextKV) -> Tensor:
        """Training: all K blocks of B texts at once, hidden (B * K, S, D), over the context's keys of K * S tokens.

        Block b sees clean context before b * S and all of itself.
        """
        keys, values = text.keys, text.values
        batch, length, size = keys.shape[0], keys.shape[2], hidden.shape[1]
        q, keys_and_values = self._project(hidden.reshape(batch, length, -1))
        k, v = keys_and_values.transpose(1, 2).chunk(2, dim=1)
        block = torch.arange(length, device=hidden.device) // size
        before = block.unsqueeze(1) > block  # (L, L) clean context
        own = block.unsqueeze(1) == block
        if text.present is not None:  # (B, L, L)
            before = before & text.present.unsqueeze(1)
            own = own.expand_as(before)
        visible = torch.cat((before, own), -1).view(-1, 1, length, 2 * length)
        out = self._attend(q, torch.cat((keys, k), 2), torch.cat((values, v), 2), visible)
        return self._output(out).reshape(hidden.shape)

    def _project(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, D) -> q (B, heads, L, d), and keys and values side by side (B, L, 2 * kv_heads, d)."""
        heads = self.qkv_proj(hidden).unflatten(-1, (-1, self.config.head_dim))
        q, keys_and_values = heads.split([self.config.num_attention_heads, 2 * self.config.num_key_value_heads], dim=2)
        return q.transpose(1, 2), keys_and_values

    def _attend(self, q: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Queries (B, heads, L, d) over keys (B, kv_heads, T, d) -> (B, heads, L, d).

        mask (B or 1, 1, L or 1, T), the same for every head: true where a query sees a key, or 0 there and -inf
        elsewhere.
        """
        kv_heads, length = keys.shape[1], q.shape[2]
        share = q.shape[1] // kv_heads
        folded = q.unflatten(1, (kv_heads, share)).flatten(2, 3)  # (B, kv_heads, share * L, d)
        if mask.shape[2] > 1:
            mask = torch.cat([mask] * share, 2)
        out = F.scaled_dot_product_attention(folded, keys, values, attn_mask=mask)
        return out.unflatten(2, (share, length)).flatten(1, 2)

    def _output(self, heads: Tensor) -> Tensor:  # (B, heads, L, d) -> (B, L, D)
        return self.o_proj(heads.transpose(1, 2).flatten(2))
