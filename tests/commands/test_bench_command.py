"""`bench`: tables for people, figures for programs, charts on request; bad input in one line, before any work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmark.handmade_figures import FIGURES
from twotower import DEFAULT_MODEL, TwoTower
from twotower.cli import main
from twotower.commands import bench
from twotower.marks import marks
from twotower.model.configuration import TwoTowerConfig

BEGIN, END = marks("bench")
Calls = list[tuple[TwoTower, int, int, bool]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What `benchmark` was called with; it measures nothing."""
    calls = []

    def measured(model: TwoTower, repeats: int, longest: int, peers: bool, say: object) -> object:
        calls.append((model, repeats, longest, peers))
        return FIGURES

    monkeypatch.setattr(bench, "benchmark", measured)
    return calls


def test_the_last_line_has_what_the_tables_show(asked: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--repeats", "2", "--longest", "512", "--peers"]) == 0
    ((model, *rest),) = asked
    assert (model.name, rest) == (DEFAULT_MODEL.name, [2, 512, True])
    *tables, last = capsys.readouterr().out.splitlines()
    body = json.loads(last)
    assert body["costs"]["passes_a_block"] == 6.0
    assert body["peers"][0]["agreed"] == 31
    assert body["by_context"][1]["beyond"] is True
    assert any("times the floor" in line for line in tables)


def test_everything_has_a_default(asked: Calls) -> None:
    assert main(["bench"]) == 0
    assert asked[0][1:] == (5, 8192, False)


def test_figures_tables_and_charts_go_to_files(
    asked: Calls, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures, table, charts = (tmp_path / name for name in ("bench.json", "bench.md", "bench.html"))
    table.write_text(f"before\n{BEGIN}\nyesterday\n{END}\nafter\n", encoding="utf-8")
    assert main(["bench", "--json", str(figures), "--markdown", str(table), "--plot", str(charts)]) == 0
    assert json.loads(figures.read_text(encoding="utf-8"))["setting"]["model"] == "tiny"
    written = table.read_text(encoding="utf-8")
    assert written.startswith(f"before\n{BEGIN}\nMeasured by `bench`: tiny")
    assert written.endswith(f"{END}\nafter\n")
    assert "yesterday" not in written
    assert charts.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "{" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--repeats", "0"], ["--repeats is 0", "from 1 to 100"]),
        (["--repeats", "-2"], ["--repeats is -2", "from 1 to 100"]),
        (["--repeats", "101"], ["--repeats is 101", "from 1 to 100"]),
        (["--longest", "255"], ["--longest is 255", "from 256 to 131072"]),
        (["--longest", "131073"], ["--longest is 131073", "from 256 to 131072"]),
        (["--json", "no/such/folder/x"], ["--json is 'no/such/folder/x'", "can be written", "- for the screen"]),
        (["--plot", "no/such/folder/x"], ["--plot is 'no/such/folder/x'", "a file that can be written"]),
        (["--plot", "-"], ["--plot is '-'", "a file that can be written"]),
        (["--markdown", "."], ["--markdown is '.'", "a file that can be written"]),
        (["--shapes", "no/such/config.json"], ["--shapes is 'no/such/config.json'", "the config.json of a model"]),
        (["--shapes", "x", "--model", "y"], ["--shapes is 'x'", "not beside it"]),
        (["--device", "abacus"], ["device", "abacus", "cpu"]),
        (["--dtype", "int4"], ["dtype", "int4", "bfloat16"]),
        (["--engine", "steam"], ["engine is 'steam'", "plain, traced"]),
        (["--model", "nowhere/at/all"], ["model", "nowhere/at/all"]),
    ],
)
def test_bad_input_is_named_in_one_line(
    asked: Calls,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    named: list[str],
) -> None:
    assert main(["bench", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    for word in named:
        assert word in said
    assert asked == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("not json", "not JSON"),
        ("[]", "does not hold an object"),
        ('{"model_type": "llama"}', "model_type"),
        ('{"model_type": "nemotron_h", "hybrid_override_pattern": "XY", "vocab_size": 9, "hidden_size": 4}', "XY"),
        ('{"model_type": "nemotron_h", "hybrid_override_pattern": "M", "vocab_size": 9, "hidden_size": 4}', "mamba"),
        ('{"model_type": "nemotron_h", "hybrid_override_pattern": "-", "vocab_size": "9", "hidden_size": 4}', "size"),
        ("\ufeff{}", "--shapes"),
    ],
)
def test_a_shape_that_is_no_config_is_named(
    asked: Calls,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    named: str,
) -> None:
    file = tmp_path / "shape.json"
    file.write_text(text, encoding="utf-8")
    assert main(["bench", "--shapes", str(file)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "--shapes" in said
    assert named in said
    assert asked == []


def test_a_shape_runs_by_the_engine_asked_for(asked: Calls, tiny_config: TwoTowerConfig, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(tiny_config.to_json(), encoding="utf-8")
    for engine in ("plain", "traced"):
        assert main(["bench", "--shapes", str(file), "--device", "cpu", "--engine", engine]) == 0
    assert main(["bench", "--shapes", str(file), "--device", "cpu"]) == 0
    assert [model.engine.name for model, *_ in asked] == ["plain", "traced", "traced"]
    assert main(["bench", "--shapes", str(file), "--engine", "steam"]) == 2


def test_a_file_without_marks_is_kept_and_named_before_any_work(
    asked: Calls, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "notes.md"
    file.write_text("<!-- evaluation -->\nother marks\n<!-- /evaluation -->\n", encoding="utf-8")
    assert main(["bench", "--markdown", str(file)]) == 2
    assert "<!-- bench -->" in capsys.readouterr().err
    assert "other marks" in file.read_text(encoding="utf-8")
    assert asked == []
