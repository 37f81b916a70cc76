"""How much each part of a model holds, worked out from its configuration alone. Knows no tensors and no page.

The formulas follow the modules of `twotower/model`; tests hold them against models that were really built.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

from twotower.model.configuration import ATTENTION, MAMBA, MIXER_NAMES, MLP, MOE, TwoTowerConfig
from twotower.model.quantised_format import SCALE_BYTES, WIDE_BITS, group_size

FLOAT32_BYTES = 4
TIME_FREQUENCIES = 256  # sinusoids that t is embedded in


@dataclass(frozen=True)
class Weights:
    """How many numbers a part holds: in the model's dtype, in float32 whatever that is, and float32 buffers.

    `coded` and `wide` are in the model's dtype until it is quantised, `wide` then to 8 bits at the least.
    """

    plain: int = 0
    float32: int = 0
    buffers: int = 0  # no parameters, but in the checkpoint and in memory
    coded: int = 0
    wide: int = 0
    groups: int = 0  # of `coded` and `wide`: a scale each, once they are quantised

    @property
    def parameters(self) -> int:
        """What is counted as a model's size."""
        return self.of_dtype + self.float32

    @property
    def of_dtype(self) -> int:
        """What is kept in the model's dtype where nothing is quantised."""
        return self.plain + self.coded + self.wide

    def nbytes(self, dtype_bytes: int, bits: int | None = None) -> int:
        """Bytes in memory, buffers among them, with weights quantised to `bits` or not at all."""
        always = FLOAT32_BYTES * (self.float32 + self.buffers)
        if bits is None:
            return always + dtype_bytes * self.of_dtype
        codes = (bits * self.coded + WIDE_BITS * self.wide) // 8
        return always + dtype_bytes * self.plain + codes + SCALE_BYTES * self.groups

    def __add__(self, other: Weights) -> Weights:
        return Weights(*(ours + theirs for ours, theirs in zip(astuple(self), astuple(other))))

    def __mul__(self, times: int) -> Weights:
        return Weights(*(count * times for count in astuple(self)))


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
    numbers, group = config.vocab_size * config.hidden_size, group_size(config.hidden_size)
    return Weights(wide=numbers, groups=numbers // group) if group else Weights(numbers)


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
    return (config.n_routed_experts - config.num_experts_per_tok) * expert_weights(config).parameters


def expert_weights(config: TwoTowerConfig) -> Weights:
    """One routed expert."""
    return _up_and_down(config.hidden_size, config.moe_intermediate_size)


def tower_parameters(config: TwoTowerConfig) -> int:
    """Parameters of one tower with its head; time conditioning is not in it."""
    return sum(weights.parameters for _, weights in tower_parts(config))


def part_weights(config: TwoTowerConfig) -> dict[str, Weights]:
    """Every part of the model by the name of its module in `TwoTower`: embeddings, layers, norms, heads, time."""
    parts: dict[str, Weights] = {}
    for tower, head in (("context_tower", "context_lm_head"), ("denoiser_tower", "lm_head")):
        parts[f"{tower}.embeddings"] = embedding_weights(config)
        for number, kind in enumerate(config.hybrid_override_pattern):
            parts[f"{tower}.layers.{number}"] = layer_weights(kind, config)
        parts[f"{tower}.norm_f"] = norm_weights(config)
        parts[head] = embedding_weights(config)
    return {**parts, "conditioning": conditioning_weights(config)}


def weights_nbytes(config: TwoTowerConfig, dtype_bytes: int, bits: int | None) -> dict[str, int]:
    """Bytes of every part in memory, the names as in `part_weights`; the context tower's begin with `context_`."""
    return {name: weights.nbytes(dtype_bytes, bits) for name, weights in part_weights(config).items()}


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
    projections = _matrix(inner + channels + heads, size) + _matrix(size, inner)
    return projections + Weights(convolution + inner, float32=3 * heads)  # float32: A, D and dt's bias


def _attention(config: TwoTowerConfig) -> Weights:
    size, queries = config.hidden_size, config.num_attention_heads * config.head_dim
    return _matrix(queries + 2 * config.num_key_value_heads * config.head_dim, size) + _matrix(size, queries)


def _experts(config: TwoTowerConfig) -> Weights:
    router = config.n_routed_experts * config.hidden_size
    shared = _up_and_down(config.hidden_size, config.moe_shared_expert_intermediate_size)
    routed = expert_weights(config) * config.n_routed_experts
    return Weights(router, buffers=config.n_routed_experts) + routed + shared


def _mlp(config: TwoTowerConfig) -> Weights:
    return _up_and_down(config.hidden_size, config.intermediate_size)


def _up_and_down(size: int, inner: int) -> Weights:
    return _matrix(inner, size) + _matrix(size, inner)


def _matrix(rows: int, width: int) -> Weights:
    """A projection of `width` inputs; quantised where groups divide them."""
    group = group_size(width)
    return Weights(coded=rows * width, groups=rows * width // group) if group else Weights(rows * width)
