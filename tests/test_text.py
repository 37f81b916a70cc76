"""Text and ids: prompts in, characters out, none of them broken."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from twotower import DEFAULT_MODEL, TwoTower
from twotower.errors import InputError
from twotower.text import decode, encode_prompt, slot_texts


@pytest.fixture(scope="module")
def embedded() -> TwoTower:
    return TwoTower.from_pretrained(DEFAULT_MODEL)


@pytest.fixture(scope="module")
def byte_tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte: every character beyond ASCII is split."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<end>": 0, **{character: number for number, character in enumerate(alphabet, 1)}}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>")


@pytest.mark.parametrize("text", ["Once upon a time", "\n\n  two spaces", "naïve 🗼 日本", "It's 12 + 7."])
def test_what_is_encoded_is_decoded(embedded: TwoTower, text: str) -> None:
    assert decode(embedded.tokenizer, encode_prompt(embedded, text)) == text


def test_an_empty_prompt_is_the_beginning_token(embedded: TwoTower) -> None:
    assert encode_prompt(embedded, "") == [embedded.config.bos_token_id]


def test_the_mask_token_is_no_text(embedded: TwoTower) -> None:
    with pytest.raises(InputError, match="<mask>"):
        encode_prompt(embedded, "a <mask> b")


@pytest.mark.parametrize("text", ["ab", "é", "🗼!", "日本", "a\nb", "é🗼é"])
def test_slots_together_are_the_text(byte_tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    ids = byte_tokenizer.encode(text)
    texts = slot_texts(byte_tokenizer, ids)
    assert "".join(texts) == text
    assert len(texts) == len(ids)


def test_half_a_character_waits_for_its_other_half(byte_tokenizer: PreTrainedTokenizerFast) -> None:
    ids = byte_tokenizer.encode("x🗼y")
    for hidden in range(1, 5):
        slots = [None if place == hidden else token for place, token in enumerate(ids)]
        texts = slot_texts(byte_tokenizer, slots)
        assert "�" not in "".join(texts)
        assert (texts[0], texts[5]) == ("x", "y")
    assert slot_texts(byte_tokenizer, ids) == ["x", "🗼", "", "", "", "y"]


def test_bytes_that_are_no_character_are_said_so(byte_tokenizer: PreTrainedTokenizerFast) -> None:
    first = byte_tokenizer.encode("é")[0]
    letter = byte_tokenizer.encode("x")[0]
    assert slot_texts(byte_tokenizer, [first, letter]) == ["�", "x"]


def test_special_tokens_show_their_names(embedded: TwoTower) -> None:
    assert slot_texts(embedded.tokenizer, [2, None]) == ["</s>", ""]
