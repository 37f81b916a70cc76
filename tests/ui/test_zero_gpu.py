"""Lanes on a lent GPU: the real `spaces` package forks, pickles and asks for time; only the card is the CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twotower import TwoTower
from twotower.sampling import LANES, generate
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace
from twotower.ui.controls import SETTING_NAMES
from twotower.ui.experts import ExpertWatch
from twotower.ui.zero_gpu import LEAST_SECONDS, MOST_SECONDS, is_on, lent, seconds

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = SamplingSettings(max_new_tokens=48, seed=3)


def python(*words: str) -> str:
    """A process of its own, for the package changes torch."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the visitor's runs came to, and what the scheduler was asked for."""
    said: dict[str, Any] = json.loads(
        python(str(Path(__file__).parent / "lent_gpu.py"), str(tmp_path_factory.mktemp("weights"))).splitlines()[-1]
    )
    return said


def test_weights_are_put_on_a_device_that_is_not_there_and_lanes_give_the_text_they_always_give(
    runs: dict[str, Any], embedded: TwoTower
) -> None:
    assert runs["here"] == "cuda:0"
    for lane in ("diffusion", "autoregressive"):
        assert runs[lane] == list(Trace.record(generate(embedded, [5, 6, 7], lane, SETTINGS)).token_ids)


def test_a_run_that_is_stopped_ends_in_order_and_soon(runs: dict[str, Any]) -> None:
    reason, tokens = runs["stopped"]
    assert reason == "cancelled"
    assert tokens < 1024


def test_what_goes_wrong_there_is_said_here(runs: dict[str, Any]) -> None:
    assert runs["error"].startswith("Error: \"lane is 'no such lane'; allowed: diffusion")


def test_a_request_of_the_page_runs_there(runs: dict[str, Any]) -> None:
    assert runs["over the wire"] == 8


def test_every_run_asks_for_its_own_seconds_on_its_visitors_quota(runs: dict[str, Any]) -> None:
    scheduled = [entry for entry in runs["asked"] if entry["what"] == "/schedule"]
    long = replace(SETTINGS, max_new_tokens=1024)
    expected = [
        seconds([5, 6, 7], "diffusion", SETTINGS),
        seconds([5, 6, 7], "autoregressive", long),
        seconds([5, 6, 7], "no such lane", SETTINGS),
        seconds([5, 6, 7], "autoregressive", SETTINGS),
        seconds([1], "autoregressive", replace(SETTINGS, max_new_tokens=8)),
    ]
    assert [int(entry["durationSeconds"]) for entry in scheduled] == expected
    assert {entry["token"] for entry in scheduled} == {"a.e30.c"}
    assert runs["asked"][0]["what"] == "/startup-report"  # weights are on the disk, and the page is served
    released = [entry["fail"] for entry in runs["asked"] if entry["what"] == "/release"]
    assert released == ["false", "false", "true", "false", "false"]


def test_away_from_zero_gpu_the_package_leaves_functions_as_they_are() -> None:
    program = "import spaces\ndef f():\n    yield 1\nassert spaces.GPU(duration=lambda: 1)(f) is f"
    assert python("-c", program) == ""


def test_the_package_is_imported_on_zero_gpu_alone() -> None:
    program = "import sys, twotower.ui.launch, twotower.ui.page; assert 'twotower.ui.zero_gpu' in sys.modules"
    assert python("-c", program) == ""
    sources = {path.name for path in (ROOT / "twotower").rglob("*.py") if "import spaces" in path.read_text("utf-8")}
    assert sources == {"zero_gpu.py"}


@pytest.mark.parametrize(("nbytes", "size"), [(35 * 10**9, "large"), (65 * 10**9, "xlarge")])
def test_weights_that_need_it_get_a_whole_card(monkeypatch: pytest.MonkeyPatch, nbytes: int, size: str) -> None:
    asked: list[dict[str, Any]] = []

    def gpu(**named: Any) -> Callable[[Any], Any]:
        asked.append(named)
        return lambda function: function

    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=gpu))
    lent(lambda *_: iter(()), nbytes)
    assert asked == [{"duration": seconds, "size": size}]


def test_experts_are_not_watched_on_a_lent_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object) -> Any:
        raise AssertionError("no model is asked for")

    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    with pytest.raises(gr.Error, match="a GPU of the Space's own, to watch the experts on"):
        ExpertWatch(nobody, SimpleNamespace(call=nobody)).run(0, "", (), *[-1] * len(SETTING_NAMES), "", "")


@pytest.mark.parametrize(
    ("value", "on"), [("true", True), ("1", True), ("T", True), ("", False), ("false", False), ("0", False)]
)
def test_it_is_on_where_the_space_says_so(monkeypatch: pytest.MonkeyPatch, value: str, on: bool) -> None:
    monkeypatch.setenv("SPACES_ZERO_GPU", value)
    assert is_on() is on


def test_it_is_off_where_nobody_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    assert not is_on()


@given(
    st.sampled_from(sorted(LANES)),
    st.integers(1, 4096),
    st.integers(1, 64),
    st.integers(1, 64),
    st.integers(0, 512),
)
def test_seconds_grow_with_the_text_and_stay_within_bounds(
    lane: str, tokens: int, size: int, steps: int, more: int
) -> None:
    settings = SamplingSettings(max_new_tokens=tokens, block_size=size, steps_per_block=steps)
    asked = seconds([], lane, settings)
    assert LEAST_SECONDS <= asked <= MOST_SECONDS
    assert asked <= seconds([], lane, replace(settings, max_new_tokens=tokens + more))
