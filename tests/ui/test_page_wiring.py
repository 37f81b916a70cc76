"""How the page is wired: what is private, what queues for the model, what stands there before the first race."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
import pytest

from twotower import DEFAULT_MODEL, TwoTower
from twotower.ui.page import build_demo, launch_options
from twotower.ui.panel import PLAYER, STYLES, Numbers, Panel, Stage, TitleStrip, Verdict
from twotower.ui.worker import Worker

PANELS = (Stage, TitleStrip, Verdict, Numbers)


@pytest.fixture(scope="module")
def demo(embedded: TwoTower, worker: Worker) -> gr.Blocks:
    return build_demo(embedded, worker, DEFAULT_MODEL)


def named(demo: gr.Blocks, elem_id: str) -> Any:
    (found,) = [block for block in demo.blocks.values() if getattr(block, "elem_id", None) == elem_id]
    return found


def handlers(demo: gr.Blocks) -> dict[str, Any]:
    return {each.fn.__name__: each for each in demo.fns.values() if each.fn is not None}


def test_whatever_runs_the_model_waits_in_one_line(demo: gr.Blocks) -> None:
    wired = handlers(demo)
    for name in ("race", "generate"):
        assert wired[name].concurrency_id == "model", name
        assert wired[name].concurrency_limit == 1, name
        assert wired[name].queue is not False, name


def test_stop_never_waits_behind_a_race(demo: gr.Blocks) -> None:
    assert handlers(demo)["stop"].queue is False


def test_checking_waits_behind_no_race(demo: gr.Blocks) -> None:
    assert handlers(demo)["prepare"].concurrency_id != "model"
    assert handlers(demo)["prepare"].concurrency_limit is None


def test_a_race_writes_to_the_stage_alone(demo: gr.Blocks) -> None:
    assert [block.elem_id for block in handlers(demo)["race"].outputs] == ["stage"]


def test_the_empty_stage_has_its_lanes_and_no_run(demo: gr.Blocks) -> None:
    value = named(demo, "stage").value
    message = json.loads(value) if isinstance(value, str) else value
    assert [look["lane"] for look in message["lanes"]] == ["diffusion", "autoregressive"]
    assert (message["run"], message["parts"], message["block_size"]) == ("", [], 16)
    assert message["note"]


def test_results_are_hidden_before_there_are_any(demo: gr.Blocks) -> None:
    assert named(demo, "results").visible is False


@pytest.mark.parametrize("panel", PANELS)
def test_panels_say_in_the_api_what_they_send(panel: type[Panel]) -> None:
    assert panel(None).api_info()["type"] == "string"


def test_a_number_that_is_none_is_refused_on_the_server_and_not_in_the_browser() -> None:
    with pytest.raises(ValueError, match="JSON"):
        Numbers(None).postprocess({"seconds": float("nan")})


def test_every_script_and_style_a_panel_names_is_there() -> None:
    for name in {*STYLES, *(script for panel in PANELS for script in panel.SCRIPTS)}:
        assert (PLAYER / name).is_file(), name


def test_every_style_is_in_the_head_once() -> None:
    head = launch_options()["head"]
    assert head.startswith("<style>")
    assert head.count("</style>") == 1
    for name in STYLES:
        assert (PLAYER / name).read_text(encoding="utf-8") in head, name
