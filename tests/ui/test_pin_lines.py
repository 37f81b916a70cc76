"""The box of pins as text: a line changes, its neighbours stay as somebody wrote them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twotower.errors import InputError
from twotower.ui.pin_lines import drop_pin, pin_lines, put_pin

WORDS = st.text(st.characters(exclude_characters="\n"), min_size=1, max_size=12)
BOXES = st.dictionaries(st.integers(1, 99), WORDS, max_size=5)


def box(pins: dict[int, str]) -> str:
    return "\n".join(f"{slot}:{words}" for slot, words in pins.items())


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ()),
        (None, ()),
        (" \n\n", ()),
        ("3: cat\n\n 9:x ", ("3: cat", " 9:x ")),
        ("3: ", ("3: ",)),  # a space is a word to pin
        ("3:a\u2028b", ("3:a\u2028b",)),
    ],
)
def test_lines_that_say_nothing_are_no_pins(text: str | None, lines: tuple[str, ...]) -> None:
    assert pin_lines(text) == lines


def test_what_is_no_text_is_no_box() -> None:
    with pytest.raises(InputError, match="pin is 7"):
        pin_lines(7)


@given(BOXES, st.integers(1, 99), WORDS)
def test_a_pin_is_added_or_replaced_and_nothing_else_changes(pins: dict[int, str], slot: int, words: str) -> None:
    assert put_pin(box(pins), slot, words) == box(pins | {slot: words})


@given(BOXES, st.integers(1, 99))
def test_a_pin_is_dropped_and_nothing_else_changes(pins: dict[int, str], slot: int) -> None:
    assert drop_pin(box(pins), slot) == box({at: words for at, words in pins.items() if at != slot})


def test_a_line_nobody_can_read_is_not_lost() -> None:
    assert put_pin("cat\n03: a\n3: b", 3, " c") == "cat\n3: c"
    assert drop_pin("cat\n3: a", 3) == "cat"


def test_a_line_break_would_be_two_pins() -> None:
    with pytest.raises(InputError, match="line break"):
        put_pin("", 3, "a\n9:b")
