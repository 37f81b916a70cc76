"""What quantised weights are, in numbers: bits, groups, scales, and what config.json says of them. Knows no tensors.

A weight-only format: rows of `width` inputs are cut into groups, each with one scale and a code of 8 or 4 bits for
every number. The embeddings and both heads have codes of 8 bits whatever the others have.
"""

from __future__ import annotations

import math
from typing import Any

from twotower.errors import CheckpointError

BITS = (8, 4)
WIDE_BITS = 8  # of the embeddings and the heads, where rounding is read at once as a token
SCALE_BYTES = 2  # bfloat16: the range of float32, so that no scale of a real weight is zero or infinite
CONFIG_KEY = "quantization_config"  # where transformers' files say it too, by method

_METHOD, _VERSION = "twotower", 1
_WIDEST_GROUP, _LEAST_GROUP = 64, 8


def group_size(width: int) -> int | None:
    """Inputs that share a scale: a power of two up to 64 that divides `width`, as it does 1856, 2688, 3712 and 4096.

    None where that were fewer than 8: the scales would weigh a quarter of the codes and more. Such a weight stays as it
    is, and is counted as such; a model whose hidden size is one is not quantised at all.
    """
    group = math.gcd(width, _WIDEST_GROUP)
    return group if group >= _LEAST_GROUP else None


def read_bits(entry: Any) -> int:
    """The bits that config.json names. Raises CheckpointError for what this version cannot read."""
    if not isinstance(entry, dict):
        raise CheckpointError(f"config.json: {CONFIG_KEY} is {entry!r}; allowed: an object.")
    for name, allowed in (("quant_method", (_METHOD,)), ("version", (_VERSION,)), ("bits", BITS)):
        value = entry.get(name)
        if type(value) is not type(allowed[0]) or value not in allowed:
            shown = " or ".join(map(repr, allowed))
            raise CheckpointError(f"config.json: {CONFIG_KEY}.{name} is {value!r}; allowed: {shown}.")
    return int(entry["bits"])


def written(bits: int) -> dict[str, object]:
    """The same as config.json holds it."""
    return {"quant_method": _METHOD, "version": _VERSION, "bits": bits}
