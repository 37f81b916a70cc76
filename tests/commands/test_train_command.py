"""`train`: from files to a model with its card, and a run taken up again."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from twotower.cli import main

Command = Callable[..., list[str]]


@pytest.fixture
def card(finished: Path) -> str:
    return (finished / "out" / "README.md").read_text(encoding="utf-8")


def test_the_model_writes(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--model", str(finished / "out"), "--max-new-tokens", "8", "--seed", "1"]) == 0
    assert re.search(r"^diffusion: \d tokens in ", capsys.readouterr().out, re.MULTILINE)


def test_the_card_says_which_files(card: str) -> None:
    assert "- `stories.txt`: 60 documents" in card
    assert "never trained on: `held-out.txt`" in card


def test_the_card_says_steps_tokens_and_the_losses_of_the_log(finished: Path, card: str) -> None:
    with (finished / "run" / "log.csv").open(newline="", encoding="utf-8") as file:
        losses = {row["stage"]: float(row["validation"]) for row in csv.DictReader(file) if row["validation"]}
    for stage, steps, tokens in (("context", 1, 64), ("denoiser", 2, 128)):
        row = re.search(rf"\| {stage} tower \|[^|]*\| (\d+) \| (\d+) \| ([\d.]+) \|", card)
        assert row is not None, stage
        assert (int(row[1]), int(row[2])) == (steps, tokens)
        assert float(row[3]) == pytest.approx(losses[stage], abs=6e-4)


def test_the_cards_command_says_every_option_that_shaped_the_model_and_no_folder(finished: Path, card: str) -> None:
    (said,) = re.findall(r"^python -m twotower train .*$", card, re.MULTILINE)
    for option in ("--vocab-size 300", "--context-steps 1", "--denoiser-steps 2", "--batch-size 2", "--seed 0"):
        assert option in said
    assert str(finished) not in card


def test_a_finished_run_is_resumed_at_its_end(
    command: Command, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = (finished / "run" / "log.csv").read_bytes()
    assert main(command(finished, out=tmp_path / "again", credit="Made up, CC0")) == 0
    assert "validation losses context tower " in capsys.readouterr().out
    assert (finished / "run" / "log.csv").read_bytes() == log
    weights = [(place / "model.safetensors").read_bytes() for place in (finished / "out", tmp_path / "again")]
    assert weights[0] == weights[1]
    assert "- Made up, CC0" in (tmp_path / "again" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "value", "begun"), [("batch_size", 3, 2), ("sequence_length", 16, 32), ("seed", 9, 0)]
)
def test_a_run_is_not_resumed_with_its_data_in_another_order(
    command: Command, finished: Path, capsys: pytest.CaptureFixture[str], name: str, value: int, begun: int
) -> None:
    log = (finished / "run" / "log.csv").read_bytes()
    assert main(command(finished, **{name: value})) == 2
    assert f"{name} is {value}; allowed: {begun}" in capsys.readouterr().err
    assert (finished / "run" / "log.csv").read_bytes() == log


def test_a_run_is_not_resumed_with_another_vocabulary(
    command: Command, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The run's tokenizer stands already: going on would write a card whose command makes another model.
    code = main(command(finished, vocab_size=290, out=tmp_path / "other"))
    assert (code, "vocab" in capsys.readouterr().err) == (2, True)
