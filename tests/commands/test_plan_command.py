"""`plan`: figures from config.json alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from released import SHAPE

from twotower.cli import main


def test_the_released_shape_needs_no_weights(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--model", str(SHAPE), "--dtype", "bfloat16", "--json", "-"]) == 0
    *text, last = capsys.readouterr().out.splitlines()
    body = json.loads(last)
    assert round(body["parameters"] / 1e9, 1) == 63.2
    assert body["weights_bytes"] == sum(part["bytes"] for part in body["parts"] if part["parameters"])
    assert body["devices"][0]["needed_bytes"] == sum(part["bytes"] for part in body["parts"])
    assert body["forms"]["--device cuda:0"][0] > body["weights_bytes"]
    assert any("MoE layers × 23" in line for line in text)


def test_a_folder_needs_its_config_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.json").write_text(SHAPE.read_text())
    assert main(["plan", "--model", str(tmp_path), "--dtype", "bfloat16"]) == 0
    assert "126.4 GB" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--tokens", "0"], "--tokens is 0"),
        (["--json", "."], "--json is '.'"),
        (["--model", "no/such/folder/here"], "model is"),
        (["--dtype", "int3"], "dtype is 'int3'"),
    ],
)
def test_bad_input_is_named(words: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *words]) == 2
    assert named in capsys.readouterr().err


def test_a_model_that_cannot_fit_is_refused_before_its_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = json.loads(SHAPE.read_text()) | {"hidden_size": 268800}
    (tmp_path / "config.json").write_text(json.dumps(wide))  # and no weights, which nobody will miss
    assert main(["generate", "--model", str(tmp_path), "--device", "cpu"]) == 2
    said = capsys.readouterr().err
    assert "model is" in said
    assert "cpu has free" in said
    assert "--denoiser-device none" in said
