"""`evaluate`: tables for people, rows for programs, measured examples for the page; bad input in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from twotower import DEFAULT_MODEL
from twotower.cli import main
from twotower.commands import evaluate
from twotower.evaluation.arms import BASELINE, Arm
from twotower.evaluation.beginnings import BEGINNINGS
from twotower.evaluation.evaluate import Outcome
from twotower.examples import FILE, Example, Examples, read_examples, write_examples
from twotower.marks import marks
from twotower.metrics import Metrics

SMALL = ["--instances", "1", "--stories", "1", "--arms", "T=1"]
BEGIN, END = marks("evaluation")
SUBJECTS = ["counting", "all tasks", "sorting", "stories"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The embedded model in a folder of its own, without examples."""
    folder = tmp_path / "model"
    folder.mkdir()
    for file in DEFAULT_MODEL.iterdir():
        if file.name != FILE:
            (folder / file.name).symlink_to(file)
    return folder


@pytest.fixture(autouse=True)
def short_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "LONGEST_ANSWER", 24)
    monkeypatch.setattr(evaluate, "LONGEST_STORY", 20)


def test_tables_for_people_and_rows_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "table.md"
    file.write_text(f"before\n{BEGIN}\nyesterday\n{END}\nafter\n", encoding="utf-8")
    assert main(["evaluate", *SMALL, "--tasks", "counting", "sorting", "--markdown", str(file)]) == 0
    where, *tables, last = capsys.readouterr().out.splitlines()
    body = json.loads(last)
    assert where == body["where"]
    assert where.startswith(f"{DEFAULT_MODEL.name} on ")
    rows = {(row["subject"], row["arm"]): row for row in body["rows"]}
    assert set(rows) == {(subject, arm) for subject in SUBJECTS for arm in ("AR", "T=1")}
    assert [rows[subject, "T=1"]["prompts"] for subject in SUBJECTS] == [1, 2, 1, 1]
    assert all(rows[subject, "AR"]["speed_up"] == 1.0 for subject in SUBJECTS)
    assert rows["stories", "T=1"]["accuracy"] is None
    assert rows["stories", "T=1"]["log_likelihood"] < 0
    assert rows["sorting", "T=1"]["log_likelihood"] is None
    shown = next(line for line in tables if line.startswith("T=1"))
    assert f"{rows['all tasks', 'T=1']['speed_up']:.2f}×" in shown
    assert any(line.startswith("Stories (1 prompts)") for line in tables)
    written = file.read_text(encoding="utf-8")
    assert written.startswith(f"before\n{BEGIN}\nMeasured by `evaluate`: {where}.\n\n| All tasks (2 prompts) | right |")
    assert written.endswith(f"{END}\nafter\n")
    assert "yesterday" not in written


def test_drafts_are_counted_and_compared_with_ars_text(capsys: pytest.CaptureFixture[str]) -> None:
    arms = ["verify", "verify K=1", "entropy 0.1"]
    assert main(["evaluate", *SMALL[:4], "--tasks", "counting", "--arms", *arms]) == 0
    *tables, last = capsys.readouterr().out.splitlines()
    rows = {(row["subject"], row["arm"]): row for row in json.loads(last)["rows"]}
    for subject in ("all tasks", "stories"):
        for arm in arms[:2]:
            drafted = rows[subject, arm]
            assert (drafted["same_as_ar"], drafted["accuracy"]) == (1.0, rows[subject, "AR"]["accuracy"])
            assert 0 < drafted["accepted_per_round"] < 16
            assert drafted["passes_per_token"] > 0
        assert rows[subject, "AR"]["accepted_per_round"] is rows[subject, "entropy 0.1"]["accepted_per_round"] is None
    shown = next(line for line in tables if line.startswith("verify K=1"))
    assert shown.split()[-1] == f"{rows['all tasks', 'verify K=1']['accepted_per_round']:.2f}"


def test_the_rows_may_go_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.json"
    assert main(["evaluate", *SMALL, "--tasks", "counting", "--json", str(file)]) == 0
    assert len(json.loads(file.read_text(encoding="utf-8"))["rows"]) == 6
    assert "{" not in capsys.readouterr().out


