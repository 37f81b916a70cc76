"""`train`: from files to a model with its card, and a run taken up again."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

from twotower import TwoTower
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
        rows = [row for row in csv.DictReader(file) if row["validation_text"]]
    losses = {row["stage"]: [float(row[f"validation_{kind}"]) for kind in ("text", "tasks")] for row in rows}
    table = card[card.index("| stage | steps | tokens read | held-out text | held-out tasks |") :]
    said = re.findall(r"^\|[^|]* tower[^|]*\| (\d+) \| ([\d,]+) \| ([\d.]+) \| ([\d.]+) \|$", table, re.MULTILINE)
    assert [(steps, tokens) for steps, tokens, *_ in said] == [("1", "256"), ("2", "512"), ("3", "768")]
    for stage, (_, _, *figures) in zip(("context", "denoiser", "parallel"), said):
        assert [float(figure) for figure in figures] == pytest.approx(losses[stage], abs=6e-4)


def test_the_card_says_which_part_is_tasks_and_shows_the_curves(finished: Path, card: str) -> None:
    assert "25% of the batches are tasks" in card
    (picture,) = re.findall(r"!\[.*\]\((.*)\)", card)
    root = ElementTree.parse(finished / "out" / picture).getroot()
    assert len(root.findall("{http://www.w3.org/2000/svg}polyline")) == 9


def test_the_cards_command_says_every_option_that_shaped_the_model_and_no_folder(finished: Path, card: str) -> None:
    (said,) = re.findall(r"^python -m twotower train .*$", card, re.MULTILINE)
    for option in (
        "--data stories.txt",
        "--validation held-out.txt",
        "--vocab-size 300",
        "--width 96",
        "--units 1",
        "--context-steps 1",
        "--denoiser-steps 2",
        "--parallel-steps 3",
        "--batch-size 2",
        "--sequence-length 128",
        "--task-share 0.25",
        "--retold 4",
        "--seed 0",
    ):
        assert option in said
    assert str(finished) not in card


def test_a_finished_run_is_resumed_at_its_end(
    command: Command, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = (finished / "run" / "log.csv").read_bytes()
    assert main(command(finished, out=tmp_path / "again", credit="Made up, CC0")) == 0
    assert re.search(
        r"validation losses context stage text [\d.]+, context stage tasks [\d.]+, .*, parallel stage tasks [\d.]+$",
        capsys.readouterr().out,
        re.MULTILINE,
    )
    assert (finished / "run" / "log.csv").read_bytes() == log
    weights = [(place / "model.safetensors").read_bytes() for place in (finished / "out", tmp_path / "again")]
    assert weights[0] == weights[1]
    assert "- Made up, CC0" in (tmp_path / "again" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "value", "begun"),
    [
        ("batch_size", 3, 2),
        ("sequence_length", 64, 128),
        ("task_share", 0.5, 0.25),
        ("retold", 5, 4),
        ("seed", 9, 0),
        ("context_steps", 2, 1),
        ("denoiser_steps", 3, 2),
        ("parallel_steps", 4, 3),
    ],
)
def test_a_run_is_not_resumed_with_other_data_or_other_stages(
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


@pytest.mark.parametrize(("first", "stages"), [(None, ["denoiser", "parallel"]), ("parallel", ["parallel"])])
def test_a_models_weights_can_be_begun_with(
    command: Command, finished: Path, tmp_path: Path, first: str | None, stages: list[str]
) -> None:
    options = {"model": finished / "out", **({"first-stage": first} if first else {})}
    asked = command(finished, run=tmp_path / "run", out=tmp_path / "out", **options)
    for brought in ("--vocab-size", "--width", "--units"):  # the model brings them
        place = asked.index(brought)
        del asked[place : place + 2]
    assert main(asked) == 0
    with (tmp_path / "run" / "log.csv").open(newline="", encoding="utf-8") as file:
        assert list(dict.fromkeys(row["stage"] for row in csv.DictReader(file))) == stages
    before, after = (TwoTower.from_pretrained(folder).state_dict() for folder in (finished / "out", tmp_path / "out"))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert not any(name.startswith("context") for name in changed)
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert f"--model out --first-stage {stages[0]}" in card
    assert "| context tower: next token |" not in card
