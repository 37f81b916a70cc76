"""The README keeps its body and the requirements their pins, whatever is written of them anew."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from test_card import VALUES

from twotower.errors import InputError
from twotower.space.card import Card
from twotower.space.profiles import Space
from twotower.space.rendering import pins, readme, rendered, requirements

CARD = Card.read(VALUES)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")))
def test_the_body_of_the_readme_is_left_as_it_is(body: str) -> None:
    body = "\n" + body  # no front matter of its own
    once = readme(body, CARD)
    assert once.endswith(body)
    assert readme(once, CARD) == once
    other = Card.read({**VALUES, "title": "Another"})
    assert readme(once, other) == readme(body, other)


def test_a_rule_in_the_body_is_no_fence(root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    assert text.endswith("---\n\nA body with a rule.\n")
    assert yaml.safe_load(text.split("---\n")[1])["title"] == "Two"


def test_rendering_twice_changes_nothing(root: Path) -> None:
    for name, text in rendered(root, Space.read(root)).items():
        assert (root / name).read_text(encoding="utf-8") == text


def test_a_profile_has_the_same_pins_but_for_its_own(root: Path) -> None:
    space = Space.read(root)
    base = (root / "requirements.txt").read_text(encoding="utf-8")
    assert requirements(base, space.first) == base
    assert pins(requirements(base, space.profile("lent"))) == [("gradio", "6.31.0"), ("torch", "2.11.0")]


def test_a_version_of_a_package_nobody_pins_is_refused(root: Path) -> None:
    with pytest.raises(InputError, match="lent: requirements is 'torch'"):
        requirements("gradio==6.31.0\n", Space.read(root).profile("lent"))
