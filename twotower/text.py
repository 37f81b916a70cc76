"""Text and ids: reading a prompt, writing a text, and what each slot shows while its neighbours are still masked."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast

from twotower.errors import InputError
from twotower.model.twotower import TwoTower

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
LONGEST_CHARACTER = 4  # bytes of UTF-8


def encode_prompt(model: TwoTower, text: str) -> list[int]:
    """The ids of a prompt; an empty one is the BOS token.

    Raises InputError where it holds the mask token, or half of a surrogate pair, which JSON can carry.
    """
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError("prompt", text, "Unicode text without unpaired surrogates")
    ids = list(model.tokenizer.encode(text)) if text else []
    mask = model.config.mask_token_id
    if mask in ids:
        name = model.tokenizer.convert_ids_to_tokens(mask)
        raise InputError("prompt", text, f"text without {name}, the mask token (id {mask})")
    return ids or [model.config.bos_token_id]


def decode(tokenizer: PreTrainedTokenizerFast, ids: Sequence[int]) -> str:
    """The text of ids, special tokens left out."""
    return cast(str, tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))


def slot_texts(tokenizer: PreTrainedTokenizerFast, slots: Sequence[int | None]) -> list[str]:
    """What each slot shows: a finished character belongs to the slot its first byte is in.

    A masked slot shows nothing, nor does one whose bytes wait for a neighbour: half a character is never drawn as a
    replacement sign that a later commit would correct.
    """
    texts = [""] * len(slots)
    for character in _characters(tokenizer, slots):
        texts[character.slot] += character.text
    return texts


def slot_joins(tokenizer: PreTrainedTokenizerFast, slots: Sequence[int | None]) -> list[tuple[int, int, str]]:
    """Which slots of a finished text wait for later ones: (slot, last slot, text before), at most one a slot.

    The slot shows its `slot_texts` once it and every slot up to `last slot` hold their tokens, and `text before` until
    then: the characters it holds whole, before the one that it only begins.
    """
    texts = [""] * len(slots)
    joins = []
    for character in _characters(tokenizer, slots):
        if character.last > character.slot:
            joins.append((character.slot, character.last, texts[character.slot]))
        texts[character.slot] += character.text
    return joins


def piece_text(tokenizer: PreTrainedTokenizerFast, token: int) -> str:
    """The text of a token alone: bytes that are no whole character as in ‹F0 9F›, a special token by its name."""
    if token in tokenizer.all_special_ids:
        return cast(str, tokenizer.convert_ids_to_tokens(token))
    # Python's own escape for bytes that are no UTF-8: U+DC80 to U+DCFF, which no decoded character is.
    escaped = _token_bytes(tokenizer, token).decode("utf-8", "surrogateescape")
    return re.sub("[\udc80-\udcff]+", lambda found: _hexadecimal(found.group()), escaped)


class _Character(NamedTuple):
    """One character or more, the slot they show in, and the last slot that it takes to tell which they are."""

    text: str
    slot: int
    last: int


def _characters(tokenizer: PreTrainedTokenizerFast, slots: Sequence[int | None]) -> Iterator[_Character]:
    """Every character that can be told from the slots that are known; a special token is one character, its name."""
    special = set(tokenizer.all_special_ids)
    stretch: list[tuple[int, int]] = []  # (byte, slot) of neighbouring known slots
    after_mask = False
    for position, token in enumerate([*slots, None]):
        if token is not None and token not in special:
            data = _token_bytes(tokenizer, token)
            if not data or not data.isascii():
                stretch.extend((byte, position) for byte in data)
                continue
            if stretch:  # its last character ends before a letter of ASCII at the latest
                yield from _decoded([*stretch, (data[0], position)], after_mask, None)
                data = data[1:]
            yield _Character(data.decode("ascii"), position, position)
            stretch, after_mask = [], False
            continue
        yield from _decoded(stretch, after_mask, None if token is None else position)
        stretch, after_mask = [], token is None
        if token is not None:
            yield _Character(cast(str, tokenizer.convert_ids_to_tokens(token)), position, position)


def _decoded(stretch: list[tuple[int, int]], after_mask: bool, special: int | None) -> Iterator[_Character]:
    """The characters of a stretch of bytes; `special` is the slot that ends it, None where a masked one does."""
    data = bytes(byte for byte, _ in stretch)
    at = 0
    while after_mask and at < len(data) and 0x80 <= data[at] < 0xC0:
        at += 1  # the tail of a character whose head is still masked
    while at < len(data):
        text, width, seen = _next_character(data[at : at + LONGEST_CHARACTER])
        slot, last = stretch[at][1], stretch[at + seen - 1][1]
        if text:
            yield _Character(text, slot, last)
        elif special is not None:  # a special token is no tail
            yield _Character(REPLACEMENT, slot, special)
        at += width


def _next_character(data: bytes) -> tuple[str, int, int]:
    """The first character of some bytes, how many it takes, and how many had to be seen to tell.

    Bytes that can begin no character are one replacement sign, as many of them as could have begun one (Unicode 16,
    section 3.9, "maximal subparts"): what `decode` makes of them. The text is empty where the bytes end too early.
    """
    for seen in range(1, len(data) + 1):
        try:
            text, width = codecs.utf_8_decode(data[:seen], "strict", False)
        except UnicodeDecodeError as error:
            return REPLACEMENT, error.end, seen
        if text:
            return text, width, seen
    return "", len(data), len(data)


@lru_cache(maxsize=2**16)
def _token_bytes(tokenizer: PreTrainedTokenizerFast, token: int) -> bytes:
    """The bytes of a token of a byte-level vocabulary; added tokens are plain text."""
    name = cast("str | None", tokenizer.convert_ids_to_tokens(token))
    if name is None:
        return b""  # a model may have more ids than its tokenizer has tokens
    table = _byte_of_character()
    return bytes(table[c] for c in name) if all(c in table for c in name) else name.encode("utf-8")


def _hexadecimal(escaped: str) -> str:
    return "‹" + " ".join(f"{ord(character) - 0xDC00:02X}" for character in escaped) + "›"


@lru_cache(maxsize=1)
def _byte_of_character() -> dict[str, int]:
    """Byte-level BPE writes printable bytes as themselves and the others as characters from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    table = {chr(byte): byte for byte in printable}
    table.update({chr(0x100 + i): byte for i, byte in enumerate(others)})
    return table
