"""Grouped-query attention without position encoding, and the three things a query may see.

Position lives in the Mamba layers alone, so a block may start at any offset. Query heads that share a key head are
folded into the query length: one kernel call, no repeated keys.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from twotower.model.configuration import TwoTowerConfig
from twotower.model.state import KVCache, TextKV


class Attention(nn.Module):
    """Projections q, k, v, o without bias; scale 1/sqrt(head_dim); official parameter names."""

    def __init__(self, config: TwoTowerConfig) -> None:
        super().__init__()
        self.config = config
        size, head = config.hidden_size, config.head_dim
        self.q_proj = nn.Linear(size, config.num_attention_heads * head, bias=False)
        self.k_proj = nn.Linear(size, config.num_key_value_heads * head, bias=False)
        self.v_proj = nn.Linear(size, config.num_key_value_heads * head, bias=False)
        self.o_proj = nn.Linear(config.num_attention_heads * head, size, bias=False)

    def causal(self, hidden: Tensor, present: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """A whole text at once, each token seeing itself and what is before: (B, L, D) -> (B, L, D), keys, values.

        present (B, L) marks what is text; None means that everything is. No token sees what is not.
        """
        q, k, v = self._project(hidden)
        if present is None:
            return self._output(F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)), k, v
        length = hidden.shape[1]
        before = torch.ones(length, length, dtype=torch.bool, device=hidden.device).tril()
        itself = torch.eye(length, dtype=torch.bool, device=hidden.device)  # a row that sees nothing would be NaN
        return self._output(self._attend(q, k, v, before & present.unsqueeze(1) | itself)), k, v

    def extend(self, hidden: Tensor, cache: KVCache) -> Tensor:
        """The context tower reads L more tokens: causal over the cache and themselves, then kept in the cache."""
        length = hidden.shape[1]
        if cache.length == 0:
            out, k, v = self.causal(hidden)
            cache.append(k, v)
            return out
        q, k, v = self._project(hidden)
        cache.append(k, v)
        keys, values = cache.read()
        total = cache.length
        # Row i stands at total - length + i. `is_causal` would align the square with the cache's beginning.
        visible = torch.ones(length, total, dtype=torch.bool, device=hidden.device).tril(total - length)
        return self._output(self._attend(q, keys, values, visible))

    def step(self, hidden: Tensor, cache: KVCache) -> Tensor:
        """One token (B, D): it sees the whole cache and itself."""
        q, k, v = self._project(hidden.unsqueeze(1))
        cache.append(k, v)
        keys, values = cache.read()
        return self._output(self._attend(q, keys, values)).squeeze(1)

    def denoise(self, hidden: Tensor, cache: KVCache) -> Tensor:
        """A noisy block (B, S, D) sees the context before it and all of itself, both ways; nothing is kept."""
        q, k, v = self._project(hidden)
        keys, values = cache.read()
        return self._output(self._attend(q, torch.cat((keys, k), 2), torch.cat((values, v), 2)))

    def denoise_blocks(self, hidden: Tensor, text: TextKV) -> Tensor:
        """Training: all K blocks of B texts at once, hidden (B * K, S, D), over the context's keys of K * S tokens.

        Block b sees clean context before b * S and all of itself.
        """
        keys, values = text.keys, text.values
        batch, length, size = keys.shape[0], keys.shape[2], hidden.shape[1]
        q, k, v = self._project(hidden.reshape(batch, length, -1))
        block = torch.arange(length, device=hidden.device) // size
        before = block.unsqueeze(1) > block  # (L, L) clean context
        own = block.unsqueeze(1) == block
        if text.present is not None:  # (B, L, L)
            before = before & text.present.unsqueeze(1)
            own = own.expand_as(before)
        out = self._attend(q, torch.cat((keys, k), 2), torch.cat((values, v), 2), torch.cat((before, own), -1))
        return self._output(out).reshape(hidden.shape)

    def _project(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, L, D) -> q (B, heads, L, d), k and v (B, kv_heads, L, d)."""
        head = self.config.head_dim
        q, k, v = (proj(hidden).unflatten(-1, (-1, head)) for proj in (self.q_proj, self.k_proj, self.v_proj))
        return q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)

    def _attend(self, q: Tensor, keys: Tensor, values: Tensor, visible: Tensor | None = None) -> Tensor:
        """Queries (B, heads, L, d) over keys (B, kv_heads, T, d), `visible` (L, T) or (B, L, T) -> (B, heads, L, d)."""
        kv_heads, length = keys.shape[1], q.shape[2]
        share = q.shape[1] // kv_heads
        folded = q.unflatten(1, (kv_heads, share)).flatten(2, 3)  # (B, kv_heads, share * L, d)
        mask = None if visible is None else torch.cat([visible] * share, -2)
        if mask is not None and mask.dim() == 3:
            mask = mask.unsqueeze(1)  # the same for every head
        out = F.scaled_dot_product_attention(folded, keys, values, attn_mask=mask)
        return out.unflatten(2, (share, length)).flatten(1, 2)

    def _output(self, heads: Tensor) -> Tensor:  # (B, heads, L, d) -> (B, L, D)
        return self.o_proj(heads.transpose(1, 2).flatten(2))
