"""The tabs "Model" and "How it works": their panels and widgets. Knows layout; what a press does is in `experts.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from twotower.model.configuration import MOE, TwoTowerConfig
from twotower.sampling.settings import SamplingSettings
from twotower.ui.experts import ALL_LAYERS, ExpertWatch
from twotower.ui.panel import Panel
from twotower.views.anatomy import anatomy
from twotower.views.tour import tour

WATCH = "Watch the experts"
WATCHING = "Watching …"
WATCH_TITLE = "Experts chosen, pass by pass"
WATCH_TEXT = (
    "Runs diffusion once more on the prompt and settings above and counts which experts the denoiser's routers choose "
    "for the slots of the open block. The same seed writes the same text as the race."
)
NO_EXPERTS = "This model has no mixture-of-experts layers: there are no experts to watch."
BEFORE_WATCHING = "Nothing watched yet."


class Anatomy(Panel):
    """The two towers: takes the value of `views/anatomy.py`."""

    TEMPLATE = '<div class="tt-anatomy"></div>'
    SCRIPTS = ("dom.js", "anatomycounts.js", "anatomy.js")


class Tour(Panel):
    """Five steps: takes the value of `views/tour.py`, and says on the document which one is current.

    The event is `twotower:tour` with `detail: {moment, light}`, both null when the tour is left.
    """

    TEMPLATE = '<section class="tt-tour" aria-label="How it works"></section>'
    SCRIPTS = ("dom.js", "tour.js")


@dataclass
class ExpertWidgets:
    """What the expert watch is started from and draws on."""

    watch: gr.Button
    layer: gr.Dropdown
    chart: gr.Plot
    caption: gr.Markdown
    routing: gr.State


def build_model_tab(config: TwoTowerConfig, dtype_bytes: int) -> ExpertWidgets | None:
    """The drawing, the counts, and the expert watch; None for a model without experts."""
    Anatomy(anatomy(config, dtype_bytes), elem_id="anatomy")
    with gr.Column(elem_id="experts"):
        gr.Markdown(f"### {WATCH_TITLE}\n{WATCH_TEXT}", elem_classes="tt-caption")
        if MOE not in config.hybrid_override_pattern:
            gr.Markdown(NO_EXPERTS, elem_id="no-experts", elem_classes="tt-caption")
            return None
        return _expert_widgets(config)


def build_tour_tab(config: TwoTowerConfig, settings: SamplingSettings) -> Tour:
    """The five steps, with the model's block size and the page's default settings."""
    return Tour(tour(config, settings), elem_id="tour")


def wire_experts(
    widgets: ExpertWidgets, watch: ExpertWatch, inputs: Sequence[Any], queue: dict[str, Any], quiet: dict[str, Any]
) -> None:
    """inputs: prompt, lanes and settings as a race takes them, the pins, then the seed that the last race used.

    `queue` puts the run in line behind races, `quiet` hides what Gradio shows of waiting and of the API.
    """
    drawn = [widgets.chart, widgets.caption]
    pressed = widgets.watch.click(_waiting, None, widgets.watch, queue=False, **quiet)
    watched = pressed.then(watch.run, [widgets.layer, *inputs], [widgets.routing, *drawn], **queue, **quiet)
    watched.then(_ready, None, widgets.watch, queue=False, **quiet)
    widgets.layer.input(watch.draw, [widgets.routing, widgets.layer], drawn, queue=False, **quiet)


def _expert_widgets(config: TwoTowerConfig) -> ExpertWidgets:
    layers = [i for i, kind in enumerate(config.hybrid_override_pattern) if kind == MOE]
    choices = [(f"layer {layer + 1}", layer) for layer in layers]
    with gr.Row(elem_id="experts-row"):
        button = gr.Button(WATCH, elem_id="watch-experts", scale=0, min_width=200)
        layer = gr.Dropdown(
            [*choices, ("all layers", ALL_LAYERS)],
            value=layers[0],
            label="MoE layer",
            elem_id="experts-layer",
            scale=0,
            min_width=160,
        )
    # Hidden while it is empty: Gradio's empty plot is named in a way that screen readers cannot use.
    chart = gr.Plot(show_label=False, container=False, elem_id="experts-chart", visible=False)
    caption = gr.Markdown(BEFORE_WATCHING, elem_id="experts-caption", elem_classes="tt-caption")
    return ExpertWidgets(button, layer, chart, caption, gr.State(None))


def _waiting() -> Any:
    return gr.update(value=WATCHING, interactive=False)


def _ready() -> Any:
    return gr.update(value=WATCH, interactive=True)
