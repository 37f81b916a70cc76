"""What of a tower a pass reads, and what one token multiplies with. Pure arithmetic on a configuration."""

from __future__ import annotations

from collections.abc import Sequence

from twotower.model.configuration import MAMBA, TwoTowerConfig
from twotower.sizes import embedding_weights, expert_weights, idle_parameters, layer_weights, norm_weights


def tower_bytes(config: TwoTowerConfig, element: int, touched: Sequence[int]) -> int:
    """Bytes of one tower's weights without embeddings and head; of its MoE layers so many routed experts each.

    `element` is the bytes of one number of the model's dtype; quantised weights are read as codes and scales.
    """
    layers = sum((layer_weights(kind, config) for kind in config.hybrid_override_pattern), norm_weights(config))
    idle = sum(config.n_routed_experts - experts for experts in touched)
    return layers.nbytes(element, config.bits) - idle * expert_weights(config).nbytes(element, config.bits)


def head_bytes(config: TwoTowerConfig, element: int) -> int:
    """Bytes of one head."""
    return embedding_weights(config).nbytes(element, config.bits)


def row_bytes(config: TwoTowerConfig, element: int) -> int:
    """Bytes of one row of the embeddings, which have the shape of a head."""
    return head_bytes(config, element) // config.vocab_size


def token_products(config: TwoTowerConfig) -> int:
    """Multiply-adds of one token in a tower's projections, convolutions and experts; head, scan, attention left out."""
    total = 0
    for kind in config.hybrid_override_pattern:
        total += layer_weights(kind, config).of_dtype - norm_weights(config).plain - idle_parameters(kind, config)
        if kind == MAMBA:  # the scale of its gated norm and the bias of its convolution take part in no product
            total -= config.mamba_inner_size + config.use_conv_bias * config.conv_channels
    return total
