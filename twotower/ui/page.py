"""Lays the page out and wires it. Knows widgets; what a press does is in the handlers, what is drawn in the player.

The stage sits outside tabs and is never hidden: an unmounted panel misses its messages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from twotower.examples import Examples, find_examples
from twotower.sampling.generate import lanes_of
from twotower.ui import copy
from twotower.ui.anatomy import build_model_tab, build_tour_tab, wire_experts
from twotower.ui.api import register_api
from twotower.ui.controls import DEFAULTS, FIRST_LANES, Controls, build_controls
from twotower.ui.decoding_controls import show_rule
from twotower.ui.engine import Engine
from twotower.ui.experts import ExpertWatch
from twotower.ui.facts import model_facts
from twotower.ui.gallery import recorded, recorded_names
from twotower.ui.handlers import Handlers
from twotower.ui.keeping import LARGEST_FILE, Keeping
from twotower.ui.panel import Notice, Stage, TitleStrip, page_styles
from twotower.ui.pinning import TELL_STAGE, Pinning
from twotower.ui.results_layout import ResultWidgets, build_charts, build_verdict
from twotower.ui.shown import Results, Shown, results_of
from twotower.ui.stage_layout import KeepWidgets, StageWidgets, build_keep_row, build_stage_row
from twotower.ui.sweep import build_sweep
from twotower.ui.theme import page_theme
from twotower.views.canvas import StageFrame, prompt_tail, recording_message

MODEL_QUEUE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
SWEEP_QUEUE: dict[str, Any] = {"concurrency_id": "sweep", "concurrency_limit": 1}
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
LONGEST_QUEUE = 16


@dataclass
class Widgets:
    """Everything the handlers speak to."""

    strip: TitleStrip
    controls: Controls
    stage: Stage
    row: StageWidgets
    keep: KeepWidgets
    results: ResultWidgets


def build_demo(engine: Engine) -> gr.Blocks:
    """The whole page around a model that may still be loading."""
    lanes = lanes_of(engine.has_denoiser)
    trained = engine.config.trained_block_size
    examples = find_examples(engine.folder, engine.config) or copy.EXAMPLES
    names = recorded_names()
    handlers = Handlers(engine, model_facts(engine), lanes, names[0] if names else None)
    first = Shown.kept(f"recorded {names[0]}", recorded(names[0])) if names else None
    with gr.Blocks(title=copy.TITLE, analytics_enabled=False, fill_width=True) as demo:
        strip = TitleStrip(handlers.title_strip("recorded" if first else "idle"), elem_id="title-strip")
        if engine.stands_in_for is not None:
            Notice({"text": copy.standing_in(engine.stands_in_for)}, elem_id="notice")
        prompt = first.recording.prompt if first else examples.prompts[0].prompt
        controls = build_controls(trained, lanes, examples, prompt)
        row = build_stage_row(names)
        with gr.Accordion(copy.TOUR, open=False, elem_id="how-it-works"):
            build_tour_tab(engine.config, DEFAULTS)
        stage = Stage(_first_message(first, trained, examples), elem_id="stage")
        keep = build_keep_row()
        widgets = Widgets(strip, controls, stage, row, keep, _build_tabs(demo, engine, controls, examples, first))
        _wire_race(demo, handlers, widgets)
        _wire_pins(Pinning(engine.model), controls, stage)
        _wire_keeping(demo, Keeping(handlers), handlers, names, widgets)
        register_api(engine, lanes, MODEL_QUEUE)
    demo.queue(max_size=LONGEST_QUEUE)
    return demo


def launch_options() -> dict[str, Any]:
    """What `demo.launch` needs for this page; Gradio takes theme and styles there."""
    return {
        "theme": page_theme(),
        "head": page_styles(),
        "run_history": False,
        "share": False,
        "footer_links": ["api"],
        "max_file_size": LARGEST_FILE,
    }


def _first_message(first: Shown | None, block_size: int, examples: Examples) -> dict[str, Any]:
    if first is not None:
        return recording_message(first.recording, first.run)
    # An idle stage shows the grid a run will fill: the page does not jump when it starts.
    tail = prompt_tail(examples.prompts[0].prompt)
    frame = StageFrame("", FIRST_LANES, DEFAULTS.max_new_tokens, block_size, tail)
    return {**frame.message(1), "note": copy.TIMING}


def _build_tabs(
    demo: gr.Blocks, engine: Engine, controls: Controls, examples: Examples, first: Shown | None
) -> ResultWidgets:
    trained = engine.config.trained_block_size
    drawn: Results | None = results_of(first) if first else None
    verdict = build_verdict(drawn)
    with gr.Tabs(elem_id="tabs"):
        with gr.Tab(copy.THIS_RUN, elem_id="tab-run"):
            results = build_charts(verdict, drawn)
        with gr.Tab(copy.SWEEP, elem_id="tab-sweep", visible=engine.has_denoiser):
            sweeps = build_sweep(engine.model, engine.worker, controls, examples, trained, SWEEP_QUEUE)
        with gr.Tab(copy.MODEL, elem_id="tab-model"):
            experts = build_model_tab(engine.config, engine.setup.dtype.itemsize)
    if experts is not None:
        inputs = [*controls.inputs, controls.pins, controls.seed_used]
        wire_experts(experts, ExpertWatch(engine.model, engine.worker), inputs, MODEL_QUEUE, QUIET)
    demo.unload(sweeps.leave)
    return results


def _wire_race(demo: gr.Blocks, handlers: Handlers, widgets: Widgets) -> None:
    controls, strip, stage = widgets.controls, widgets.strip, widgets.stage
    buttons = [controls.run, controls.stop, widgets.row.pin]
    # Queued, though it needs no model: Gradio shows the errors of queued events only.
    prepared = controls.run.click(
        handlers.prepare,
        controls.race_inputs,
        [controls.seed_used, strip, *buttons, widgets.results.verdict],
        concurrency_limit=None,
        **QUIET,
    )
    raced = prepared.success(handlers.race, None, stage, **MODEL_QUEUE, **QUIET)
    raced.then(handlers.settle, None, [strip, *buttons, *widgets.results.drawn], queue=False, **QUIET)
    for stopped in (controls.stop.click, stage.stop):  # the stage has a button of its own, where the eyes are
        stopped(handlers.stop, None, None, queue=False, **QUIET)
    controls.block_size.change(
        handlers.block_warning, controls.block_size, controls.block_warning, queue=False, **QUIET
    )
    controls.unmasking.change(show_rule, controls.unmasking, controls.rule_widgets, queue=False, **QUIET)
    demo.unload(handlers.leave)


def _wire_pins(pinning: Pinning, controls: Controls, stage: Stage) -> None:
    # Queued, as whatever may have to say an error.
    line: dict[str, Any] = {"concurrency_limit": None, **QUIET}
    stage.pin(pinning.pin, [controls.pins, controls.max_new_tokens], controls.pins, **line)
    stage.unpin(pinning.unpin, controls.pins, controls.pins, **line)
    controls.pins.change(None, controls.pins, None, js=TELL_STAGE)


def _wire_keeping(
    demo: gr.Blocks, keeping: Keeping, handlers: Handlers, names: tuple[str, ...], widgets: Widgets
) -> None:
    controls, row, keep = widgets.controls, widgets.row, widgets.keep
    drawn = [widgets.stage, widgets.strip, *widgets.results.drawn]
    for stem, chip in zip(names, row.recorded):
        chip.click(_with_request(handlers.show_recorded, stem), None, drawn, **QUIET)
    pinned = [widgets.stage, row.pin, controls.seed, *widgets.results.drawn]
    row.pin.click(handlers.pin, None, pinned, **QUIET)
    row.open_file.upload(keeping.open_file, row.open_file, drawn, **QUIET)
    for what, button in keep.saves.items():
        button.click(_with_request(keeping.save, what), None, keep.saver, **QUIET)
    keep.link.click(keeping.link, controls.race_inputs, keep.link_row, **QUIET)
    demo.load(keeping.arrive, None, controls.race_inputs, **QUIET)


def _with_request(handler: Callable[[str, gr.Request], Any], what: str) -> Callable[[gr.Request], Any]:
    # Gradio finds out from a function's own signature that it wants the request; a `partial` hides it.
    def handle(request: gr.Request) -> Any:
        return handler(what, request)

    return handle
