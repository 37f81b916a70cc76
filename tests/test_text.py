"""Text and ids: prompts in, characters out, none of them broken."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from twotower import DEFAULT_MODEL, TwoTower
from twotower.errors import InputError
from twotower.text import decode, encode_prompt, piece_text, slot_joins, slot_texts


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


def byte_level(vocabulary: list[bytes]) -> PreTrainedTokenizerFast:
    """A tokenizer with a token for every entry, from id 1 on; 0 is the end token. It only decodes."""
    characters = {byte: character for character, byte in _byte_alphabet().items()}
    names = {"".join(characters[byte] for byte in entry): number for number, entry in enumerate(vocabulary, 1)}
    tokenizer = Tokenizer(models.BPE(vocab={"<end>": 0, **names}, merges=[]))
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>")


def _byte_alphabet() -> dict[str, int]:
    # As GPT-2 has it: printable bytes are themselves, the others follow in order from U+0100 on.
    table = {chr(byte): byte for byte in range(256) if chr(byte) in pre_tokenizers.ByteLevel.alphabet()}
    rest = iter(range(0x100, 0x200))
    return table | {chr(next(rest)): byte for byte in range(256) if byte not in table.values()}


def as_joined(texts: Sequence[str], joins: Sequence[tuple[int, int, str]], slots: Sequence[int | None]) -> list[str]:
    """What a player shows that has the finished texts and no tokenizer."""
    shown = ["" if token is None else text for token, text in zip(slots, texts, strict=True)]
    for slot, last, before in joins:
        if slots[slot] is not None and None in slots[slot : last + 1]:
            shown[slot] = before
    return shown


TOWER = "🗼".encode()  # F0 9F 97 BC
PIECES = [b"a\xc3\xa9" + TOWER[:1], TOWER[1:3], TOWER[3:] + b"!", b"\xf0\x9f", b"b", b"\xf0", b"\x80c"]
HOLDS_TWO, MIDDLE, REST, HEAD, LETTER, LEAD, STRAY = range(1, 8)
END = 0


@pytest.mark.parametrize(
    ("ids", "texts", "joins"),
    [
        ([HOLDS_TWO, MIDDLE, REST], ["aé🗼", "", "!"], [(0, 2, "aé")]),
        ([LETTER, LETTER], ["b", "b"], []),
        ([HEAD, LETTER], ["�", "b"], [(0, 1, "")]),  # broken by what follows
        ([HOLDS_TWO, END], ["aé�", "<end>"], [(0, 1, "aé")]),
        ([HOLDS_TWO, MIDDLE], ["aé", ""], []),  # the text ends before the character does
        ([HEAD, HEAD, LETTER], ["�", "�", "b"], [(0, 1, ""), (1, 2, "")]),
        ([LETTER, STRAY], ["b", "�c"], []),
        ([LEAD, MIDDLE, REST, LEAD, MIDDLE, REST], ["🗼", "", "!", "🗼", "", "!"], [(0, 2, ""), (3, 5, "")]),
    ],
)
def test_a_slot_is_joined_to_those_it_waits_for(
    ids: list[int], texts: list[str], joins: list[tuple[int, int, str]]
) -> None:
    tokenizer = byte_level(PIECES)
    assert slot_texts(tokenizer, ids) == texts
    assert slot_joins(tokenizer, ids) == joins


# Every cut of a text with characters of one to four bytes, and bytes that are no text anywhere.
TEXT = "aé日🗼\n".encode()
CUTS = sorted({TEXT[i:j] for i in range(len(TEXT)) for j in range(i + 1, min(i + 6, len(TEXT)) + 1)})
BROKEN = [b"\x80", b"\xc0", b"\xff", b"\xe0\x80", b"\xf4\x90", b"\xed\xa0\x80", b"\xef\xbf\xbd", b"\xc3A\xf0\x9f"]
CUT_TOKENIZER = byte_level([*CUTS, *BROKEN])


@given(
    ids=st.lists(st.integers(0, len(CUTS) + len(BROKEN)), max_size=8),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=1500, deadline=None)
def test_joins_show_at_every_moment_what_the_live_page_shows(ids: list[int], order) -> None:  # type: ignore[no-untyped-def]
    texts, joins = slot_texts(CUT_TOKENIZER, ids), slot_joins(CUT_TOKENIZER, ids)
    commits = list(range(len(ids)))
    order.shuffle(commits)
    slots: list[int | None] = [None] * len(ids)
    for position in commits:
        slots[position] = ids[position]
        live, joined = slot_texts(CUT_TOKENIZER, slots), as_joined(texts, joins, slots)
        for shown in (live, joined):  # a sign that the finished text does not have is never drawn
            assert all(mine.count("�") <= final.count("�") for mine, final in zip(shown, texts, strict=True))
        if "�" not in "".join(texts):
            assert joined == live
        # A byte that continues nothing is a sign; live, it may yet turn out to continue a slot that is masked.
        assert [text.replace("�", "") for text in joined] == [text.replace("�", "") for text in live]
    assert as_joined(texts, joins, ids) == texts


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_text_cut_anywhere_is_whole_again(data: st.DataObject) -> None:
    ids = []
    at = 0
    while at < len(TEXT):
        end = data.draw(st.integers(at + 1, min(at + 6, len(TEXT))))
        ids.append(1 + CUTS.index(TEXT[at:end]))
        at = end
    texts = slot_texts(CUT_TOKENIZER, ids)
    assert "".join(texts) == TEXT.decode() == decode(CUT_TOKENIZER, ids)
    order = data.draw(st.permutations(range(len(ids))))
    slots: list[int | None] = [None] * len(ids)
    for position in order:
        slots[position] = ids[position]
        shown = slot_texts(CUT_TOKENIZER, slots)
        assert "�" not in "".join(shown)
        assert as_joined(texts, slot_joins(CUT_TOKENIZER, ids), slots) == shown


@given(ids=st.lists(st.integers(1, len(CUTS) + len(BROKEN)), max_size=8))
@settings(max_examples=500, deadline=None)
def test_slots_are_what_decode_gives_broken_bytes_included(ids: list[int]) -> None:
    closed = [*ids, 1 + CUTS.index(b"a")]
    assert "".join(slot_texts(CUT_TOKENIZER, closed)) == decode(CUT_TOKENIZER, closed)


def test_a_token_alone_says_the_bytes_that_are_no_character(embedded: TwoTower) -> None:
    tokenizer = byte_level(PIECES)
    assert piece_text(tokenizer, HEAD) == "‹F0 9F›"
    assert piece_text(tokenizer, HOLDS_TWO) == "aé‹F0›"
    assert piece_text(tokenizer, REST) == "‹BC›!"
    assert piece_text(tokenizer, LETTER) == "b"
    assert piece_text(tokenizer, END) == "<end>"
    assert piece_text(embedded.tokenizer, embedded.config.eos_token_id) == "</s>"


def test_an_id_without_a_token_is_no_text() -> None:
    tokenizer = byte_level(PIECES)
    assert slot_texts(tokenizer, [LETTER, 99, LETTER]) == ["b", "", "b"]
    assert piece_text(tokenizer, 99) == ""
