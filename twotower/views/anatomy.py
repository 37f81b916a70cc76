"""A configuration to the drawing of its two towers. Pure; knows no tensors, no loaded model and no page.

The drawing is a column of rows (`anatomy_rows.py`): embeddings, layers, final norm, head. Every number is a plain int,
in parameters or bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from twotower.model.configuration import MIXER_NAMES, TwoTowerConfig
from twotower.sizes import (
    Memory,
    Weights,
    conditioning_weights,
    embedding_weights,
    idle_parameters,
    layer_memory,
    layer_weights,
    norm_weights,
)
from twotower.views.anatomy_rows import (
    Json,
    embeddings_row,
    final_norm_row,
    head_row,
    layer_row,
    layer_sizes,
    time_row,
)


def anatomy(config: TwoTowerConfig, dtype_bytes: int) -> Json:
    """`{"layers", "dtype_bytes", "bits", "before", "kinds", "groups", "after", "parts", "totals", "memory"}`.

    "before", "after" and the values of "kinds" (by letter) are rows of the drawing; "groups" says how the layers
    follow one another (see `fold`). "parts" and "totals" hold [context tower, denoiser tower] counts; `dtype_bytes` is
    the size of one number of the model's dtype (2 for bfloat16), "bits" that of a quantised one, None where none is.
    """
    pattern = config.hybrid_override_pattern
    kinds = list(dict.fromkeys(pattern))
    return {
        "layers": len(pattern),
        "dtype_bytes": dtype_bytes,
        "bits": config.bits,
        "before": [embeddings_row(config), time_row(config)],
        "kinds": {kind: layer_row(kind, config, dtype_bytes) for kind in kinds},
        "groups": [{"first": first, "kinds": unit, "times": times} for first, unit, times in fold(pattern)],
        "after": [final_norm_row(config), head_row(config)],
        "parts": [
            {"name": name, "meaning": meaning, "parameters": [context.parameters, denoiser.parameters]}
            for name, meaning, context, denoiser in _parts(config)
        ],
        "totals": _totals(config, dtype_bytes),
        "memory": _memory(config, dtype_bytes),
    }


def fold(pattern: str) -> list[tuple[int, str, int]]:
    """Layers in order as (number of the first, unit of letters, times it follows itself); layers count from 1.

    At each layer the unit is taken whose repeats reach furthest, the shortest of several such; layers that begin no
    repeat stand together as a unit of their own: MEMEM*EMEMEM*EM is MEMEM*E twice, then M.
    """
    groups: list[tuple[int, str, int]] = []
    at = 0
    while at < len(pattern):
        unit, times = max(_repeats(pattern, at), key=lambda found: (len(found[0]) * found[1], -len(found[0])))
        if times == 1 and groups and groups[-1][2] == 1:
            first, before, _ = groups.pop()
            groups.append((first, before + unit, 1))
        else:
            groups.append((at + 1, unit, times))
        at += len(unit) * times
    return groups


def _repeats(pattern: str, at: int) -> Iterator[tuple[str, int]]:
    yield pattern[at], 1
    for size in range(1, (len(pattern) - at) // 2 + 1):
        unit, times = pattern[at : at + size], 1
        while pattern.startswith(unit, at + times * size):
            times += 1
        if times > 1:
            yield unit, times


def _parts(config: TwoTowerConfig) -> Iterator[tuple[str, str, Weights, Weights]]:
    """Name, sizes, and weights in the context and in the denoiser tower; together they are the whole model."""
    embeddings = embedding_weights(config)
    yield "Embeddings", f"{config.vocab_size:,} × {config.hidden_size:,}", embeddings, embeddings
    pattern = config.hybrid_override_pattern
    for kind in dict.fromkeys(pattern):
        count = pattern.count(kind)
        layers = layer_weights(kind, config) * count
        yield f"{MIXER_NAMES[kind]} layers × {count}", layer_sizes(kind, config), layers, layers
    yield "Final norm", "the layers' norms are counted with them", norm_weights(config), norm_weights(config)
    yield "Head", "not tied to the embeddings", embeddings, embeddings
    yield "Time conditioning", "the denoiser's alone", Weights(), conditioning_weights(config)


def _totals(config: TwoTowerConfig, dtype_bytes: int) -> Json:
    held = [(context, denoiser) for _, _, context, denoiser in _parts(config)]
    towers = [sum(parts, Weights()) for parts in zip(*held)]
    idle = sum(idle_parameters(kind, config) for kind in config.hybrid_override_pattern)
    rows_unused = (config.vocab_size - 1) * config.hidden_size  # a token looks up one row of the embeddings
    return {
        "parameters": [tower.parameters for tower in towers],
        "bytes": [tower.nbytes(dtype_bytes, config.bits) for tower in towers],
        "active": [tower.parameters - idle - rows_unused for tower in towers],
    }


def _memory(config: TwoTowerConfig, dtype_bytes: int) -> Json:
    total = sum((layer_memory(kind, config, dtype_bytes) for kind in config.hybrid_override_pattern), Memory())
    return {
        "constant_bytes": total.constant_bytes,
        "token_bytes": total.token_bytes,
        "longest": config.max_position_embeddings,
    }
