"""`race`: a table for people, JSON for programs, both from the same runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twotower.cli import main
from twotower.metrics import Metrics
from twotower.recording import Recording

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


def test_the_json_file_has_the_lanes_in_the_order_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "standings.json"
    lanes = ["autoregressive", "mock-ar"]
    assert main(["race", *SHORT, "--lanes", *lanes, "--json", str(file)]) == 0
    body = json.loads(file.read_text(encoding="utf-8"))
    rows = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith(tuple(lanes))]
    assert list(body["lanes"]) == rows == lanes
    assert body["lanes"]["autoregressive"]["speed_up"] == {"median": 1.0, "low": 1.0, "high": 1.0}


def test_one_seed_is_drawn_for_every_lane_and_repeat(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["race", *SHORT, "--temperature", "1.5", "--seed", "-1", "--json", "-"]) == 0
    *table, last = capsys.readouterr().out.splitlines()
    body = json.loads(last)
    assert body["seed"] >= 0
    assert body["settings"]["seed"] == body["seed"]  # drawn before the first lane, so not by any of them
    assert f"seed {body['seed']}" in table[0]


def test_a_lane_without_a_pass_has_dashes_and_no_speed(capsys: pytest.CaptureFixture[str]) -> None:
    # The only token is the prefill's.
    arguments = ["--max-new-tokens", "1", "--repeats", "1", "--lanes", "autoregressive", "diffusion"]
    assert main(["race", *arguments, "--json", "-"]) == 0
    *table, last = capsys.readouterr().out.splitlines()
    assert next(line for line in table if line.startswith("autoregressive")).split()[-3:] == ["–", "–", "–"]
    assert "Too few tokens" in "".join(table)
    assert json.loads(last)["lanes"]["autoregressive"]["tokens_per_second"] is None


def test_a_wide_block_is_noted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["race", *SHORT, "--repeats", "1", "--lanes", "diffusion", "--block-size", "32"]) == 0
    assert "Note: Block size 32 is wider than the 16" in capsys.readouterr().out


def test_a_race_with_pins_says_which_lanes_ran_without(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "race.json"
    lanes = ["autoregressive", "diffusion", "verify"]
    command = ["race", *SHORT[:2], "--repeats", "1", "--lanes", *lanes, "--seed", "3"]
    assert main([*command, "--pin", "9: cat", "--record", str(file), "--json", "-"]) == 0
    *table, last = capsys.readouterr().out.splitlines()
    (note,) = [line for line in table if line.startswith("Note: ")]
    assert note.startswith("Note: Without the pins")
    assert note.endswith(": autoregressive, verify.")
    (pin,) = json.loads(last)["settings"]["pins"]  # of the race, though its first lane has none
    recorded = {lane.trace.started.lane: lane.trace for lane in Recording.from_json(file.read_text("utf-8")).lanes}
    assert recorded["diffusion"].token_ids[8] == pin[1]
    assert pin[0] == 8
    assert recorded["verify"].token_ids == recorded["autoregressive"].token_ids


def test_diffusion_alone_has_nothing_to_say_of_pins(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["race", *SHORT, "--repeats", "1", "--lanes", "diffusion", "--pin", "9: cat"]) == 0
    assert "Note" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--pin", "21: cat", *SHORT], ["pin is '21: cat'", "1 to 20"]),
        (["--repeats", "0"], ["--repeats is 0", "at least 1"]),
        (["--repeats", "-3"], ["--repeats is -3", "at least 1"]),
        (["--lanes", "diffusion", "up"], ["lane", "up", "autoregressive"]),
        (["--lanes", "diffusion", "diffusion"], ["--lanes", "once"]),
        (["--threshold", "nan"], ["threshold is nan", "0 to 1"]),
        (["--block-size", "65"], ["block_size is 65", "64"]),
        (["--prompt", "word " * 3000], ["prompt length", "2048"]),
        ([*SHORT, "--repeats", "1", "--json", "no/such/folder/x"], ["--json", "no/such/folder", "can be written"]),
    ],
)
def test_bad_input_is_named(capsys: pytest.CaptureFixture[str], arguments: list[str], named: list[str]) -> None:
    assert main(["race", *arguments]) == 2
    said = capsys.readouterr().err
    assert all(word in said for word in named)


def test_the_recording_is_the_middle_run_of_each_lane(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "race.json"
    lanes = ["autoregressive", "diffusion"]
    command = ["race", *SHORT[:2], "--repeats", "3", "--lanes", *lanes, "--seed", "3", "--prompt", "Tom  had\na"]
    assert main([*command, "--record", str(file), "--json", "-"]) == 0
    standings = json.loads(capsys.readouterr().out.splitlines()[-1])
    recording = Recording.from_json(file.read_text(encoding="utf-8"))
    assert (recording.name, recording.prompt) == ("Tom had a", "Tom  had\na")
    assert [lane.trace.started.lane for lane in recording.lanes] == lanes
    for lane in recording.lanes:
        standing = standings["lanes"][lane.trace.started.lane]
        middle = sorted(run["decode_seconds"] for run in standing["runs"])[1]
        assert Metrics.of(lane.trace).decode_seconds == pytest.approx(middle, abs=1e-6)
        assert "".join(lane.slot_texts[: lane.trace.finished.tokens]).startswith(lane.text[:10])


def test_a_recording_has_the_name_it_is_given(tmp_path: Path) -> None:
    file = tmp_path / "race.json"
    arguments = ["--repeats", "1", "--max-new-tokens", "4", "--lanes", "mock-ar"]
    assert main(["race", *arguments, "--record", str(file), "--name", "A <name>"]) == 0
    assert Recording.from_json(file.read_text(encoding="utf-8")).name == "A <name>"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--record", "no/such/folder/x"], ["--record", "no/such/folder", "can be written"]),
        (["--record", "-"], ["--record", "'-'", "can be written"]),
        (["--record", "x.json", "--name", "n" * 201], ["name", "200"]),
        (["--record", "x.json", "--max-new-tokens", "9000"], ["max_new_tokens", "9000", "8192"]),
        (["--name", "alone"], ["--name", "alone", "--record"]),
    ],
)
def test_what_cannot_be_recorded_is_refused_before_the_race(
    capsys: pytest.CaptureFixture[str], arguments: list[str], named: list[str]
) -> None:
    assert main(["race", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert all(word in captured.err for word in named)
