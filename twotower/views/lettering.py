"""Text into a width, with the one font that comes with Pillow. Knows no traces and no picture.

The font has the letters and signs of ASCII and a few quotation marks. What it lacks is said in what it has: a letter
without its accent, the number of a character as in ‹1F5FC›.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from PIL import ImageFont

LARGEST, SMALLEST = 13, 8  # of a slot's text, pixels
MORE = "…"
LINE_BREAK = "\\n"
# Characters that are no other one with an accent.
_STAND_INS = {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ı": "i"}
_STAND_INS |= {"–": "-", "—": "-", "−": "-", "×": "x", "¿": "?", "¡": "!"}


@lru_cache(maxsize=32)
def font(size: int) -> ImageFont.FreeTypeFont:
    """The font in a size."""
    made = ImageFont.load_default(size)
    if not isinstance(made, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType: it has no font that can be scaled.")
    return made


def readable(text: str) -> str:
    """The text in characters that the font has."""
    return "".join(_drawable(character) for character in text)


def fitted(text: str, width: float, largest: int = LARGEST, smallest: int = SMALLEST) -> tuple[str, int]:
    """A readable text and the size in which it fits the width; cut short where the smallest is too wide."""
    text = readable(text)
    for size in range(largest, smallest - 1, -1):
        if font(size).getlength(text) <= width:
            return text, size
    while text and font(smallest).getlength(text + MORE) > width:
        text = text[:-1]
    return text + MORE, smallest


def visible(text: str) -> str:
    """A slot's text as it is drawn: white space has no ink of its own."""
    if not text.strip():
        return LINE_BREAK if "\n" in text else "·" if text else ""
    return text.strip().replace("\n", LINE_BREAK)


@lru_cache(maxsize=4096)
def _drawable(character: str) -> str:
    if character.isspace():
        return " "
    if _has(character):
        return character
    if character in _STAND_INS:
        return _STAND_INS[character]
    plain = "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))
    return plain if plain and all(map(_has, plain)) else f"‹{ord(character):X}›"


@lru_cache(maxsize=8192)
def _has(character: str) -> bool:
    return _shape(character) != _shape("\uffff")  # which no font has


def _shape(character: str) -> tuple[tuple[int, int], bytes]:
    mask = font(32).getmask(character)
    return mask.size, bytes(mask)
