"""The rows of the anatomy's drawing: embeddings, time conditioning, a layer of each kind, final norm, head.

A row is `{"name", "sizes", "context", "denoiser", "crosses"}`. What stands in a tower is `{"parameters", "active",
"does"}`, None where the tower has no such part; "active" counts what one token goes through. "crosses" is what the
context tower hands to the denoiser tower there, None for nothing. Knows a configuration; knows no order of layers.
"""

from __future__ import annotations

from twotower.model.configuration import ATTENTION, MAMBA, MIXER_NAMES, MLP, TwoTowerConfig
from twotower.sizes import (
    Memory,
    conditioning_weights,
    embedding_weights,
    idle_parameters,
    layer_memory,
    layer_weights,
    norm_weights,
)

Json = dict[str, object]

_CONDITIONED = "Shift and scale from t come {} the norm, the gate after the mixer."


def layer_row(kind: str, config: TwoTowerConfig, dtype_bytes: int) -> Json:
    """A layer of this kind, without its number."""
    weights = layer_weights(kind, config)
    context, denoiser = _what_it_does(kind, config)
    conditioned = _CONDITIONED.format("before" if kind in (MAMBA, ATTENTION) else "after")
    active = weights.parameters - idle_parameters(kind, config)
    return {
        "name": MIXER_NAMES[kind],
        "sizes": layer_sizes(kind, config),
        "context": {"parameters": weights.parameters, "active": active, "does": context},
        "denoiser": {"parameters": weights.parameters, "active": active, "does": f"{denoiser} {conditioned}"},
        "crosses": _crosses(kind, layer_memory(kind, config, dtype_bytes)),
    }


def layer_sizes(kind: str, config: TwoTowerConfig) -> str:
    """Its hyperparameters in words."""
    if kind == MAMBA:
        heads = f"{config.mamba_num_heads} heads × {config.mamba_head_dim}, {config.n_groups} groups"
        return f"{heads}, state {config.ssm_state_size}, convolution over {config.conv_kernel}"
    if kind == ATTENTION:
        heads = f"{config.num_attention_heads} query heads, {config.num_key_value_heads} key-value heads"
        return f"{heads}, head size {config.head_dim}"
    if kind == MLP:
        return f"inner size {config.intermediate_size:,}"
    routed = f"{config.num_experts_per_tok} of {config.n_routed_experts} experts × {config.moe_intermediate_size:,}"
    return f"{routed}, shared expert {config.moe_shared_expert_intermediate_size:,}"


def _what_it_does(kind: str, config: TwoTowerConfig) -> tuple[str, str]:
    """In the context tower, in the denoiser tower."""
    if kind == MAMBA:
        return (
            "Reads left to right and keeps a state of fixed size.",
            "Reads the block left to right, starting from the context tower's state; keeps none of its own.",
        )
    if kind == ATTENTION:
        return (
            "Each token sees itself and what is before it; keys and values are kept.",
            "Each slot sees the context tower's keys and values and the whole block, both ways.",
        )
    if kind == MLP:
        return "Each token by itself.", "Each slot by itself."
    route = f"goes to {config.num_experts_per_tok} of {config.n_routed_experts} experts and the shared one"
    return f"Each token {route}.", f"Each slot {route}."


def _crosses(kind: str, memory: Memory) -> Json | None:
    if kind not in (MAMBA, ATTENTION):
        return None
    what, detail = {
        MAMBA: ("state", "SSM state and convolution tail, as they stand where the block begins"),
        ATTENTION: ("keys, values", "keys and values of everything before the block"),
    }[kind]
    return {
        "what": what,
        "detail": detail,
        "constant_bytes": memory.constant_bytes,
        "token_bytes": memory.token_bytes,
    }


def embeddings_row(config: TwoTowerConfig) -> Json:
    """The first row: what each tower reads."""
    both = {"parameters": embedding_weights(config).parameters, "active": config.hidden_size}
    return {
        "name": "Embeddings",
        "sizes": f"{config.vocab_size:,} tokens × {config.hidden_size:,}",
        "context": {**both, "does": "Reads the prompt, then every finished block."},
        "denoiser": {**both, "does": "Reads the open block: masks, and what is committed so far."},
        "crosses": None,
    }


def time_row(config: TwoTowerConfig) -> Json:
    """How the denoiser is told how much of its block is masked (`model/conditioning.py`)."""
    parameters = conditioning_weights(config).parameters
    return {
        "name": "Time conditioning",
        "sizes": "t, the masked fraction of the block, to shift, scale and gate of every layer",
        "context": None,
        "denoiser": {
            "parameters": parameters,
            "active": parameters,
            "does": "One projection of t for all layers plus a table for each; computed once for each t.",
        },
        "crosses": None,
    }


def final_norm_row(config: TwoTowerConfig) -> Json:
    """The norm after the last layer."""
    size = norm_weights(config).parameters
    both = {"parameters": size, "active": size, "does": "RMSNorm, without time conditioning."}
    return {"name": "Final norm", "sizes": f"{size:,}", "context": both, "denoiser": both, "crosses": None}


def head_row(config: TwoTowerConfig) -> Json:
    """The last row: what each tower gives."""
    size = embedding_weights(config).parameters
    both = {"parameters": size, "active": size}
    return {
        "name": "Head",
        "sizes": f"{config.hidden_size:,} × {config.vocab_size:,} tokens",
        "context": {**both, "does": "Gives the next token: the autoregressive model."},
        "denoiser": {**both, "does": "Proposes a token for every mask at once."},
        "crosses": None,
    }
