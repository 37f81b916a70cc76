"""The widgets of the sweep tab. Knows layout and the sentences on it; knows no model and no run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from twotower.examples import Examples
from twotower.sampling.settings import UNMASKING
from twotower.sweeping.grid import MOST_REPEATS, SweepGrid
from twotower.sweeping.points import QUALITIES
from twotower.training.tasks import TASKS
from twotower.ui import sweep_copy as copy
from twotower.ui.panel import Verdict
from twotower.ui.sweep_progress import SweepProgress
from twotower.ui.sweep_request import ABOVE, MOST_INSTANCES
from twotower.ui.widgets import Knob
from twotower.views.sweep_chart import sweep_chart
from twotower.views.sweep_settings import RULE_LOOKS
from twotower.views.sweep_words import QUALITY_LOOKS

FIRST_EXAMPLES = 3
FIRST_INSTANCES = 5


@dataclass
class SweepTab:
    """What the handlers speak to."""

    inputs: list[Any]  # in the order of `RawSweep`
    seed_used: gr.Textbox
    run: gr.Button
    stop: gr.Button
    bar: SweepProgress
    quality: gr.Radio
    chart: gr.Plot
    summary: Verdict
    download: gr.DownloadButton


def lay_out(examples: Examples, grid: SweepGrid) -> SweepTab:
    """Controls, bar, chart and download; `grid` is what the boxes say first."""
    with gr.Column(elem_id="sweep"):
        gr.Markdown(copy.INTRO, elem_classes="tt-caption")
        with gr.Row(elem_id="sweep-controls"):
            with gr.Column(min_width=320):
                subjects = _subjects(examples)
            with gr.Column(min_width=320):
                axes = _axes(grid)
                with gr.Row(elem_classes="tt-pair"):
                    repeats = _knob(copy.REPEATS, grid.repeats, MOST_REPEATS, "sweep-repeats")
                    seed = _text(copy.SEED_USED, "", "sweep-seed-used", interactive=False)
                with gr.Row(elem_id="sweep-run-row"):
                    run = gr.Button(copy.RUN, variant="primary", elem_id="sweep-run", scale=3)
                    stop = gr.Button(copy.STOP, elem_id="sweep-stop", interactive=False, scale=1, min_width=90)
        bar = SweepProgress({"label": copy.PROGRESS, "done": 0, "total": 0, "text": ""}, elem_id="sweep-progress")
        return SweepTab([*subjects, *axes, repeats], seed, run, stop, bar, *_results(grid))


def _subjects(examples: Examples) -> list[Any]:
    names = [(example.name, str(number)) for number, example in enumerate(examples.prompts)]
    prompts = gr.CheckboxGroup(
        [(copy.PROMPT_ABOVE, ABOVE), *names],
        value=[number for _, number in names[:FIRST_EXAMPLES]],
        label=copy.PROMPTS[0],
        info=copy.PROMPTS[1],
        elem_id="sweep-prompts",
    )
    tasks = gr.CheckboxGroup(list(TASKS), label=copy.TASKS[0], info=copy.TASKS[1], elem_id="sweep-tasks")
    return [prompts, tasks, _knob(copy.INSTANCES, FIRST_INSTANCES, MOST_INSTANCES, "sweep-instances")]


def _axes(grid: SweepGrid) -> list[Any]:
    rules = gr.CheckboxGroup(
        [(RULE_LOOKS[rule].label, rule) for rule in UNMASKING],
        value=list(grid.unmasking),
        label=copy.UNMASKING[0],
        info=copy.UNMASKING[1],
        elem_id="sweep-unmasking",
    )
    thresholds = _text(copy.THRESHOLDS, _joined(grid.thresholds), "sweep-thresholds")
    with gr.Row(elem_classes="tt-pair"):
        factors = _text(copy.FACTORS, _joined(grid.factors), "sweep-factors")
        entropy_bounds = _text(copy.ENTROPY_BOUNDS, _joined(grid.entropy_bounds), "sweep-entropy-bounds")
    with gr.Row(elem_classes="tt-pair"):
        steps = _text(copy.STEPS, _joined(grid.steps_per_block), "sweep-steps")
        sizes = _text(copy.BLOCK_SIZES, _joined(grid.block_sizes), "sweep-block-sizes")
    verify = gr.Checkbox(grid.verify, label=copy.VERIFY[0], info=copy.VERIFY[1], elem_id="sweep-verify")
    return [rules, thresholds, factors, entropy_bounds, steps, sizes, verify]


def _results(grid: SweepGrid) -> tuple[gr.Radio, gr.Plot, Verdict, gr.DownloadButton]:
    quality = gr.Radio(
        [(QUALITY_LOOKS[each].label, each) for each in QUALITIES],
        value=QUALITIES[0],
        label=copy.QUALITY[0],
        info=copy.QUALITY[1],
        elem_id="sweep-quality",
    )
    chart = gr.Plot(sweep_chart([], QUALITIES[0], grid), show_label=False, container=False, elem_id="sweep-chart")
    summary = Verdict({"verdict": ""}, elem_id="sweep-summary")
    download = gr.DownloadButton(copy.DOWNLOAD, interactive=False, elem_id="sweep-download")
    gr.Markdown(copy.QUALITY_TEXT, elem_classes="tt-caption")
    return quality, chart, summary, download


def _joined(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def _text(words: tuple[str, str], value: str, elem_id: str, interactive: bool = True) -> gr.Textbox:
    return gr.Textbox(value, label=words[0], info=words[1], elem_id=elem_id, interactive=interactive)


def _knob(words: tuple[str, str], value: int, most: int, elem_id: str) -> Knob:
    return Knob(1, most, value=value, step=1, label=words[0], info=words[1], buttons=[], elem_id=elem_id)
