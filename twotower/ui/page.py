"""Lays the page out and wires it. Knows widgets; what a press does is in `handlers.py`, what is drawn in the player.

The stage sits outside tabs and is never hidden: an unmounted panel misses its messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from twotower.examples import Examples, read_examples
from twotower.sampling import LANES
from twotower.ui import copy
from twotower.ui.api import register_api
from twotower.ui.controls import DEFAULTS, FIRST_LANES, Controls, build_controls
from twotower.ui.facts import model_facts
from twotower.ui.handlers import Handlers
from twotower.ui.panel import Numbers, Stage, TitleStrip, Verdict, page_styles
from twotower.ui.theme import page_theme
from twotower.ui.worker import Worker
from twotower.views.canvas import StageMessages, prompt_tail

if TYPE_CHECKING:
    from twotower import TwoTower

MODEL_QUEUE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
LONGEST_QUEUE = 16


@dataclass
class Outputs:
    """What a race draws on."""

    strip: TitleStrip
    stage: Stage
    verdict: Verdict
    numbers: Numbers
    latency: gr.Plot
    passes: gr.Plot
    results: gr.Column


def build_demo(model: TwoTower, worker: Worker, folder: str | Path) -> gr.Blocks:
    """The whole page around a loaded model and the worker that runs it."""
    lanes = tuple(LANES)
    examples = (read_examples(model.folder) if model.folder else None) or copy.EXAMPLES
    handlers = Handlers(model, worker, model_facts(model, folder), lanes)
    with gr.Blocks(title=copy.TITLE, analytics_enabled=False, fill_width=True) as demo:
        strip = TitleStrip(handlers.title_strip("idle"), elem_id="title-strip")
        controls = build_controls(model.config.trained_block_size, lanes, examples)
        stage = Stage(_empty_stage(model.config.trained_block_size, examples), elem_id="stage")
        with gr.Column(visible=False, elem_id="results") as results:
            verdict = Verdict({"verdict": ""}, elem_id="verdict")
            latency, passes = _charts()
            numbers = Numbers({"lanes": [], "rows": []}, elem_id="numbers")
        _wire(demo, handlers, controls, Outputs(strip, stage, verdict, numbers, latency, passes, results))
        register_api(model, worker, lanes, MODEL_QUEUE)
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
    }


def _empty_stage(block_size: int, examples: Examples) -> dict[str, Any]:
    # An idle stage shows the grid a run will fill: the page does not jump when it starts.
    tail = prompt_tail(examples.prompts[0].prompt)
    frame = StageMessages("", FIRST_LANES, DEFAULTS.max_new_tokens, block_size, tail)
    return {**frame.message(), "note": copy.TIMING}


def _charts() -> tuple[gr.Plot, gr.Plot]:
    with gr.Row(elem_id="charts"):
        with gr.Column(min_width=320):
            gr.Markdown(f"### {copy.LATENCY_TITLE}\n{copy.LATENCY_TEXT}", elem_classes="tt-caption")
            latency = gr.Plot(show_label=False, container=False, elem_id="latency-race")
        with gr.Column(min_width=320):
            gr.Markdown(f"### {copy.PASSES_TITLE}\n{copy.PASSES_TEXT}", elem_classes="tt-caption")
            passes = gr.Plot(show_label=False, container=False, elem_id="time-per-pass")
    return latency, passes


def _wire(demo: gr.Blocks, handlers: Handlers, controls: Controls, out: Outputs) -> None:
    buttons = [controls.run, controls.stop]
    # Queued, though it needs no model: Gradio shows the errors of queued events only.
    prepared = controls.run.click(
        handlers.prepare, controls.inputs, [controls.seed_used, out.strip, *buttons], concurrency_limit=None, **QUIET
    )
    raced = prepared.success(handlers.race, None, out.stage, **MODEL_QUEUE, **QUIET)
    settled = [out.strip, *buttons, out.results, out.verdict, out.numbers, out.latency, out.passes]
    raced.then(handlers.settle, None, settled, queue=False, **QUIET)
    controls.stop.click(handlers.stop, None, None, queue=False, **QUIET)
    controls.block_size.change(
        handlers.block_warning, controls.block_size, controls.block_warning, queue=False, **QUIET
    )
    demo.unload(handlers.leave)
