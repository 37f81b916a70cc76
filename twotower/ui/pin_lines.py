"""The box of pinned words: a pin a line. Knows how a line is written; knows no model and no widgets."""

from __future__ import annotations

from twotower.errors import InputError
from twotower.pins import FIELD, split_pin


def pin_lines(text: object) -> tuple[str, ...]:
    """The lines that say something; every one of them should be a pin."""
    if text is not None and not isinstance(text, str):
        raise InputError(FIELD, text, "text, a pin a line")
    return tuple(line for line in (text or "").split("\n") if line.strip())


def put_pin(text: str, slot: int, words: str) -> str:
    """The box with `words` pinned from `slot` on, in place of what was pinned there; other lines stay as they are."""
    if "\n" in words:
        raise InputError(FIELD, words, "text without a line break")
    line = f"{slot}:{words}"
    lines = pin_lines(text)
    at = next((number for number, each in enumerate(lines) if _slot(each) == slot), len(lines))
    return "\n".join((*lines[:at], line, *_without(lines[at:], slot)))


def drop_pin(text: str, slot: int) -> str:
    """The box without what was pinned from `slot` on; other lines stay as they are."""
    return "\n".join(_without(pin_lines(text), slot))


def _without(lines: tuple[str, ...], slot: int) -> tuple[str, ...]:
    return tuple(line for line in lines if _slot(line) != slot)


def _slot(line: str) -> int | None:
    pin = split_pin(line)
    return pin.slot if pin else None
