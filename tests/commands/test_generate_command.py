"""`generate`: text, a line of figures, a trace; bad input in one line."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch

from tests.hub import HEAD, HubRepository, serve_hub
from twotower import DEFAULT_MODEL, TwoTower
from twotower.cli import main
from twotower.commands import options
from twotower.recording import Recording
from twotower.sampling.generate import LANES
from twotower.sampling.settings import SamplingSettings
from twotower.text import decode
from twotower.trace import Trace

SHORT = ["--max-new-tokens", "12", "--seed", "1"]


@pytest.mark.parametrize("lane", list(LANES))
def test_text_and_figures(capsys: pytest.CaptureFixture[str], lane: str) -> None:
    assert main(["generate", "--prompt", "Once upon a time", "--lane", lane, *SHORT]) == 0
    text, figures = capsys.readouterr().out.rstrip("\n").rsplit("\n", 1)
    assert text.startswith("Once upon a time")
    assert len(text) > len("Once upon a time")
    assert figures.startswith(f"{lane}: 12 tokens in ")
    for part in ("tokens/s", "tokens per pass", "prefill", "seed 1"):
        assert part in figures


def test_the_trace_file_replays_to_the_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "trace.json"
    assert main(["generate", "--prompt", "The cat", *SHORT, "--json", str(file)]) == 0
    body = json.loads(file.read_text(encoding="utf-8"))
    text = body.pop("text")
    trace = Trace.from_json(json.dumps(body))
    assert decode(TwoTower.from_pretrained(DEFAULT_MODEL).tokenizer, trace.token_ids) == text
    assert ("The cat" + text) in capsys.readouterr().out


def test_a_model_of_the_hub_says_its_licence_and_the_trace_says_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve_hub({"owner/name": HubRepository(DEFAULT_MODEL)}) as hub:
        hub.use(monkeypatch, tmp_path)
        assert main(["generate", "--model", "owner/name", *SHORT, "--json", "-"]) == 0
    said = capsys.readouterr()
    assert said.err.count("licence of its weights: apache-2.0") == 1
    assert f"fetching owner/name@{HEAD}" in said.err
    assert json.loads(said.out.splitlines()[-1])["events"][0]["model"] == f"owner/name@{HEAD[:12]}"


def test_a_model_that_the_hub_does_not_have_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve_hub({}) as hub:
        hub.use(monkeypatch, tmp_path)
        assert main(["generate", "--model", "owner/name", *SHORT]) == 2
    assert capsys.readouterr().err.startswith("twotower: owner/name is no folder here")


@pytest.mark.parametrize("lane", list(LANES))
def test_json_on_the_last_line_is_the_trace_of_what_was_printed(capsys: pytest.CaptureFixture[str], lane: str) -> None:
    assert main(["generate", "--prompt", "Tom", "--lane", lane, *SHORT, "--json", "-"]) == 0
    *text, figures, last = capsys.readouterr().out.splitlines()
    body = json.loads(last)
    assert "\n".join(text) == "Tom" + body.pop("text")
    trace = Trace.from_json(json.dumps(body))
    assert trace.started.lane == lane
    assert trace.slots[: trace.finished.tokens] == trace.token_ids
    assert f"{len(trace.token_ids)} tokens in " in figures


def test_the_seed_that_was_drawn_draws_the_same_again(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["generate", "--temperature", "1.2", "--max-new-tokens", "24", "--seed"]
    assert main([*command, "-1"]) == 0
    text, figures = capsys.readouterr().out.rstrip("\n").rsplit("\n", 1)
    assert main([*command, figures.rsplit("seed ", 1)[1]]) == 0
    assert capsys.readouterr().out.startswith(text + "\n")


@pytest.mark.parametrize(
    ("option", "value", "field", "read"),
    [
        ("--max-new-tokens", "5", "max_new_tokens", 5),
        ("--block-size", "4", "block_size", 4),
        ("--steps", "3", "steps_per_block", 3),
        ("--threshold", "0.25", "threshold", 0.25),
        ("--temperature", "0.5", "temperature", 0.5),
        ("--top-k", "7", "top_k", 7),
        ("--top-p", "0.75", "top_p", 0.75),
        ("--seed", "11", "seed", 11),
        ("--unmasking", "entropy", "unmasking", "entropy"),
        ("--factor", "1.5", "factor", 1.5),
        ("--entropy-bound", "0.3", "entropy_bound", 0.3),
        ("--kl-bound", "0.02", "kl_bound", 0.02),
        ("--draft-passes", "2", "draft_passes", 2),
        ("--accept-from", "0.4", "accept_from", 0.4),
    ],
)
def test_an_option_sets_its_own_setting_and_no_other(option: str, value: str, field: str, read: object) -> None:
    parser = argparse.ArgumentParser()
    options.add_sampling(parser)
    model = SimpleNamespace(config=SimpleNamespace(trained_block_size=12))
    asked = options.sampling_settings(parser.parse_args([option, value]), cast(TwoTower, model))
    assert asked == replace(SamplingSettings(block_size=12), **{field: read})


def test_the_anchor_is_a_flag() -> None:
    parser = argparse.ArgumentParser()
    options.add_sampling(parser)
    model = cast(TwoTower, SimpleNamespace(config=SimpleNamespace(trained_block_size=12)))
    asked = [options.sampling_settings(parser.parse_args(given), model) for given in ([], ["--ar-anchor"])]
    assert asked == [SamplingSettings(block_size=12), SamplingSettings(block_size=12, ar_anchor=True)]


def test_pinned_words_stand_in_their_slots(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["generate", "--prompt", "Once upon a time", "--max-new-tokens", "24", "--seed", "1", "--json", "-"]
    assert main([*command, "--pin", "13: cat", "--pin", "5: dog 🐉"]) == 0
    body = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert " cat" in body.pop("text")
    trace = Trace.from_json(json.dumps(body))
    tokenizer = TwoTower.from_pretrained(DEFAULT_MODEL).tokenizer
    assert tokenizer.decode([trace.token_ids[12]]) == " cat"
    assert tokenizer.decode(trace.token_ids[4:12]).startswith(" dog 🐉")


@pytest.mark.parametrize("lane", ["autoregressive", "verify", "mock-ar"])
def test_only_diffusion_can_pin(capsys: pytest.CaptureFixture[str], lane: str) -> None:
    assert main(["generate", "--lane", lane, "--pin", "13: cat", *SHORT]) == 2
    said = capsys.readouterr().err
    for words in ("pin is '13: cat'", f"none in lane {lane}", "left to right", "what stands further on"):
        assert words in said


def test_the_same_seed_prints_the_same_text(capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for seed in ("4", "4", "5"):
        main(["generate", "--temperature", "1.2", "--max-new-tokens", "24", "--seed", seed])
        printed.append(capsys.readouterr().out.rstrip("\n").rsplit("\n", 1)[0])
    assert printed[0] == printed[1]
    assert printed[0] != printed[2]


def test_an_empty_prompt_starts_from_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--prompt", "", *SHORT]) == 0
    assert "12 tokens" in capsys.readouterr().out


def test_a_wide_block_warns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--block-size", "32", *SHORT]) == 0
    assert "wider than the 16" in capsys.readouterr().err


def test_the_trained_block_does_not_warn(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--block-size", "16", *SHORT]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--prompt", "a <mask> b"], ["prompt", "<mask>"]),
        (["--prompt", "word " * 3000], ["prompt length", "2048"]),
        (["--lane", "sideways"], ["lane", "sideways", "mock-ar"]),
        (["--prompt", "half \udcff a letter"], ["prompt"]),  # bytes of a command line that are no UTF-8
        (["--block-size", "0"], ["block_size is 0", "at least 1"]),
        (["--block-size", "65"], ["block_size", "65", "64"]),
        (["--steps", "0"], ["steps_per_block is 0", "at least 1"]),
        (["--temperature", "-1"], ["temperature", "-1", "0 to 10"]),
        (["--temperature", "nan"], ["temperature", "nan", "0 to 10"]),
        (["--threshold", "1.5"], ["threshold", "1.5", "0 to 1"]),
        (["--max-new-tokens", "0"], ["max_new_tokens is 0", "at least 1"]),
        (["--top-p", "0"], ["top_p", "above 0"]),
        (["--top-k", "-1"], ["top_k", "-1", "at least 0"]),
        (["--seed", "-7"], ["seed", "-7"]),
        (["--unmasking", "luck"], ["unmasking is 'luck'", "threshold, fixed, factor, entropy, stability"]),
        (["--draft-passes", "-1"], ["draft_passes is -1", "0 to 64"]),
        (["--accept-from", "1.5"], ["accept_from is 1.5", "0 to 1"]),
        (["--pin", "cat"], ["pin is 'cat'", "1 to 128"]),
        (["--pin", "13: cat", *SHORT], ["pin is '13: cat'", "1 to 12"]),
        (["--pin", "12: cat cat", *SHORT], ["pin is '12: cat cat'", "would end in 13"]),
        (["--pin", "3:a <mask>", *SHORT], ["pin is '3:a <mask>'", "<mask>"]),
        (["--pin", "3: a", "--pin", "3: b", *SHORT], ["pin is '3: b'", "'3: a' takes slot 3"]),
        (["--pin", "3:half \udcff", *SHORT], ["pin", "surrogates"]),
        (["--lane", "sideways", "--pin", "3: a"], ["lane", "sideways", "verify"]),
        (["--dtype", "int4"], ["dtype", "int4", "bfloat16"]),
        (["--engine", "steam"], ["engine is 'steam'", "plain, traced"]),
        (["--device", "abacus"], ["device", "abacus", "cpu"]),
        (["--model", "nowhere/at/all"], ["model", "nowhere/at/all"]),
        (["--json", "no/such/folder/x.json", *SHORT], ["--json", "no/such/folder", "can be written"]),
        (["--json", ".", *SHORT], ["--json", "'.'", "can be written"]),
    ],
)
def test_bad_input_is_named_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], named: list[str]
) -> None:
    assert main(["generate", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    for word in named:
        assert word in said


def test_a_folder_that_is_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--model", str(tmp_path)]) == 2
    assert "config.json" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is there")
def test_a_device_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--device", "cuda", *SHORT]) == 2
    assert "cuda" in capsys.readouterr().err


def test_the_exit_code_of_the_process() -> None:
    bad = subprocess.run(
        [sys.executable, "-m", "twotower", "generate", "--threshold", "7"], capture_output=True, text=True
    )
    assert bad.returncode == 2
    assert "threshold" in bad.stderr
    assert "Traceback" not in bad.stderr


def test_a_recording_of_one_lane_has_the_text_that_was_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.json"
    assert main(["generate", "--prompt", "The cat", *SHORT, "--record", str(file)]) == 0
    recording = Recording.from_json(file.read_text(encoding="utf-8"))
    (lane,) = recording.lanes
    assert ("The cat" + lane.text) in capsys.readouterr().out
    assert (recording.name, lane.trace.started.lane) == ("The cat", "diffusion")


def test_every_engine_of_the_cpu_writes_the_same_text(capsys: pytest.CaptureFixture[str]) -> None:
    texts = []
    for engine in ("plain", "traced"):
        assert main(["generate", "--prompt", "The cat", *SHORT, "--device", "cpu", "--engine", engine]) == 0
        texts.append(capsys.readouterr().out.rstrip("\n").rsplit("\n", 1)[0])
    assert texts[0] == texts[1]
