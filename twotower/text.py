"""Text and ids: reading a prompt, writing a text, and what each slot shows while its neighbours are still masked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from twotower.errors import InputError
from twotower.model.twotower import TwoTower

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


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
    special = set(tokenizer.all_special_ids)
    stretch: list[tuple[int, int]] = []  # (byte, slot) of neighbouring known slots
    after_mask = False
    for position, token in enumerate([*slots, None]):
        if token is not None and token not in special:
            stretch.extend((byte, position) for byte in _token_bytes(tokenizer, token))
            continue
        _place_characters(stretch, texts, after_mask, before_mask=token is None)
        stretch, after_mask = [], token is None
        if token is not None:
            texts[position] = cast(str, tokenizer.convert_ids_to_tokens(token))
    return texts


def _place_characters(stretch: list[tuple[int, int]], texts: list[str], after_mask: bool, before_mask: bool) -> None:
    data = bytes(byte for byte, _ in stretch)
    at = 0
    while after_mask and at < len(data) and 0x80 <= data[at] < 0xC0:
        at += 1  # the tail of a character whose head is still masked
    while at < len(data):
        width = _character_width(data[at])
        if at + width > len(data) and before_mask:
            return  # the head of a character whose tail is still masked
        try:
            character, step = data[at : at + width].decode("utf-8"), width
        except UnicodeDecodeError:
            character, step = "\N{REPLACEMENT CHARACTER}", 1  # the model wrote bytes that are no character
        texts[stretch[at][1]] += character
        at += step


def _character_width(lead: int) -> int:
    if lead < 0xC0:
        return 1
    return 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


def _token_bytes(tokenizer: PreTrainedTokenizerFast, token: int) -> bytes:
    """The bytes of a token of a byte-level vocabulary; added tokens are plain text."""
    name = cast(str, tokenizer.convert_ids_to_tokens(token))
    table = _byte_of_character()
    return bytes(table[c] for c in name) if all(c in table for c in name) else name.encode("utf-8")


@lru_cache(maxsize=1)
def _byte_of_character() -> dict[str, int]:
    """Byte-level BPE writes printable bytes as themselves and the others as characters from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    table = {chr(byte): byte for byte in printable}
    table.update({chr(0x100 + i): byte for i, byte in enumerate(others)})
    return table
