"""`train`: from files to a model with its card; what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from twotower.cli import main

SMALL = [
    *("--context-steps", "2", "--denoiser-steps", "2", "--batch-size", "2"),
    *("--sequence-length", "32", "--vocab-size", "300", "--save-every", "2"),
]


@pytest.fixture
def asked(tmp_path: Path) -> list[str]:
    for name, count in (("stories.txt", 60), ("held-out.txt", 30)):
        text = "".join(f"Lily had {n} shells and went home.\n<|endoftext|>\n" for n in range(count))
        (tmp_path / name).write_text(text, encoding="utf-8")
    files = ["--data", str(tmp_path / "stories.txt"), "--validation", str(tmp_path / "held-out.txt")]
    return ["train", *files, "--run", str(tmp_path / "run"), "--out", str(tmp_path / "out"), "--device", "cpu"]


def test_a_model_and_its_card(asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*asked, *SMALL, "--credit", "Made up, CC0"]) == 0
    assert "validation losses" in capsys.readouterr().out
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "`stories.txt`: 60 documents" in card
    assert "Made up, CC0" in card
    assert "--context-steps 2" in card
    assert str(tmp_path) not in card
    assert main(["generate", "--model", str(tmp_path / "out"), "--max-new-tokens", "8"]) == 0


def test_a_finished_run_is_resumed_at_its_end(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*asked, *SMALL]) == 0
    first = capsys.readouterr().out
    log = (tmp_path / "run" / "log.csv").read_text()
    assert main([*asked, *SMALL]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == first.splitlines()[-1]
    assert (tmp_path / "run" / "log.csv").read_text() == log


def test_a_run_begun_otherwise_is_not_resumed(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*asked, *SMALL]) == 0
    assert main([*asked, *SMALL, "--seed", "9"]) == 2
    assert "seed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--batch-size", "0"], "batch_size"),
        (["--context-steps", "-1"], "context_steps"),
        (["--sequence-length", "40"], "sequence_length"),
        (["--device", "abacus"], "--device"),
        (["--sequence-length", "100000"], "data"),
    ],
)
def test_bad_input_is_named(
    asked: list[str], capsys: pytest.CaptureFixture[str], arguments: list[str], named: str
) -> None:
    assert main([*asked, *SMALL, *arguments]) == 2
    assert named in capsys.readouterr().err


def test_missing_data_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--data", "gone.txt", "--validation", "gone.txt"]) == 2
    assert "gone.txt" in capsys.readouterr().err
