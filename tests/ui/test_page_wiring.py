"""How the page is wired: what is private, what queues for the model, what stands there before the first race."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from tests.released import RELEASED
from twotower.errors import CheckpointError
from twotower.examples import FILE, Example, Examples, find_examples, write_examples
from twotower.ui import copy, page
from twotower.ui.anatomy import Anatomy, Tour
from twotower.ui.engine import Engine
from twotower.ui.page import build_demo, launch_options
from twotower.ui.panel import PAGE_STYLES, LinkRow, Numbers, Panel, Saver, Stage, TitleStrip, Verdict
from twotower.ui.sweep_progress import SweepProgress
from twotower.views.player import PLAYER

PANELS = (Stage, TitleStrip, Verdict, Numbers, Saver, LinkRow, Anatomy, Tour, SweepProgress)


@pytest.fixture(scope="module")
def demo(engine: Engine) -> gr.Blocks:
    return build_demo(engine)


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


def test_the_stage_pins_into_the_box_and_an_error_there_is_shown(demo: gr.Blocks) -> None:
    wired = handlers(demo)
    for name in ("pin", "unpin"):
        (each,) = [each for each in demo.fns.values() if (named(demo, "stage")._id, name) in each.targets]
        assert [block.elem_id for block in each.outputs] == ["pins"]
        assert each.queue is not False  # Gradio shows the errors of queued events only
        assert each.concurrency_limit is None  # and behind no race
    assert [block.elem_id for block in wired["show_rule"].outputs] == [
        "threshold",
        "factor",
        "entropy-bound",
        "kl-bound",
    ]


def test_the_stage_hears_in_the_browser_what_the_box_says(demo: gr.Blocks) -> None:
    (heard,) = [each for each in demo.fns.values() if (named(demo, "pins")._id, "change") in each.targets]
    assert heard.fn is None
    assert "twotower:pins" in str(heard.js)
    assert "twotower:pins" in (PLAYER / "pinning.js").read_text(encoding="utf-8")


def value_of(demo: gr.Blocks, elem_id: str) -> Any:
    value = named(demo, elem_id).value
    return json.loads(value) if isinstance(value, str) else value


def test_without_recorded_runs_the_stage_has_its_lanes_and_no_run(page_of: Callable[..., gr.Blocks]) -> None:
    demo = page_of(None)
    message = value_of(demo, "stage")
    assert [look["lane"] for look in message["lanes"]] == ["diffusion", "autoregressive"]
    assert (message["run"], message["parts"], message["block_size"]) == ("", [], 16)
    assert message["note"]
    assert named(demo, "results").visible is False
    assert value_of(demo, "title-strip")["light"] == "idle"


def test_a_fresh_page_shows_a_recorded_run_with_its_results(demo: gr.Blocks) -> None:
    message = value_of(demo, "stage")
    assert message["recorded"] is True
    assert all(part["whole"] for part in message["parts"])
    assert named(demo, "results").visible is True
    assert value_of(demo, "verdict")["verdict"]
    assert value_of(demo, "title-strip")["light"] == "recorded"


@pytest.mark.parametrize("panel", PANELS)
def test_panels_say_in_the_api_what_they_send(panel: type[Panel]) -> None:
    assert panel(None).api_info()["type"] == "string"


def test_a_number_that_is_none_is_refused_on_the_server_and_not_in_the_browser() -> None:
    with pytest.raises(ValueError, match="JSON"):
        Numbers(None).postprocess({"seconds": float("nan")})


def test_every_script_and_style_a_panel_names_is_there() -> None:
    for name in {*PAGE_STYLES, *(script for panel in PANELS for script in panel.SCRIPTS)}:
        assert (PLAYER / name).is_file(), name


def test_every_style_is_in_the_head_once() -> None:
    head = launch_options()["head"]
    assert head.startswith("<style>")
    assert head.count("</style>") == 1
    for name in PAGE_STYLES:
        assert (PLAYER / name).read_text(encoding="utf-8") in head, name


@pytest.fixture
def page_of(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., gr.Blocks]:
    """The page of a model whose folder holds these examples, without recorded runs."""
    monkeypatch.setattr(page, "recorded_names", lambda: ())

    def build(examples: Examples | None) -> gr.Blocks:
        if examples is not None:
            write_examples(tmp_path, examples)
        return build_demo(replace(engine, folder=tmp_path))

    return build


def chips(demo: gr.Blocks) -> list[str]:
    return [block.value for block in demo.blocks.values() if isinstance(block, gr.Button) and is_chip(block)]


def is_chip(block: gr.Button) -> bool:
    return str(block.elem_id).startswith("example-")


OWN = Examples((Example("Sums", "Add: 1 + 1\nAnswer:", 2.5), Example("Open", "Es war", 0.5)), "4 CPU threads")


def test_the_models_own_examples_are_the_pages(page_of: Callable[..., gr.Blocks]) -> None:
    demo = page_of(OWN)
    assert chips(demo) == ["Sums · diffusion 2.5×", "Open · AR 2.0×"]
    assert named(demo, "prompt").value == "Add: 1 + 1\nAnswer:"
    assert named(demo, "examples-info").value == copy.chips_info(OWN)
    assert "Answer:" in json.dumps(named(demo, "stage").value)


def test_a_chip_sets_its_prompt(page_of: Callable[..., gr.Blocks]) -> None:
    demo = page_of(OWN)
    for number, example in enumerate(OWN.prompts, 1):
        pressed = (named(demo, f"example-{number}")._id, "click")
        (wired,) = [each for each in demo.fns.values() if pressed in each.targets]
        assert wired.fn() == example.prompt
        assert [block.elem_id for block in wired.outputs] == ["prompt"]
        assert wired.api_visibility == "private"


def test_a_model_without_examples_gets_the_pages_own_and_no_figures(page_of: Callable[..., gr.Blocks]) -> None:
    demo = page_of(None)
    assert chips(demo) == [example.name for example in copy.EXAMPLES.prompts]
    assert not [block for block in demo.blocks.values() if getattr(block, "elem_id", None) == "examples-info"]


def test_a_released_model_gets_the_examples_kept_for_it_and_no_figures(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "recorded_names", lambda: ())
    kept = find_examples(tmp_path, RELEASED)
    assert kept is not None
    demo = build_demo(replace(engine, folder=tmp_path, setup=replace(engine.setup, config=RELEASED)))
    assert chips(demo) == [example.name for example in kept.prompts]
    assert not [block for block in demo.blocks.values() if getattr(block, "elem_id", None) == "examples-info"]


def test_broken_examples_stop_the_page_and_are_named(page_of: Callable[..., gr.Blocks], tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"examples\.json"):
        page_of(None)
