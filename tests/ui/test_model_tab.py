"""The tabs "Model" and "How it works": what is laid out, what a press does, how it is wired."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr
import pytest

from twotower import DEFAULT_MODEL, TwoTower
from twotower.model.configuration import TwoTowerConfig
from twotower.pins import read_pins
from twotower.sampling.generate import generate
from twotower.sampling.settings import SamplingSettings
from twotower.text import encode_prompt
from twotower.trace import Trace
from twotower.ui.anatomy import Anatomy, Tour, build_model_tab, build_tour_tab, wire_experts
from twotower.ui.controls import DEFAULTS, SETTING_NAMES
from twotower.ui.experts import ALL_LAYERS, ExpertWatch
from twotower.ui.panel import Panel

T = TypeVar("T")
PLAYER = Path(__file__).resolve().parents[2] / "assets" / "player"
QUEUE = {"concurrency_id": "model", "concurrency_limit": 1}
QUIET = {"show_progress": "hidden", "api_visibility": "private"}


class OwnThread:
    """`call` as the worker has it: the function runs on another thread, its result or error comes in a future."""

    def __init__(self) -> None:
        self.threads: set[int] = set()

    def call(self, function: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()

        def work() -> None:
            self.threads.add(threading.get_ident())
            try:
                future.set_result(function())
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=work).start()
        return future


@pytest.fixture(scope="module")
def config() -> TwoTowerConfig:
    return TwoTowerConfig.from_folder(Path(DEFAULT_MODEL))


@pytest.fixture(scope="module")
def demo(config: TwoTowerConfig, embedded: TwoTower) -> gr.Blocks:
    with gr.Blocks() as made:
        prompt = gr.Textbox("Once", elem_id="prompt")
        widgets = build_model_tab(config, 4)
        build_tour_tab(config, DEFAULTS)
        assert widgets is not None
        wire_experts(widgets, ExpertWatch(lambda: embedded, OwnThread()), [prompt], QUEUE, QUIET)
    return made


def named(demo: gr.Blocks, elem_id: str) -> Any:
    (found,) = [block for block in demo.blocks.values() if getattr(block, "elem_id", None) == elem_id]
    return found


def raw(prompt: str = "Once upon a time", used: str = "", pins: str = "", **changes: object) -> list[Any]:
    values = {**DEFAULTS.to_json(), "max_new_tokens": 20, "seed": -1, **changes}
    return [prompt, ["autoregressive"], *(values[name] for name in SETTING_NAMES), pins, used]


@pytest.mark.parametrize("panel", [Anatomy, Tour])
def test_panels_carry_values_as_json_and_their_scripts_are_there(panel: type[Panel]) -> None:
    value = {"text": "</script><img onerror=x> ${1}"}
    assert json.loads(str(panel(value).postprocess(value))) == value
    assert "${" not in panel.TEMPLATE
    for script in panel.SCRIPTS:
        assert (PLAYER / script).is_file(), script


def test_the_picker_offers_the_models_moe_layers(demo: gr.Blocks) -> None:
    picker = named(demo, "experts-layer")
    assert picker.choices == [
        ("layer 3", 2),
        ("layer 6", 5),
        ("layer 9", 8),
        ("layer 12", 11),
        ("all layers", ALL_LAYERS),
    ]
    assert picker.value == 2


def test_a_model_without_experts_has_a_drawing_and_no_button(tiny_config: TwoTowerConfig) -> None:
    with gr.Blocks() as demo:
        assert build_model_tab(replace(tiny_config, hybrid_override_pattern="M*-"), 2) is None
    assert named(demo, "anatomy")
    assert named(demo, "no-experts")
    assert not [block for block in demo.blocks.values() if getattr(block, "elem_id", None) == "watch-experts"]


def test_the_run_waits_in_the_models_line_and_the_picker_does_not(demo: gr.Blocks) -> None:
    wired = {each.fn.__name__: each for each in demo.fns.values() if each.fn is not None}
    assert (wired["run"].concurrency_id, wired["run"].concurrency_limit) == ("model", 1)
    assert wired["run"].queue is not False
    assert wired["draw"].queue is False
    assert all(each.api_visibility == "private" for each in wired.values())


def test_what_is_watched_is_what_the_race_writes(embedded: TwoTower) -> None:
    worker = OwnThread()
    watch = ExpertWatch(lambda: embedded, worker)
    routing, figure, caption = watch.run(2, *raw(temperature=0.9, seed=11))
    settings = SamplingSettings(max_new_tokens=20, temperature=0.9, seed=11)
    ids = encode_prompt(embedded, "Once upon a time")
    assert routing.token_ids == Trace.record(generate(embedded, ids, "diffusion", settings)).token_ids
    assert len(figure["value"].data[0].z) == 8
    assert "seed 11" in caption
    assert threading.get_ident() not in worker.threads


def test_pinned_words_stand_in_what_is_watched_too(embedded: TwoTower) -> None:
    routing, _, _ = ExpertWatch(lambda: embedded, OwnThread()).run(2, *raw(pins="5: cat", seed=11))
    ((position, token),) = read_pins(embedded, ["5: cat"], 20)
    assert routing.token_ids[position] == token


@pytest.mark.parametrize(("seed", "used", "expected"), [(-1, "42", 42), (5, "42", 5), (-1.0, "43", 43)])
def test_without_a_seed_of_its_own_it_takes_the_last_races(
    embedded: TwoTower, seed: float, used: str, expected: int
) -> None:
    routing, _, _ = ExpertWatch(lambda: embedded, OwnThread()).run(2, *raw(seed=seed, used=used))
    assert routing.seed == expected


def test_before_any_race_a_seed_is_drawn(embedded: TwoTower) -> None:
    routing, _, _ = ExpertWatch(lambda: embedded, OwnThread()).run(2, *raw(used=""))
    assert routing.seed >= 0


@pytest.mark.parametrize("changes", [{"threshold": 2.0}, {"block_size": 1000}, {"prompt": "\ud800"}, {"pins": "x"}])
def test_bad_input_is_said_in_words(embedded: TwoTower, changes: dict[str, Any]) -> None:
    watch = ExpertWatch(lambda: embedded, OwnThread())
    with pytest.raises(gr.Error, match="allowed"):
        watch.run(2, *raw(**changes))


def test_picking_a_layer_draws_what_was_counted(embedded: TwoTower) -> None:
    watch = ExpertWatch(lambda: embedded, OwnThread())
    routing, first, _ = watch.run(2, *raw())
    other, caption = watch.draw(routing, 5)
    assert "in layer 6" in caption
    assert [list(row) for row in other["value"].data[0].z] != [list(row) for row in first["value"].data[0].z]
    overview, _ = watch.draw(routing, ALL_LAYERS)
    assert list(overview["value"].data[0].y) == ["3", "6", "9", "12"]


def test_picking_a_layer_before_the_first_run_changes_nothing(embedded: TwoTower) -> None:
    chart, caption = ExpertWatch(lambda: embedded, OwnThread()).draw(None, 2)
    assert chart == caption == gr.skip()
