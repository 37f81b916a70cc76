"""Pinned words: what a person writes becomes positions and ids that decode to the same text, or is refused by name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twotower import DEFAULT_MODEL, TwoTower
from twotower.errors import InputError
from twotower.pins import Pin, check_lane, lanes_without_pins, read_pin, read_pins, split_pin, with_pins
from twotower.sampling.generate import LANES
from twotower.sampling.settings import SamplingSettings

LONG = 1000

Positions = tuple[tuple[int, int], ...]


@pytest.fixture(scope="module")
def model() -> TwoTower:
    return TwoTower.from_pretrained(DEFAULT_MODEL)


@pytest.fixture(scope="module")
def read(model: TwoTower) -> Callable[..., Positions]:
    def reading(*texts: str, most: int = 32) -> Positions:
        return read_pins(model, texts, most)

    return reading


def text_of(model: TwoTower, pins: Positions) -> str:
    return str(model.tokenizer.decode([token for _, token in pins], skip_special_tokens=False))


def refused(read: Callable[..., Positions], *texts: str, most: int = 32) -> InputError:
    with pytest.raises(InputError) as caught:
        read(*texts, most=most)
    assert caught.value.field == "pin"
    return caught.value


def test_slots_are_counted_from_one_and_positions_from_zero(model: TwoTower, read: Callable[..., Positions]) -> None:
    ((position, token),) = read("13: cat")
    assert position == 12
    assert model.tokenizer.convert_ids_to_tokens(token) == "Ġcat"


@pytest.mark.parametrize(
    ("written", "slot", "text"),
    [
        ("13: cat", 13, " cat"),
        ("1:a:b", 1, "a:b"),
        (" 2 :x ", 2, "x "),
        ("3:\n", 3, "\n"),
        ("04:x", 4, "x"),
    ],
)
def test_everything_behind_the_first_colon_is_the_text(written: str, slot: int, text: str) -> None:
    assert read_pin(written, 32) == Pin(slot, text)


def test_a_text_of_several_tokens_takes_as_many_slots(model: TwoTower, read: Callable[..., Positions]) -> None:
    pins = read("5: The dragon's 42")
    assert [position for position, _ in pins] == list(range(4, 4 + len(pins)))
    assert len(pins) > 3
    assert text_of(model, pins) == " The dragon's 42"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40), st.integers(1, 20))
def test_any_text_comes_back_as_it_was(model: TwoTower, text: str, slot: int) -> None:
    pins = read_pins(model, [f"{slot}:{text}"], LONG)
    assert text_of(model, pins) == text
    assert [position for position, _ in pins] == list(range(slot - 1, slot - 1 + len(pins)))
    assert model.config.bos_token_id not in dict(pins).values()


@pytest.mark.parametrize("text", ["🐉", "é", "漢字", "🏳️‍🌈", "\u2028", "\x00", "‹F0›", "<s>"])
def test_a_character_of_several_bytes_is_pinned_whole(
    model: TwoTower, read: Callable[..., Positions], text: str
) -> None:
    assert text_of(model, read(f"1:{text}", most=64)) == text


def test_pins_come_in_the_order_of_the_text(read: Callable[..., Positions]) -> None:
    assert [position for position, _ in read("20: cat", "3: cat", "5: cat")] == [2, 4, 19]


def test_nothing_pinned_needs_no_tokenizer(tiny_model: TwoTower) -> None:
    settings = SamplingSettings(seed=1)
    assert with_pins(tiny_model, settings, []) is settings


def test_pins_become_part_of_the_settings(model: TwoTower, read: Callable[..., Positions]) -> None:
    settings = with_pins(model, SamplingSettings(max_new_tokens=16, seed=5), ["3: cat"])
    assert settings == SamplingSettings(max_new_tokens=16, seed=5, pins=read("3: cat"))


@pytest.mark.parametrize("written", ["cat", ":cat", "x:cat", "-1:cat", "1.5:cat", "²:cat", "", "0:cat", "33:cat"])
def test_a_pin_needs_a_slot_of_the_text(read: Callable[..., Positions], written: str) -> None:
    error = refused(read, written)
    assert error.value == written
    assert "1 to 32" in error.allowed
    assert "'13: cat'" in error.allowed


def test_a_number_no_one_can_mean_is_refused_like_any_other(read: Callable[..., Positions]) -> None:
    refused(read, "9" * 5000 + ":cat")


def test_the_last_slot_can_be_pinned_and_no_text_runs_past_it(read: Callable[..., Positions]) -> None:
    assert [position for position, _ in read("32: cat")] == [31]
    assert "would end in 33" in refused(read, "32: cat cat").allowed


def test_an_empty_text_pins_nothing(read: Callable[..., Positions]) -> None:
    assert "not empty" in refused(read, "3:").allowed


def test_two_pins_cannot_share_a_slot(read: Callable[..., Positions]) -> None:
    error = refused(read, "3: cat cat", "4: dog")
    assert error.value == "4: dog"
    assert "'3: cat cat' takes slot 4" in error.allowed
    assert len(read("3: cat cat", "5: dog")) == 3


def test_the_mask_token_is_no_word(read: Callable[..., Positions]) -> None:
    assert "<mask>" in refused(read, "3: a<mask>").allowed


def test_nothing_stands_behind_a_pinned_end(model: TwoTower, read: Callable[..., Positions]) -> None:
    assert read("4:</s>", "3: cat")[-1] == (3, model.tokenizer.eos_token_id)
    error = refused(read, "4:</s>", "9: cat")
    assert (error.value, "behind slot 4" in error.allowed) == ("9: cat", True)
    assert refused(read, "4:</s> cat").value == "4:</s> cat"


def test_half_of_a_surrogate_pair_is_no_text(read: Callable[..., Positions]) -> None:
    assert "surrogates" in refused(read, "3: \ud83d").allowed


def test_only_diffusion_keeps_pins() -> None:
    for lane in LANES:
        check_lane(lane, [])
    check_lane("diffusion", ["3: cat"])
    for lane in set(LANES) - {"diffusion"}:
        with pytest.raises(InputError, match=f"pin is '3: cat'; allowed: none in lane {lane}: .*left to right"):
            check_lane(lane, ["3: cat"])


def test_a_race_says_which_lanes_run_without() -> None:
    assert lanes_without_pins(["diffusion"]) is None
    said = lanes_without_pins(["diffusion", "autoregressive", "verify"])
    assert said == "Without the pins, which only diffusion can write around: autoregressive, verify."


def test_what_is_no_pin_has_no_halves() -> None:
    assert split_pin("cat") is None
    assert split_pin("0:") == Pin(0, "")
