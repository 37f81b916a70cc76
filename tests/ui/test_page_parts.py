"""The small parts of the page: facts, messages, panels, launching."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from twotower import TwoTower
from twotower.amounts import parameters
from twotower.errors import InputError
from twotower.sampling.generate import LANES
from twotower.sampling.settings import SamplingSettings
from twotower.ui import launch
from twotower.ui.engine import Engine
from twotower.ui.errors import plain_errors
from twotower.ui.facts import model_facts
from twotower.ui.handlers import Handlers
from twotower.ui.launch import WarmLanes
from twotower.ui.page import build_demo, launch_options
from twotower.ui.panel import Numbers, Panel, Stage, TitleStrip, Verdict


def test_facts_are_of_the_model(engine: Engine) -> None:
    facts = {name: text for name, text, *_ in model_facts(engine)}
    assert facts["model"] == "twotower-tiny"
    assert facts["parameters"] == f"{parameters(engine.model().parameters_per_tower())} per tower"
    assert facts["device"] == "cpu"
    assert facts["dtype"] == "float32"
    assert facts["layers"] == "12 × 192"
    assert facts["licence"] == "apache-2.0"


def test_the_licence_is_linked_where_the_card_says_to_what(engine: Engine, tmp_path: Path) -> None:
    def shown(card: str) -> list[str]:
        (tmp_path / "README.md").write_text(f"---\n{card}\n---\n", encoding="utf-8")
        return model_facts(replace(engine, folder=tmp_path))[-1]

    other = "license: other\nlicense_name: open <b>\nlicense_link: >-\n  "
    assert shown(f"{other}https://example.org/licence/") == ["licence", "open <b>", "https://example.org/licence/"]
    assert shown(f"{other}javascript:alert(1)") == ["licence", "open <b>"]
    assert shown("language: en") == ["licence", "see model card"]


def test_a_model_of_the_hub_is_shown_with_its_commit(engine: Engine, tmp_path: Path) -> None:
    cached = tmp_path / "models--owner--name" / "snapshots" / ("b" * 40)
    cached.mkdir(parents=True)
    assert model_facts(replace(engine, folder=cached))[0] == ["model", "owner/name@bbbbbbbbbbbb"]


def test_facts_of_a_quantised_model_say_so_and_count_the_same_parameters(engine: Engine) -> None:
    plain = {name: text for name, text, *_ in model_facts(engine)}
    quantised = replace(engine.setup, config=engine.config.quantised(4))
    facts = {name: text for name, text, *_ in model_facts(replace(engine, setup=quantised))}
    assert facts["dtype"] == "float32, 4-bit weights"
    assert facts["parameters"] == plain["parameters"]


def test_messages_repeat_what_was_typed_as_text_and_not_as_markup() -> None:
    with pytest.raises(gr.Error) as caught, plain_errors():
        raise InputError("prompt", "<img src=x onerror=alert(1)>", "text")
    assert "<img" not in caught.value.message
    assert "&lt;img" in caught.value.message
    assert caught.value.print_exception is False


def test_other_errors_are_not_dressed_up() -> None:
    with pytest.raises(ZeroDivisionError), plain_errors():
        _ = 1 / 0


@pytest.mark.parametrize("panel", [Stage, TitleStrip, Verdict, Numbers])
def test_values_travel_as_json_and_never_in_the_template(panel: type[Panel]) -> None:
    value = {"text": "</script><img onerror=x> ${1}"}
    made = panel(value)
    assert json.loads(str(made.postprocess(value))) == value
    assert "onerror" not in panel.TEMPLATE
    assert "${" not in panel.TEMPLATE
    assert made.postprocess(None) is None


def test_scripts_never_parse_markup() -> None:
    player = Path(__file__).resolve().parents[2] / "assets" / "player"
    for script in player.glob("*.js"):
        for danger in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "document.write", "http:", "https:"):
            found = script.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
            assert danger not in found, f"{script.name}: {danger}"


def test_a_shape_is_warmed_up_once(embedded: TwoTower, monkeypatch: pytest.MonkeyPatch) -> None:
    warmed: list[tuple] = []
    monkeypatch.setattr(
        launch, "warm_up", lambda model, settings, ids, lanes: warmed.append((settings.block_size, *lanes))
    )
    run = WarmLanes(embedded)
    for size in (16, 16, 8):
        settings = SamplingSettings(max_new_tokens=4, block_size=size, seed=0)
        assert list(run([1, 5], "diffusion", settings, lambda: False))
    assert warmed == [(16, "diffusion"), (8, "diffusion")]


def test_launching_shares_nothing() -> None:
    options = launch_options()
    assert options["share"] is False
    assert options["run_history"] is False


def test_only_generate_has_a_name_for_programs(engine: Engine) -> None:
    api: Any = build_demo(engine).get_api_info()
    assert list(api["named_endpoints"]) == ["/generate"]
    names = [parameter["parameter_name"] for parameter in api["named_endpoints"]["/generate"]["parameters"]]
    assert names[:3] == ["prompt", "lane", "max_new_tokens"]


@pytest.mark.parametrize(("size", "visible"), [(16, False), (17, True), (64, True), (65, False), (None, False)])
def test_the_amber_line_stands_between_trained_and_impossible(engine: Engine, size: object, visible: bool) -> None:
    update = Handlers(engine, [], tuple(LANES)).block_warning(size)
    assert update["visible"] is visible
    assert (str(size) in update["value"]) is visible
