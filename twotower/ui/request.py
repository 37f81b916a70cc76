"""What a visitor asked for, read from raw widget or API values and checked once. Knows no model and no Gradio."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from twotower.errors import InputError
from twotower.pins import read_pin
from twotower.sampling.settings import SamplingSettings

MOST_NEW_TOKENS = 1024  # what one visitor may ask of a machine shared with others
MOST_REPEATS = 9
WHOLE = ("max_new_tokens", "block_size", "steps_per_block", "top_k", "seed", "draft_passes")
REAL = ("threshold", "temperature", "top_p", "factor", "entropy_bound", "kl_bound", "accept_from")
WORDS = ("unmasking",)
FLAGS = ("ar_anchor",)


@dataclass(frozen=True)
class RaceRequest:
    """One press of Run: the prompt, the lanes in the order they run, and settings whose seed is drawn.

    `pins` are POSITION:TEXT each; it takes a model to make them part of the settings (`twotower.pins.with_pins`).
    """

    prompt: str
    lanes: tuple[str, ...]
    settings: SamplingSettings
    repeats: int = 1
    pins: tuple[str, ...] = ()


def read_request(
    prompt: object,
    lanes: object,
    values: dict[str, object],
    known_lanes: Sequence[str],
    trained_block_size: int,
    repeats: object = 1,
    pins: object = (),
) -> RaceRequest:
    """Check everything that needs no model. Raises InputError naming the field."""
    if prompt is not None and not isinstance(prompt, str):
        raise InputError("prompt", prompt, "text")
    wanted = lanes if isinstance(lanes, (list, tuple)) else [lanes]
    for lane in wanted:
        if lane not in known_lanes:
            raise InputError("lane", lane, "one of " + ", ".join(known_lanes))
    if not wanted:
        raise InputError("lanes", list(wanted), "at least one of " + ", ".join(known_lanes))
    settings = _read_settings(values)
    settings.warnings(trained_block_size)  # raises beyond what the model can follow at all
    if settings.seed == -1:
        # Drawn here and not in the sampler: every lane of a race gets the same one.
        settings = replace(settings, seed=secrets.randbelow(2**31))
    ordered = tuple(lane for lane in known_lanes if lane in wanted)
    count = read_count("repeats", repeats, MOST_REPEATS)
    return RaceRequest(prompt or "", ordered, settings, count, _read_pins(pins, settings.max_new_tokens))


def read_count(field: str, value: object, most: int) -> int:
    """A whole number from 1 to `most`, as a browser may send it. Raises InputError naming the field."""
    count = _whole(value)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= most:
        raise InputError(field, value, f"a whole number from 1 to {most}")
    return count


def _read_settings(values: dict[str, object]) -> SamplingSettings:
    read: dict[str, object] = {name: _whole(values[name]) for name in WHOLE if name in values}
    read.update({name: values[name] for name in (*REAL, *WORDS, *FLAGS) if name in values})
    settings = SamplingSettings(**read)  # type: ignore[arg-type]  # checks every type itself
    if settings.max_new_tokens > MOST_NEW_TOKENS:
        raise InputError("max_new_tokens", settings.max_new_tokens, f"a whole number from 1 to {MOST_NEW_TOKENS}")
    return settings


def _read_pins(values: object, max_new_tokens: int) -> tuple[str, ...]:
    if not isinstance(values, (list, tuple)) or not all(isinstance(value, str) for value in values):
        raise InputError("pins", values, "a list of texts, POSITION:TEXT each")
    for value in values:
        read_pin(value, max_new_tokens)
    return tuple(values)


def _whole(value: object) -> object:
    # Browsers know one kind of number: 16 may arrive as 16.0. 1.5 stays as it is, for the settings to refuse.
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    return value
