"""The prompt, the examples and the settings. Knows widgets and the sentences on them; knows no run.

Widgets hand their raw values on: their own range checks would answer "Value 7 is greater than maximum value 2" without
saying which field, so all checking is left to `request.py`, which does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import gradio as gr

from twotower.examples import Examples
from twotower.sampling.settings import WIDEST_BLOCK, SamplingSettings
from twotower.ui import copy
from twotower.ui.request import MOST_REPEATS
from twotower.views.lanes import look_of

DEFAULTS = SamplingSettings()
SETTING_NAMES = (
    "steps_per_block",
    "temperature",
    "threshold",
    "max_new_tokens",
    "block_size",
    "top_k",
    "top_p",
    "seed",
)
FIRST_LANES = ("diffusion", "autoregressive")
LONGEST_SLIDER = 512


class Knob(gr.Slider):
    """A slider that passes on what it was given."""

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        """The raw value."""
        return payload


class RawNumber(gr.Number):
    """A number box that passes on what it was given."""

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        """The raw value."""
        return payload


@dataclass
class Controls:
    """Every input of a run, and what else the handlers need to reach."""

    prompt: gr.Textbox
    run: gr.Button
    stop: gr.Button
    steps_per_block: Knob
    temperature: Knob
    threshold: Knob
    max_new_tokens: Knob
    block_size: Knob
    top_k: RawNumber
    top_p: Knob
    seed: RawNumber
    seed_used: gr.Textbox
    repeats: Knob
    lanes: gr.CheckboxGroup
    block_warning: gr.Textbox = field(repr=False)

    @property
    def inputs(self) -> list[Any]:
        """Prompt, lanes, then the settings in the order of `SETTING_NAMES`."""
        return [self.prompt, self.lanes, *(getattr(self, name) for name in SETTING_NAMES)]


def build_controls(trained_block_size: int, lanes: tuple[str, ...], examples: Examples, prompt: str) -> Controls:
    """Lay them out: the prompt beside the settings, under each other where it is narrow."""
    with gr.Row(elem_id="controls"):
        with gr.Column(scale=6, min_width=320, elem_id="prompt-column"):
            made = _prompt_column(examples, prompt)
        with gr.Column(scale=5, min_width=320, elem_id="settings-column"):
            made |= _first_settings()
            made["lanes"] = _lane_boxes(lanes)
            with gr.Accordion(copy.MORE_SETTINGS, open=False, elem_id="more-settings"):
                made |= _more_settings(trained_block_size)
            made["block_warning"] = gr.Textbox(
                visible=False, interactive=False, show_label=False, container=False, elem_id="block-size-warning"
            )
    return Controls(**{each.name: made[each.name] for each in fields(Controls)})


def _prompt_column(examples: Examples, first: str) -> dict[str, Any]:
    prompt = gr.Textbox(
        first,
        label=copy.PROMPT_LABEL,
        info=copy.PROMPT_HINT,
        lines=3,
        max_lines=8,
        elem_id="prompt",
    )
    _chips(examples, prompt)
    with gr.Row(elem_id="run-row"):
        run = gr.Button(copy.RUN, variant="primary", elem_id="run", scale=3)
        stop = gr.Button(copy.STOP, elem_id="stop", interactive=False, scale=1, min_width=90)
    return {"prompt": prompt, "run": run, "stop": stop}


def _chips(examples: Examples, prompt: gr.Textbox) -> None:
    quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    with gr.Row(elem_id="examples"):
        for number, example in enumerate(examples.prompts, 1):
            look: dict[str, Any] = {"size": "sm", "elem_classes": "tt-chip", "min_width": 0}
            chip = gr.Button(copy.chip(example), elem_id=f"example-{number}", **look)
            chip.click(_setter(example.prompt), outputs=prompt, **quiet)
    if copy.chips_info(examples):
        gr.Markdown(copy.chips_info(examples), elem_id="examples-info", elem_classes="tt-caption")


def _setter(text: str) -> Any:
    return lambda: text


def _knob(words: tuple[str, str], low: float, high: float, step: float, name: str, value: float | None = None) -> Knob:
    return Knob(
        low,
        high,
        value=getattr(DEFAULTS, name) if value is None else value,
        step=step,
        label=words[0],
        info=words[1],
        buttons=[],
        elem_id=name.replace("_", "-"),
    )


def _first_settings() -> dict[str, Any]:
    with gr.Row(elem_classes="tt-pair"):
        steps = _knob(copy.STEPS, 1, 64, 1, "steps_per_block")
        threshold = _knob(copy.THRESHOLD, 0, 1, 0.01, "threshold")
    with gr.Row(elem_classes="tt-pair"):
        temperature = _knob(copy.TEMPERATURE, 0, 2, 0.05, "temperature")
        longest = _knob(copy.MAX_NEW_TOKENS, 1, LONGEST_SLIDER, 1, "max_new_tokens")
    return {
        "steps_per_block": steps,
        "threshold": threshold,
        "temperature": temperature,
        "max_new_tokens": longest,
    }


def _more_settings(trained: int) -> dict[str, Any]:
    with gr.Row(elem_classes="tt-pair"):
        words = ("Block size", copy.block_size_info(trained))
        width = _knob(words, 1, WIDEST_BLOCK * trained, 1, "block_size", trained)
        repeats = _knob(copy.REPEATS, 1, MOST_REPEATS, 1, "repeats", 1)
    with gr.Row(elem_classes="tt-pair"):
        top_k = RawNumber(DEFAULTS.top_k, label=copy.TOP_K[0], info=copy.TOP_K[1], minimum=0, step=1, elem_id="top-k")
        top_p = _knob(copy.TOP_P, 0.01, 1, 0.01, "top_p")
    with gr.Row(elem_classes="tt-pair"):
        seed = RawNumber(DEFAULTS.seed, label=copy.SEED[0], info=copy.SEED[1], minimum=-1, step=1, elem_id="seed")
        used = gr.Textbox(
            "", label=copy.SEED_USED, info="of the last run you started", interactive=False, elem_id="seed-used"
        )
    return {
        "block_size": width,
        "repeats": repeats,
        "top_k": top_k,
        "top_p": top_p,
        "seed": seed,
        "seed_used": used,
    }


def _lane_boxes(lanes: tuple[str, ...]) -> gr.CheckboxGroup:
    return gr.CheckboxGroup(
        [(f"{look_of(lane).glyph} {look_of(lane).label}", lane) for lane in lanes],
        value=[lane for lane in FIRST_LANES if lane in lanes],
        label=copy.LANES[0],
        info=copy.LANES[1],
        elem_id="lanes",
    )
