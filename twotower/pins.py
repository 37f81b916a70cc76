"""Pinned words: text that the user fixes inside the text to come. Knows tokenizers; knows no sampler and no page.

A pin is written `POSITION:TEXT`. POSITION is the slot the text begins in, counted from 1 as the page's inspector does;
everything behind the first colon is the text, a space at its beginning included.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from twotower.errors import InputError
from twotower.sampling.settings import PINNABLE, SamplingSettings

if TYPE_CHECKING:
    from twotower import TwoTower

FIELD = "pin"
_WRITTEN = re.compile(r"\s*([0-9]{1,9})\s*:(.*)", re.DOTALL)


@dataclass(frozen=True)
class Pin:
    """`text` that begins in `slot`; slots count from 1."""

    slot: int
    text: str


def split_pin(written: str) -> Pin | None:
    """The two halves of POSITION:TEXT, unchecked; None where there is no number before a colon."""
    found = _WRITTEN.fullmatch(written)
    return Pin(int(found[1]), found[2]) if found else None


def read_pin(written: str, max_new_tokens: int) -> Pin:
    """One pin, as far as it can be checked without a model. Raises InputError."""
    allowed = f"POSITION:TEXT, as in '13: cat', where POSITION is a slot from 1 to {max_new_tokens}"
    pin = split_pin(written)
    if pin is None or not 1 <= pin.slot <= max_new_tokens:
        raise InputError(FIELD, written, allowed)
    if not pin.text:
        raise InputError(FIELD, written, f"{allowed} and TEXT is not empty")
    if any("\ud800" <= character <= "\udfff" for character in pin.text):
        raise InputError(FIELD, written, "Unicode text without unpaired surrogates")
    return pin


def read_pins(model: TwoTower, texts: Sequence[str], max_new_tokens: int) -> tuple[tuple[int, int], ...]:
    """The (position, id) of every token that the pins fix, in order; positions count from 0. Raises InputError."""
    taken: dict[int, tuple[int, str]] = {}  # position -> (id, the pin that it is of)
    for written in texts:
        pin = read_pin(written, max_new_tokens)
        ids = _encode(model, written, pin.text)
        last = pin.slot + len(ids) - 1
        if last > max_new_tokens:
            raise InputError(FIELD, written, f"text that ends by slot {max_new_tokens}; this one would end in {last}")
        for position, token in enumerate(ids, pin.slot - 1):
            if position in taken:
                other = taken[position][1]
                raise InputError(FIELD, written, f"slots that are free; {other!r} takes slot {position + 1}")
            taken[position] = (token, written)
    _check_end(model, taken)
    return tuple((position, taken[position][0]) for position in sorted(taken))


def with_pins(model: TwoTower, settings: SamplingSettings, texts: Sequence[str]) -> SamplingSettings:
    """The same settings with these pins; a model without a tokenizer will do where there are none."""
    return replace(settings, pins=read_pins(model, texts, settings.max_new_tokens)) if texts else settings


def check_lane(lane: str, texts: Sequence[str]) -> None:
    """Refuse pins for a lane that cannot keep them. Raises InputError."""
    if texts and lane not in PINNABLE:
        why = "it writes from left to right and cannot know what stands further on"
        raise InputError(FIELD, texts[0], f"none in lane {lane}: {why}; pin in lane {' or '.join(PINNABLE)}")


def lanes_without_pins(lanes: Sequence[str]) -> str | None:
    """A sentence about the lanes of a race that run without its pins; None where all keep them."""
    left = [lane for lane in lanes if lane not in PINNABLE]
    if not left:
        return None
    return f"Without the pins, which only diffusion can write around: {', '.join(left)}."


def _encode(model: TwoTower, written: str, text: str) -> list[int]:
    ids = [int(token) for token in model.tokenizer.encode(text, add_special_tokens=False)]
    if model.config.mask_token_id in ids:
        name = model.tokenizer.convert_ids_to_tokens(model.config.mask_token_id)
        raise InputError(FIELD, written, f"text without {name}, the mask token")
    if model.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False) != text:
        raise InputError(FIELD, written, "text that the model's tokenizer gives back unchanged")
    return ids


def _check_end(model: TwoTower, taken: dict[int, tuple[int, str]]) -> None:
    """Nothing is text behind an end token."""
    ends = [position for position, (token, _) in taken.items() if token in model.end_token_ids]
    behind = [position for position in taken if ends and position > min(ends)]
    if behind:
        allowed = f"nothing behind slot {min(ends) + 1}, where a pin ends the text"
        raise InputError(FIELD, taken[min(behind)][1], allowed)
