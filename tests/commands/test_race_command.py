"""`race`: a table for people, JSON for programs, both from the same runs."""

from __future__ import annotations

import json

import pytest

from twotower.cli import main

SHORT = ["--max-new-tokens", "20", "--repeats", "2"]


def test_the_table_and_the_json_tell_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["race", *SHORT, "--seed", "3", "--json", "-"]) == 0
    *table, last = capsys.readouterr().out.splitlines()
    body = json.loads(last)
    assert list(body["lanes"]) == ["diffusion", "autoregressive"]
    assert body["seed"] == 3
    for lane, standing in body["lanes"].items():
        row = next(line for line in table if line.startswith(lane))
        assert f"{standing['decode_seconds']['median']:.3f}" in row
        assert f"{standing['speed_up']['median']:.2f}" in row
        assert len(standing["runs"]) == 2
        assert all(run["tokens"] == 20 for run in standing["runs"])
    assert any("won" in line or "Even" in line for line in table)


def test_one_lane_has_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["race", *SHORT, "--lanes", "mock-ar"]) == 0
    out = capsys.readouterr().out
    assert "mock-ar" in out
    assert "won" not in out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--repeats", "0"], ["--repeats", "0"]),
        (["--lanes", "diffusion", "up"], ["lane", "up"]),
        (["--lanes", "diffusion", "diffusion"], ["--lanes", "once"]),
        (["--threshold", "nan"], ["threshold"]),
    ],
)
def test_bad_input_is_named(capsys: pytest.CaptureFixture[str], arguments: list[str], named: list[str]) -> None:
    assert main(["race", *arguments]) == 2
    said = capsys.readouterr().err
    assert all(word in said for word in named)
