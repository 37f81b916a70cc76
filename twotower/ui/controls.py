"""The prompt, the examples and the settings. Knows widgets and the sentences on them; knows no run."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import gradio as gr

from twotower.examples import Examples
from twotower.model.configuration import WIDEST_BLOCK
from twotower.ui import copy
from twotower.ui.decoding_controls import OWN_SETTING, build_draft, build_pins, build_rule
from twotower.ui.request import MOST_REPEATS
from twotower.ui.widgets import DEFAULTS, Choice, Knob, RawNumber, setting_knob
from twotower.views.lanes import look_of

SETTING_NAMES = (
    "steps_per_block",
    "temperature",
    "threshold",
    "max_new_tokens",
    "block_size",
    "top_k",
    "top_p",
    "seed",
    "unmasking",
    "factor",
    "entropy_bound",
    "kl_bound",
    "ar_anchor",
    "draft_passes",
    "accept_from",
)
FIRST_LANES = ("diffusion", "autoregressive")
LONGEST_SLIDER = 512


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
    unmasking: Choice
    factor: Knob
    entropy_bound: Knob
    kl_bound: Knob
    ar_anchor: gr.Checkbox
    draft_passes: Knob
    accept_from: Knob
    pins: gr.Textbox
    seed_used: gr.Textbox
    repeats: Knob
    lanes: gr.CheckboxGroup
    block_warning: gr.Textbox = field(repr=False)

    @property
    def inputs(self) -> list[Any]:
        """Prompt, lanes, then the settings in the order of `SETTING_NAMES`."""
        return [self.prompt, self.lanes, *(getattr(self, name) for name in SETTING_NAMES)]

    @property
    def race_inputs(self) -> list[Any]:
        """What a race reads: the same, then repeats and pins."""
        return [*self.inputs, self.repeats, self.pins]

    @property
    def rule_widgets(self) -> list[Any]:
        """What the unmasking rule shows and hides: the threshold, then the sliders of `OWN_SETTING`."""
        return [self.threshold, *(getattr(self, name) for name in OWN_SETTING.values())]


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


def _first_settings() -> dict[str, Any]:
    with gr.Row(elem_classes="tt-pair"):
        steps = setting_knob(copy.STEPS, 1, 64, 1, "steps_per_block")
        threshold = setting_knob(copy.THRESHOLD, 0, 1, 0.01, "threshold")
    with gr.Row(elem_classes="tt-pair"):
        temperature = setting_knob(copy.TEMPERATURE, 0, 2, 0.05, "temperature")
        longest = setting_knob(copy.MAX_NEW_TOKENS, 1, LONGEST_SLIDER, 1, "max_new_tokens")
    return {
        "steps_per_block": steps,
        "threshold": threshold,
        "temperature": temperature,
        "max_new_tokens": longest,
    }


def _more_settings(trained: int) -> dict[str, Any]:
    made = build_rule() | build_draft() | {"pins": build_pins()}
    with gr.Row(elem_classes="tt-pair"):
        words = ("Block size", copy.block_size_info(trained))
        width = setting_knob(words, 1, WIDEST_BLOCK * trained, 1, "block_size", trained)
        repeats = setting_knob(copy.REPEATS, 1, MOST_REPEATS, 1, "repeats", 1)
    with gr.Row(elem_classes="tt-pair"):
        top_k = RawNumber(DEFAULTS.top_k, label=copy.TOP_K[0], info=copy.TOP_K[1], minimum=0, step=1, elem_id="top-k")
        top_p = setting_knob(copy.TOP_P, 0.01, 1, 0.01, "top_p")
    with gr.Row(elem_classes="tt-pair"):
        seed = RawNumber(DEFAULTS.seed, label=copy.SEED[0], info=copy.SEED[1], minimum=-1, step=1, elem_id="seed")
        used = gr.Textbox(
            "", label=copy.SEED_USED, info="of the last run you started", interactive=False, elem_id="seed-used"
        )
    return made | {
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
