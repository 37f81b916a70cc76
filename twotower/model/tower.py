"""One tower: embeddings, a stack of pre-norm mixers, a final norm; and the passes the two towers make.

The coupling is layer-aligned (paper, section 2): layer i of the denoiser reads what layer i of the context tower
remembers: keys and values in attention layers, conv and SSM state in Mamba layers. The rest has no channel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from twotower.model.attention import Attention
from twotower.model.configuration import ATTENTION, MAMBA, TwoTowerConfig
from twotower.model.configuration import MLP as MLP_KIND
from twotower.model.experts import MLP, MoE
from twotower.model.mamba import Mamba2
from twotower.model.memory import KVCache, LayerMemory, MambaAhead, MambaState, Sight, TextKV
from twotower.model.norms import RMSNorm
from twotower.model.state import ContextState, ReadAhead


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

    def modulated(self, x: Tensor, shift: Tensor, gain: Tensor) -> Tensor:
        """The mixer's input at time t: Mamba and attention modulate before the norm, MoE and MLP after it."""
        if self.kind in (MAMBA, ATTENTION):
            return self.normed(torch.addcmul(shift, x, gain))
        return torch.addcmul(shift, self.normed(x), gain)


Mix = Callable[[int, Layer, Tensor], Tensor]  # (layer's index, layer, its input) -> what its mixer gives


