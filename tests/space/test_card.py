"""The card keeps the Hub's rules, and becomes front matter that reads back as it was."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from twotower.errors import InputError
from twotower.space.card import COLOURS, LONGEST_DESCRIPTION, Card

VALUES: dict[str, Any] = {
    "title": "Two",
    "emoji": "🗼",
    "colorFrom": "yellow",
    "colorTo": "blue",
    "sdk": "gradio",
    "sdk_version": "6.31.0",
    "python_version": "3.12",
    "app_file": "app.py",
    "license": "apache-2.0",
    "short_description": "One against the other",
    "tags": ["diffusion"],
}


def test_the_front_matter_says_what_the_card_holds_and_nothing_empty() -> None:
    assert yaml.safe_load(Card.read(VALUES).front_matter()) == VALUES


words = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)


@given(words, words, st.lists(words, min_size=1, max_size=4))
def test_whatever_a_card_says_reads_back_as_text(title: str, emoji: str, tags: list[str]) -> None:
    values = {**VALUES, "title": title, "emoji": emoji, "tags": tags}
    assert yaml.safe_load(Card.read(values).front_matter()) == values


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("colorFrom", "orange", "yellow, green"),
        ("colorTo", None, "text"),
        ("sdk", "docker", "gradio"),
        ("sdk_version", "6.31", "6.31.0"),
        ("python_version", 3.1, "quotes"),
        ("python_version", "2.7", '"3.12"'),
        ("short_description", "x" * (LONGEST_DESCRIPTION + 1), "at most 60 characters; these are 61"),
        ("startup_duration_timeout", "soon", "30m or 2h"),
        ("title", "  ", "text"),
        ("tags", "diffusion", "a list"),
        ("models", [1], "text"),
    ],
)
def test_a_wrong_value_is_refused_by_name(field: str, value: object, allowed: str) -> None:
    with pytest.raises(InputError) as caught:
        Card.read({**VALUES, field: value})
    assert caught.value.field == f"card: {field}"
    assert allowed in caught.value.allowed


def test_every_colour_of_the_hub_and_the_longest_description_pass() -> None:
    for colour in COLOURS:
        assert Card.read({**VALUES, "colorTo": colour, "short_description": "x" * LONGEST_DESCRIPTION})


def test_what_is_missing_or_unknown_is_named() -> None:
    with pytest.raises(InputError, match="card: emoji is None"):
        Card.read({name: value for name, value in VALUES.items() if name != "emoji"})
    with pytest.raises(InputError, match="key is 'colourFrom'; allowed: title"):
        Card.read({**VALUES, "colourFrom": "red"})