@pytest.mark.parametrize("bits", ["8", "4"])
def test_quantised_weights_are_measured_and_named(bits: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", *SMALL, "--tasks", "counting", "--quantize", bits, "--dtype", "bfloat16"]) == 0
    where, *_, last = capsys.readouterr().out.splitlines()
    assert where.endswith(f", bfloat16, {bits}-bit weights")
    assert {row["arm"] for row in json.loads(last)["rows"]} == {"AR", "T=1"}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--quantize", "3"], ["bits is 3", "8 or 4"]),
        (["--quantize", "4", "--engine", "traced"], ["engine is 'traced'", "plain, as quantised experts"]),
        (["--tasks", "juggling"], ["--tasks is 'juggling'", "sums, few-shot sums, word problems"]),
        (["--tasks", "sums", "Sums"], ["--tasks is 'Sums'", "facts"]),
        (["--instances", "0"], ["--instances is 0", "a whole number of at least 1"]),
        (["--instances", "-4"], ["--instances is -4", "at least 1"]),
        (["--stories", "0"], ["--stories is 0", f"from 1 to {len(BEGINNINGS)}"]),
        (["--stories", "1000"], ["--stories is 1000", f"from 1 to {len(BEGINNINGS)}"]),
        (["--arms", "T=3"], ["--arms is 'T=3'", "AR, verify, verify K=1", "mock-AR"]),
        (["--json", "no/such/folder/x"], ["--json is 'no/such/folder/x'", "can be written", "- for the screen"]),
        (["--json", "."], ["--json is '.'", "can be written"]),
        (["--markdown", "no/such/folder/x"], ["--markdown is 'no/such/folder/x'", "a file that can be written"]),
        (["--markdown", "."], ["--markdown is '.'", "a file that can be written"]),
    ],
)
def test_bad_input_is_named_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], named: list[str]
) -> None:
    assert main(["evaluate", *SMALL, *arguments]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert all(word in said.err for word in named), said.err
    assert said.out == ""


def test_markdown_goes_to_no_file_called_minus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", *SMALL, "--tasks", "counting", "--markdown", "-"]) == 2
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize("arguments", [["--instances", "many"], ["--tasks"], ["--arms"], ["--wings", "2"]])
def test_what_is_no_option_ends_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", *arguments])
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_examples_are_measured_and_kept_with_the_model(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evaluate, "EXAMPLE_REPEATS", 2)
    before = Examples((Example("A start", "Once upon a time"), Example("Nothing", "", 123.0)))
    write_examples(model, before)
    assert main(["evaluate", "--model", str(model), "--examples"]) == 0
    after = read_examples(model)
    assert after is not None
    assert [(each.name, each.prompt) for each in after.prompts] == [(each.name, each.prompt) for each in before.prompts]
    assert re.fullmatch(r"\d+ CPU threads?, float32", after.where)
    for each, line in zip(after.prompts, capsys.readouterr().out.splitlines(), strict=True):
        assert each.speed_up is not None
        assert each.speed_up not in (None, 123.0)
        assert line == f"{each.name}: {each.speed_up:.2f}"


def test_the_figure_is_diffusion_over_autoregression(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def continued(_: object, arms: list[Arm], prompts: list[str], repeats: int) -> Iterator[Outcome]:
        for seconds, prompt in zip((0.5, 4.0), prompts):
            for repeat in range(repeats):
                for arm in arms:
                    took = 1.0 if arm.name == BASELINE else seconds
                    yield Outcome(prompt, repeat, arm.name, Metrics(arm.lane, 10, 0.1, took, {"pass": (took,)}))

    monkeypatch.setattr(evaluate, "continue_prompts", continued)
    write_examples(model, Examples((Example("Fast", "1"), Example("Slow", "2"))))
    assert main(["evaluate", "--model", str(model), "--examples"]) == 0
    after = read_examples(model)
    assert after is not None
    assert [each.speed_up for each in after.prompts] == [2.0, 0.25]


def test_a_model_without_examples_has_none_to_measure(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--model", str(model), "--examples"]) == 2
    assert capsys.readouterr().err == (
        "twotower: --examples is 'model'; allowed: a model whose folder holds examples.json.\n"
    )
    assert not (model / FILE).exists()


def test_an_example_the_model_cannot_read_is_named_and_changes_nothing(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = Examples((Example("Masked", "a <mask> b", 2.0),), "elsewhere")
    write_examples(model, examples)
    assert main(["evaluate", "--model", str(model), "--examples"]) == 2
    assert "<mask>" in capsys.readouterr().err
    assert read_examples(model) == examples
