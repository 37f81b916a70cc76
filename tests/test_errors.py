"""Messages that a person can mend something by."""

from __future__ import annotations

from twotower.errors import InputError


def test_field_value_and_what_is_allowed() -> None:
    assert str(InputError("steps", 0, "at least 1")) == "steps is 0; allowed: at least 1."


def test_of_a_long_value_both_ends_are_shown() -> None:
    message = str(InputError("data", "/a/very/long/way/" + "down/" * 40 + "stories.txt", "a file"))
    assert message.startswith("data is '/a/very/long/way/down/")
    assert message.endswith("/down/stories.txt'; allowed: a file.")
    assert len(message) < 120
