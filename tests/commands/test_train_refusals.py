"""What `train` refuses in one line, before any hour is spent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from twotower.cli import main
from twotower.training.loop import Trainer

Command = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here gets as far as training."""

    def run(_: Trainer) -> float:
        raise AssertionError("training began")

    monkeypatch.setattr(Trainer, "run", run)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"batch_size": 0}, ["batch_size is 0", "at least 1"]),
        ({"context_steps": -1}, ["context_steps is -1", "at least 1"]),
        ({"denoiser_steps": 0}, ["denoiser_steps is 0", "at least 1"]),
        ({"parallel_steps": 0}, ["parallel_steps is 0", "at least 1"]),
        ({"retold": -1}, ["retold is -1", "at least 0"]),
        ({"task_share": 1.0}, ["task_share is 1.0", "from 0 up to 1"]),
        ({"task_share": -0.5}, ["task_share is -0.5", "from 0 up to 1"]),
        ({"save_every": 0}, ["save_every is 0", "at least 1"]),
        ({"sequence_length": 40}, ["sequence_length is 40", "a multiple of the block, 16"]),
        ({"sequence_length": 100_000}, ["data is", "tokens", "at least 300000 tokens"]),
        ({"data": "gone.txt"}, ["data is 'gone.txt'", "a text file"]),
        ({"validation": "gone.txt"}, ["gone.txt", "a text file"]),
        ({"device": "abacus"}, ["device is 'abacus'", "cpu"]),
        ({"seed": -1}, ["seed is -1"]),
        ({"first_stage": "parallel"}, ["--first-stage is 'parallel'", "context"]),
        ({"model": "gone"}, ["--vocab-size is 300", "--model"]),
        ({"vocab_size": -5}, ["vocab", "-5"]),
        ({"vocab_size": 0}, ["vocab"]),
        ({"width": 0}, ["width is 0", "a multiple of 96"]),
        ({"units": 0}, ["units is 0"]),
        # 256 bytes and four special tokens: with less, the tokenizer would quietly be larger than asked for.
        ({"vocab_size": 259}, ["vocab", "260"]),
    ],
)
def test_bad_input_names_field_value_and_what_is_allowed(
    command: Command,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, object],
    named: list[str],
) -> None:
    assert main(command(folder, **changes)) == 2
    said = capsys.readouterr().err
    assert all(word in said for word in named), said


@pytest.mark.parametrize("content", [b"", b"\n<|endoftext|>\n", b"\xff\xfe\x80" * 100])
@pytest.mark.parametrize("file", ["stories.txt", "held-out.txt"])
def test_a_file_without_documents_is_named(
    command: Command, folder: Path, capsys: pytest.CaptureFixture[str], file: str, content: bytes
) -> None:
    (folder / file).write_bytes(content)
    assert main(command(folder)) == 2
    assert file in capsys.readouterr().err


@pytest.mark.parametrize("option", ["out", "run"])
def test_a_place_that_is_no_folder_is_named_before_the_first_step(
    command: Command, folder: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    (folder / "taken").write_text("a file", encoding="utf-8")
    assert main(command(folder, **{option: folder / "taken"})) == 2
    assert "taken" in capsys.readouterr().err
