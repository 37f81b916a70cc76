"""The example prompts of a model: written, read, and refused where they are no use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twotower.errors import CheckpointError
from twotower.examples import FILE, Example, Examples, read_examples, write_examples

KEPT = Examples(
    (Example("Sums", "Add: 1 + 2\nAnswer:", 2.5), Example("Open ✨", "Es war “einmal”"), Example("None", "", 0.5)),
    "2 CPU threads, float32",
)


def body(**entry: object) -> str:
    return json.dumps({"prompts": [{"name": "a", "prompt": "b", "speed_up": None, **entry}], "where": ""})


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    write_examples(tmp_path, KEPT)
    assert read_examples(tmp_path) == KEPT


def test_the_file_is_one_a_person_can_read(tmp_path: Path) -> None:
    write_examples(tmp_path, KEPT)
    text = (tmp_path / FILE).read_text(encoding="utf-8")
    assert "Open ✨" in text
    assert text.endswith("}\n")
    assert len(text.splitlines()) > 10


def test_a_speed_up_may_be_left_out(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"prompts": [{"name": "a", "prompt": "b"}], "where": ""}', encoding="utf-8")
    assert read_examples(tmp_path) == Examples((Example("a", "b"),))


def test_a_folder_without_the_file_has_none(tmp_path: Path) -> None:
    assert read_examples(tmp_path) is None
    assert read_examples(tmp_path / "gone") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        "7",
        "{}",
        '{"prompts": []}',
        '{"where": ""}',
        '{"prompts": null, "where": ""}',
        '{"prompts": ["a"], "where": ""}',
        '{"prompts": [{"name": "a"}], "where": ""}',
        body(colour="red"),
        "[" * 100_000,
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"examples\.json"):
        read_examples(tmp_path)


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'{"prompts": "\xff"}')
    with pytest.raises(CheckpointError, match=r"examples\.json"):
        read_examples(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        '{"prompts": [], "where": ""}',
        body(speed_up="fast"),
        body(speed_up=0),
        body(speed_up=-1),
        body(speed_up=float("nan")),
        body(prompt=7),
        body(prompt=None),
        body(name=["a"]),
    ],
)
def test_values_the_page_cannot_show_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"examples\.json"):
        read_examples(tmp_path)


def test_a_measurement_is_kept_to_three_digits_and_changes_nothing_else() -> None:
    assert Example("a", "b", 9.0).measured(1.23456) == Example("a", "b", 1.23)
    assert Example("a", "b").measured(0.00123456) == Example("a", "b", 0.00123)