class Tower(nn.Module):
    """A complete copy of the hybrid backbone, without its head."""

    def __init__(self, config: TwoTowerConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        layers = nn.ModuleList(Layer(kind, config) for kind in config.hybrid_override_pattern)
        self.layers = cast("Sequence[Layer]", layers)
        self.norm_f = RMSNorm(config.hidden_size, config.layer_norm_epsilon)

    def empty_state(self, batch: int, capacity: int) -> ContextState:
        """The memory before any text, with room for `capacity` tokens a row."""
        config = self.config
        shape = (batch, capacity + config.widest_block, 2 * config.num_key_value_heads, config.head_dim)
        layers: list[MambaState | KVCache | None] = []
        for layer in self.layers:
            if layer.kind == MAMBA:
                layers.append(layer.mixer.initial_state(batch))
            elif layer.kind == ATTENTION:  # zeros: a masked key counts for nothing, a masked NaN for everything
                layers.append(KVCache(self.norm_f.weight.new_zeros(shape), capacity))
            else:
                layers.append(None)
        lengths = torch.zeros(batch, dtype=torch.long, device=self.norm_f.weight.device)
        return ContextState(lengths, tuple(layers), capacity)

    # ---- whole texts -------------------------------------------------------------------------------------------

    def read(self, ids: Tensor, present: Tensor | None = None) -> Tensor:
        """A whole text from nothing, remembering nothing: ids (B, L) -> (B, L, D).

        present (B, L) marks what is text, None everything; the rest has no influence on it.
        """

        def mix(i: int, layer: Layer, hidden: Tensor) -> Tensor:
            if layer.kind == MAMBA:
                return layer.mixer.read(hidden, present)
            return layer.mixer.causal(hidden, present)[0] if layer.kind == ATTENTION else layer.mixer(hidden)

        return self._through_layers(ids, mix)

    def read_blocks(self, ids: Tensor, block_size: int, present: Tensor | None = None) -> Sequence[LayerMemory]:
        """Training: whole texts ids (B, K * S) -> what the denoiser of every block may see of the blocks before it.

        present (B, K * S) as in `read`: with padding in front of a text, a block may begin wherever it has to.
        Mamba states come with the K blocks of a text folded into the batch, (B * K, ...).
        """
        memories: list[LayerMemory] = [None] * len(self.layers)

        def mix(i: int, layer: Layer, hidden: Tensor) -> Tensor:
            if layer.kind == MAMBA:
                mixed, memories[i] = layer.mixer.scan_blocks(hidden, block_size, present)
                return mixed
            if layer.kind == ATTENTION:
                mixed, keys, values = layer.mixer.causal(hidden, present)
                memories[i] = TextKV(keys, values, present)
                return mixed
            return layer.mixer(hidden)

        self._through_layers(ids, mix)
        return memories

    def denoise_blocks(self, ids: Tensor, memories: Sequence[LayerMemory], modulation: Tensor) -> Tensor:
        """Training: noisy blocks ids (B * K, S) over what `read_blocks` gave, modulation (layers, 3, B * K, 1, D)."""

        def mix(i: int, layer: Layer, hidden: Tensor) -> Tensor:
            if layer.kind == MAMBA:
                return layer.mixer.read_ahead(hidden, memories[i])[0]
            return layer.mixer.denoise_blocks(hidden, memories[i]) if layer.kind == ATTENTION else layer.mixer(hidden)

        return self._through_layers(ids, mix, modulation)

    # ---- passes over a state -----------------------------------------------------------------------------------

    def prefill(self, ids: Tensor, state: ContextState) -> Tensor:
        """Read a prompt ids (B, L >= 1) from nothing -> (B, L, D); `state`, empty before, then holds it."""

        def mix(i: int, layer: Layer, hidden: Tensor) -> Tensor:
            memory = state.layers[i]
            return layer.mixer(hidden) if memory is None else layer.mixer.prefill(hidden, memory)

        hidden = self._through_layers(ids, mix)
        state.lengths.fill_(ids.shape[1])
        return hidden

    def step(self, ids: Tensor, state: ContextState) -> Tensor:
        """An AR step: one token ids (B,) after what `state` holds -> (B, D); the recurrence is its own, for speed."""
        sight = self._sight(state, 1)

        def mix(i: int, layer: Layer, hidden: Tensor) -> Tensor:
            memory = state.layers[i]
            if isinstance(memory, MambaState):
                return layer.mixer.step(hidden, memory)
            if isinstance(memory, KVCache):
                return layer.mixer.read_ahead(hidden.unsqueeze(1), memory, sight).squeeze(1)
            return layer.mixer(hidden)

        hidden = self._through_layers(ids, mix)
        state.lengths.add_(1)
        return hidden

    def read_ahead(self, ids: Tensor, state: ContextState) -> tuple[Tensor, ReadAhead]:
        """A context pass over ids (B, L) -> (B, L, D) that leaves `state` as it is, until `take_over` says how much."""
        sight = self._sight(state, ids.shape[1])
        ahead: list[MambaAhead | None] = [None] * len(self.layers)

        def mix(i: int, layer: Layer, hidden: Tensor) -> Tensor:
            memory = state.layers[i]
            if isinstance(memory, MambaState):
                mixed, ahead[i] = layer.mixer.read_ahead(hidden, memory)
                return mixed
            return layer.mixer.read_ahead(hidden, memory, sight) if isinstance(memory, KVCache) else layer.mixer(hidden)

        return self._through_layers(ids, mix), ReadAhead(ahead, ids.shape[1])

    def take_over(self, ahead: ReadAhead, state: ContextState, counts: Tensor) -> None:
        """`state`, as it was when `ahead` was read, then holds the first counts[r] (0 to size) tokens of each row r."""
        stay = torch.arange(ahead.size, device=counts.device) < counts.unsqueeze(1)
        last = counts.unsqueeze(1) + torch.arange(self.config.conv_kernel - 1, device=counts.device)
        for layer, memory, read in zip(self.layers, state.layers, ahead.layers):
            if read is not None:
                layer.mixer.take_over(read, memory, stay, last)
        state.lengths.add_(counts)

    def denoise(self, ids: Tensor, state: ContextState, modulation: Tensor | None = None) -> Tensor:
        """A denoiser pass: a noisy block ids (B, S) over the context tower's `state`, whose text stays as it is.

        modulation (layers, 3, B or 1, 1, D) is the time conditioning, None for none (mock-AR) -> (B, S, D).
        """
        mask = state.mask_aside(ids.shape[1], self._dtype) if ATTENTION in self.config.hybrid_override_pattern else None

        def mix(i: int, layer: Layer, hidden: Tensor) -> Tensor:
            memory = state.layers[i]
            if isinstance(memory, MambaState):
                return layer.mixer.read_ahead(hidden, memory)[0]
            return layer.mixer.denoise(hidden, memory, mask) if isinstance(memory, KVCache) else layer.mixer(hidden)

        return self._through_layers(ids, mix, modulation)

    def _sight(self, state: ContextState, length: int) -> Sight | None:
        return state.sight(length, self._dtype) if ATTENTION in self.config.hybrid_override_pattern else None

    @property
    def _dtype(self) -> torch.dtype:
        return self.norm_f.weight.dtype

    def _through_layers(self, ids: Tensor, mix: Mix, modulation: Tensor | None = None) -> Tensor:
        """Embeddings, every layer's mixer as `mix` calls it, final norm: ids (...) -> (..., D)."""
        x = self._embed(ids)
        for i, layer in enumerate(self.layers):
            if modulation is None:
                x = x + mix(i, layer, layer.normed(x))
            else:
                shift, gain, gate = modulation[i]
                mixed = mix(i, layer, layer.modulated(x, shift, gain))
                x = torch.addcmul(x, gate, mixed.to(x.dtype))
        return self.norm_f(x.to(self._dtype))

    def _embed(self, ids: Tensor) -> Tensor:
        x = self.embeddings(ids)
        return x.float() if self.config.residual_in_fp32 else x.to(self._dtype)


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
