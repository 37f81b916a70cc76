"""How large a tower is, layer by layer, and what one token multiplies with. Pure arithmetic on a configuration."""

from __future__ import annotations

from collections.abc import Sequence

from twotower.model.configuration import ATTENTION, MAMBA, MLP, MOE, TwoTowerConfig

FLOAT32 = 4  # bytes of what stays in float32 whatever the model's dtype: small vectors of the scan and the router


def tower_bytes(config: TwoTowerConfig, element: int, touched: Sequence[int]) -> int:
    """Bytes of one tower's weights without embeddings and head; of its MoE layers so many routed experts each.

    `element` is the bytes of one number of the model's dtype.
    """
    experts = iter(touched)
    total = config.hidden_size * element  # the final norm
    for kind in config.hybrid_override_pattern:
        matrices, vectors = _layer_numbers(config, kind, next(experts) if kind == MOE else 0)
        total += (matrices + config.hidden_size) * element + vectors * FLOAT32  # with the layer's norm
    return total


def head_bytes(config: TwoTowerConfig, element: int) -> int:
    """Bytes of one head."""
    return config.vocab_size * config.hidden_size * element


def token_products(config: TwoTowerConfig) -> int:
    """Multiply-adds of one token in a tower's projections, convolutions and experts; head, scan, attention left out."""
    total = 0
    for kind in config.hybrid_override_pattern:
        if kind == MAMBA:
            total += _projections(config) + config.conv_channels * config.conv_kernel
        elif kind == MOE:
            total += _layer_numbers(config, kind, config.num_experts_per_tok)[0]
        else:
            total += _layer_numbers(config, kind)[0]
    return total


def moe_layers(config: TwoTowerConfig) -> tuple[int, ...]:
    """The indices of the layers with experts."""
    return tuple(i for i, kind in enumerate(config.hybrid_override_pattern) if kind == MOE)


def _layer_numbers(config: TwoTowerConfig, kind: str, experts: int = 0) -> tuple[int, int]:
    """Numbers of a mixer kept in the model's dtype, and those always kept in float32."""
    size, head = config.hidden_size, config.head_dim
    if kind == MAMBA:
        bias = config.conv_channels if config.use_conv_bias else 0
        convolution = config.conv_channels * config.conv_kernel + bias
        return _projections(config) + convolution + config.mamba_inner_size, 3 * config.mamba_num_heads
    if kind == ATTENTION:
        return 2 * size * head * (config.num_attention_heads + config.num_key_value_heads), 0
    if kind == MLP:
        return 2 * size * config.intermediate_size, 0
    inner = experts * config.moe_intermediate_size + config.moe_shared_expert_intermediate_size
    return size * config.n_routed_experts + 2 * size * inner, config.n_routed_experts


def _projections(config: TwoTowerConfig) -> int:
    """Numbers of a Mamba layer's in_proj and out_proj."""
    into = config.mamba_inner_size + config.conv_channels + config.mamba_num_heads
    return config.hidden_size * (into + config.mamba_inner_size)
