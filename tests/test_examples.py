"""The example prompts of a model: written, read, and refused where they are no use."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.released import RELEASED
from twotower import DEFAULT_MODEL, TwoTowerConfig
from twotower.errors import CheckpointError
from twotower.examples import FILE, Example, Examples, find_examples, read_examples, write_examples
from twotower.examples import KEPT as FOLDER_OF_KEPT
from twotower.model.releases import RELEASES

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


def test_a_released_model_without_examples_gets_those_kept_for_it(tmp_path: Path) -> None:
    found = find_examples(tmp_path, RELEASED)
    assert found is not None
    assert len({example.name for example in found.prompts}) == len(found.prompts) >= 5
    for example in found.prompts:
        assert example.speed_up is None  # nobody has measured them
        assert example.prompt.strip()
        assert "<|im_" not in example.prompt  # a base model continues texts, it does not chat


def test_a_folders_own_examples_come_first(tmp_path: Path) -> None:
    write_examples(tmp_path, KEPT)
    assert find_examples(tmp_path, RELEASED) == KEPT


def test_other_shapes_get_none_of_them(tmp_path: Path) -> None:
    assert find_examples(tmp_path, replace(RELEASED, hidden_size=64)) is None
    assert find_examples(DEFAULT_MODEL, TwoTowerConfig.from_folder(DEFAULT_MODEL)) == read_examples(DEFAULT_MODEL)


def test_every_kept_file_belongs_to_a_release() -> None:
    assert {file.stem for file in FOLDER_OF_KEPT.iterdir()} == {release.name for release in RELEASES}
