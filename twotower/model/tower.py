"""One tower: embeddings, a stack of pre-norm mixers, a final norm; and the passes the two towers make.

The coupling is layer-aligned (paper, section 2): layer i of the denoiser reads what layer i of the context tower
remembers: keys and values in attention layers, conv and SSM state in Mamba layers. The rest has no channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from twotower.model.attention import Attention
from twotower.model.configuration import ATTENTION, MAMBA, TwoTowerConfig
from twotower.model.configuration import MLP as MLP_KIND
from twotower.model.experts import MLP, MoE
from twotower.model.mamba import Mamba2
from twotower.model.norms import RMSNorm
from twotower.model.state import (
    ContextState,
    KVCache,
    LayerMemory,
    MambaAhead,
    MambaState,
    ReadAhead,
    TextKV,
    empty_kv,
)


class Layer(nn.Module):
    """x + mixer(norm(x)), the mixer named by its letter in the pattern."""

    def __init__(self, kind: str, config: TwoTowerConfig) -> None:
        super().__init__()
        self.kind = kind
        self.norm = RMSNorm(config.hidden_size, config.layer_norm_epsilon)
        self.mixer: Any  # which passes it offers follows from its kind
        if kind == MAMBA:
            self.mixer = Mamba2(config)
        elif kind == ATTENTION:
            self.mixer = Attention(config)
        elif kind == MLP_KIND:
            self.mixer = MLP(config.hidden_size, config.intermediate_size)
        else:
            self.mixer = MoE(config)

    def normed(self, x: Tensor) -> Tensor:
        """The mixer's input without time conditioning, in the model's dtype whatever the residual stream's."""
        return self.norm(x.to(self.norm.weight.dtype))

    def modulated(self, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """The mixer's input at time t: Mamba and attention modulate before the norm, MoE and MLP after it."""
        if self.kind in (MAMBA, ATTENTION):
            return self.normed(torch.addcmul(x + shift, x, scale))
        normed = self.normed(x)
        return torch.addcmul(normed + shift, normed, scale)


class Tower(nn.Module):
    """A complete copy of the hybrid backbone, without its head."""

    def __init__(self, config: TwoTowerConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        layers = nn.ModuleList(Layer(kind, config) for kind in config.hybrid_override_pattern)
        self.layers = cast("Sequence[Layer]", layers)
        self.norm_f = RMSNorm(config.hidden_size, config.layer_norm_epsilon)

    def empty_state(self, batch: int) -> ContextState:
        """The memory before any text."""
        config = self.config
        memories: list[LayerMemory] = []
        for layer in self.layers:
            if layer.kind == MAMBA:
                memories.append(layer.mixer.initial_state(batch))
            elif layer.kind == ATTENTION:
                memories.append(empty_kv(batch, config.num_key_value_heads, config.head_dim, layer.mixer.k_proj.weight))
            else:
                memories.append(None)
        return ContextState(memories)

    def read(self, ids: Tensor, present: Tensor | None = None) -> Tensor:
        """A whole text from nothing, remembering nothing: ids (B, L) -> (B, L, D).

        present (B, L) marks what is text, None everything; the rest has no influence on it.
        """
        x = self._embed(ids)
        for layer in self.layers:
            hidden = layer.normed(x)
            if layer.kind == MAMBA:
                mixed = layer.mixer.read(hidden, present)
            elif layer.kind == ATTENTION:
                mixed, _, _ = layer.mixer.causal(hidden, present)
            else:
                mixed = layer.mixer(hidden)
            x = x + mixed
        return self._final(x)

    def read_blocks(self, ids: Tensor, block_size: int, present: Tensor | None = None) -> ContextState:
        """Training: whole texts ids (B, K * S) -> what the denoiser of every block may see of the blocks before it.

        present (B, K * S) as in `read`: with padding in front of a text, a block may begin wherever it has to.
        Mamba states come with the K blocks of a text folded into the batch, (B * K, ...).
        """
        x = self._embed(ids)
        memories: list[LayerMemory] = []
        for layer in self.layers:
            hidden, memory = layer.normed(x), None
            if layer.kind == MAMBA:
                mixed, memory = layer.mixer.scan_blocks(hidden, block_size, present)
            elif layer.kind == ATTENTION:
                mixed, keys, values = layer.mixer.causal(hidden, present)
                memory = TextKV(keys, values, present)
            else:
                mixed = layer.mixer(hidden)
            memories.append(memory)
            x = x + mixed
        return ContextState(memories, ids.shape[1])

    def extend(self, ids: Tensor, state: ContextState) -> Tensor:
        """A context pass: ids (B, L) after what `state` holds -> (B, L, D); `state` then holds them too."""
        x = self._embed(ids)
        for i, layer in enumerate(self.layers):
            hidden, memory = layer.normed(x), state.layers[i]
            if isinstance(memory, MambaState):
                mixed, state.layers[i] = layer.mixer.extend(hidden, memory)
            elif isinstance(memory, KVCache):
                mixed = layer.mixer.extend(hidden, memory)
            else:
                mixed = layer.mixer(hidden)
            x = x + mixed
        state.length += ids.shape[1]
        return self._final(x)

    def read_ahead(self, ids: Tensor, state: ContextState) -> tuple[Tensor, ReadAhead]:
        """A context pass over ids (B, L) -> (B, L, D) that leaves `state` as it is, until `take_over` says how much."""
        x = self._embed(ids)
        ahead: list[MambaAhead | None] = []
        for layer, memory in zip(self.layers, state.layers):
            hidden, read = layer.normed(x), None
            if isinstance(memory, MambaState):
                mixed, read = layer.mixer.read_ahead(hidden, memory)
            elif isinstance(memory, KVCache):
                mixed = layer.mixer.extend(hidden, memory)
                memory.length -= ids.shape[1]
            else:
                mixed = layer.mixer(hidden)
            ahead.append(read)
            x = x + mixed
        return self._final(x), ReadAhead(ahead, ids.shape[1])

    def take_over(self, ahead: ReadAhead, state: ContextState, count: int) -> None:
        """`state`, as it was when `ahead` was read, then holds the first `count` tokens of it; 1 <= count <= size."""
        for i, (layer, memory, read) in enumerate(zip(self.layers, state.layers, ahead.layers)):
            if isinstance(memory, KVCache):
                memory.length += count
            elif read is not None:
                state.layers[i] = layer.mixer.take_over(read, count)
        state.length += count

    def step(self, ids: Tensor, state: ContextState) -> Tensor:
        """An AR step: one token ids (B,) after what `state` holds -> (B, D); the path is its own, for speed."""
        x = self._embed(ids)
        for i, layer in enumerate(self.layers):
            hidden, memory = layer.normed(x), state.layers[i]
            if isinstance(memory, MambaState):
                mixed, state.layers[i] = layer.mixer.step(hidden, memory)
            elif isinstance(memory, KVCache):
                mixed = layer.mixer.step(hidden, memory)
            else:
                mixed = layer.mixer(hidden)
            x = x + mixed
        state.length += 1
        return self._final(x)

    def denoise(self, ids: Tensor, state: ContextState, modulation: Tensor | None) -> Tensor:
        """A denoiser pass: a noisy block ids (B, S) over the context tower's `state`, which stays as it is.

        modulation (layers, 3, B or 1, 1, D) is the time conditioning, None for none (mock-AR) -> (B, S, D).
        """
        x = self._embed(ids)
        for i, layer in enumerate(self.layers):
            memory = state.layers[i]
            if modulation is None:
                hidden = layer.normed(x)
            else:
                shift, scale, gate = modulation[i]
                hidden = layer.modulated(x, shift, scale)
            if isinstance(memory, (MambaState, KVCache)):
                mixed = layer.mixer.denoise(hidden, memory)
            elif isinstance(memory, TextKV):
                mixed = layer.mixer.denoise_blocks(hidden, memory)
            else:
                mixed = layer.mixer(hidden)
            x = x + mixed if modulation is None else torch.addcmul(x, gate, mixed.to(x.dtype))
        return self._final(x)

    def _embed(self, ids: Tensor) -> Tensor:
        x = self.embeddings(ids)
        return x.float() if self.config.residual_in_fp32 else x

    def _final(self, x: Tensor) -> Tensor:
        return self.norm_f(x.to(self.norm_f.weight.dtype))


def init_weights(tower: Tower, generator: torch.Generator) -> None:
    """Fresh weights for training from nothing: normal(0, initializer_range), output projections scaled by depth.

    Mamba's A, D and dt follow Dao & Gu 2024: A in [1, 16], dt log-uniform in [1e-3, 1e-1].
    """
    std, depth = tower.config.initializer_range, tower.config.num_hidden_layers
    for name, parameter in tower.named_parameters():
        leaf = name.rsplit(".", 2)
        if name.endswith("A_log"):
            parameter.data.uniform_(1, 16, generator=generator).log_()
        elif name.endswith("dt_bias"):
            dt = torch.exp(torch.empty_like(parameter).uniform_(-6.9078, -2.3026, generator=generator))
            parameter.data.copy_(dt + torch.log(-torch.expm1(-dt)))  # softplus^-1
        elif "conv1d" in leaf:
            parameter.data.uniform_(-0.5, 0.5, generator=generator)
        elif parameter.dim() >= 2:
            residual = any(part in name for part in ("out_proj", "o_proj", "down_proj"))
            parameter.data.normal_(0, std / (depth**0.5 if residual else 1), generator=generator)
