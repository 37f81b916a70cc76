"""How much each part of a model holds, worked out from its configuration alone. Knows no tensors and no page.

The formulas follow the modules of `twotower/model`; tests hold them against models that were really built.
"""

from __future__ import annotations

from dataclasses import dataclass

from twotower.model.configuration import ATTENTION, MAMBA, MIXER_NAMES, MLP, MOE, TwoTowerConfig

FLOAT32_BYTES = 4
TIME_FREQUENCIES = 256  # sinusoids that t is embedded in


@dataclass(frozen=True)
class Weights:
    """How many numbers a part holds: in the model's dtype, in float32 whatever that is, and float32 buffers."""

    plain: int = 0
    float32: int = 0
    buffers: int = 0  # no parameters, but in the checkpoint and in memory

    @property
    def parameters(self) -> int:
        """What is counted as a model's size."""
        return self.plain + self.float32

    def nbytes(self, dtype_bytes: int) -> int:
        """Bytes in memory, buffers among them."""
        return dtype_bytes * self.plain + FLOAT32_BYTES * (self.float32 + self.buffers)

    def __add__(self, other: Weights) -> Weights:
        return Weights(self.plain + other.plain, self.float32 + other.float32, self.buffers + other.buffers)

    def __mul__(self, times: int) -> Weights:
        return Weights(self.plain * times, self.float32 * times, self.buffers * times)


@dataclass(frozen=True)
class Memory:
    """Bytes the context tower keeps of one text, and the denoiser tower reads."""

    constant_bytes: int = 0  # whatever the text's length
    token_bytes: int = 0  # for every token of it

    def __add__(self, other: Memory) -> Memory:
        return Memory(self.constant_bytes + other.constant_bytes, self.token_bytes + other.token_bytes)

    def __mul__(self, times: int) -> Memory:
        return Memory(self.constant_bytes * times, self.token_bytes * times)


def embedding_weights(config: TwoTowerConfig) -> Weights:
    """The embeddings of one tower, or its head: they are untied and of one shape."""
    return Weights(config.vocab_size * config.hidden_size)


def norm_weights(config: TwoTowerConfig) -> Weights:
    """One RMSNorm over the hidden size."""
    return Weights(config.hidden_size)


def layer_weights(kind: str, config: TwoTowerConfig) -> Weights:
    """One layer: its norm and its mixer."""
    mixers = {MAMBA: _mamba, ATTENTION: _attention, MOE: _experts, MLP: _mlp}
    return norm_weights(config) + mixers[kind](config)


def tower_parts(config: TwoTowerConfig) -> list[tuple[str, Weights]]:
    """A tower and its head by name: embeddings, all layers of a kind, final norm, head."""
    pattern = config.hybrid_override_pattern
    layers = [
        (f"{MIXER_NAMES[kind]} layers × {pattern.count(kind)}", layer_weights(kind, config) * pattern.count(kind))
        for kind in dict.fromkeys(pattern)
    ]
    ends = embedding_weights(config)
    return [("embeddings", ends), *layers, ("final norm", norm_weights(config)), ("head", ends)]


def idle_parameters(kind: str, config: TwoTowerConfig) -> int:
    """Parameters of a layer that one token passes by: the experts it was not routed to."""
    if kind != MOE:
        return 0
    return (config.n_routed_experts - config.num_experts_per_tok) * expert_parameters(config)


def expert_parameters(config: TwoTowerConfig) -> int:
    """One routed expert."""
    return 2 * config.hidden_size * config.moe_intermediate_size


def layer_memory(kind: str, config: TwoTowerConfig, dtype_bytes: int) -> Memory:
    """What a layer of the context tower keeps of a text (`model/state.py`)."""
    if kind == MAMBA:
        tail = (config.conv_kernel - 1) * config.conv_channels * dtype_bytes
        return Memory(constant_bytes=tail + FLOAT32_BYTES * config.mamba_inner_size * config.ssm_state_size)
    if kind == ATTENTION:
        return Memory(token_bytes=2 * config.num_key_value_heads * config.head_dim * dtype_bytes)
    return Memory()


def conditioning_weights(config: TwoTowerConfig) -> Weights:
    """Time conditioning: the embedding's MLP, one projection for all layers, and a table for each layer."""
    size = config.hidden_size
    embedder = (TIME_FREQUENCIES + 1) * size + (size + 1) * size
    return Weights(embedder + (size + 1) * 3 * size + config.num_hidden_layers * 3 * size)


def _mamba(config: TwoTowerConfig) -> Weights:
    size, inner, channels, heads = (
        config.hidden_size,
        config.mamba_inner_size,
        config.conv_channels,
        config.mamba_num_heads,
    )
    convolution = channels * (config.conv_kernel + config.use_conv_bias)
    projections = size * (inner + channels + heads) + inner * size
    return Weights(projections + convolution + inner, float32=3 * heads)  # float32: A, D and dt's bias


def _attention(config: TwoTowerConfig) -> Weights:
    return Weights(2 * config.hidden_size * config.head_dim * (config.num_attention_heads + config.num_key_value_heads))


def _experts(config: TwoTowerConfig) -> Weights:
    router = config.n_routed_experts * config.hidden_size
    shared = 2 * config.hidden_size * config.moe_shared_expert_intermediate_size
    routed = config.n_routed_experts * expert_parameters(config)
    return Weights(router + routed + shared, buffers=config.n_routed_experts)


def _mlp(config: TwoTowerConfig) -> Weights:
    return Weights(2 * config.hidden_size * config.intermediate_size)
