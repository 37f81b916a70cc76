"""How slots become text: unmasking rules, draft and verify, pinned words. Knows widgets and what each rule reads."""

from __future__ import annotations

from typing import Any

import gradio as gr

from twotower.ui import copy
from twotower.ui.widgets import DEFAULTS, Choice, Knob, setting_knob

# The setting that belongs to each rule, beside the threshold.
OWN_SETTING = {"factor": "factor", "entropy": "entropy_bound", "stability": "kl_bound"}
USE_THRESHOLD = ("threshold", "stability")
MOST_DRAFT_PASSES = 16
_OWN_LOOKS = {  # words, greatest value, step of each slider
    "factor": (copy.FACTOR, 4, 0.05),
    "entropy_bound": (copy.ENTROPY_BOUND, 2, 0.01),
    "kl_bound": (copy.KL_BOUND, 0.1, 0.001),
}


def build_rule() -> dict[str, Any]:
    """The unmasking rule beside the setting that belongs to it, and the anchor."""
    with gr.Row(elem_classes="tt-pair", elem_id="rule-row"):
        rule = Choice(
            [(label, name) for name, label in copy.RULES],
            value=DEFAULTS.unmasking,
            label=copy.UNMASKING[0],
            info=copy.UNMASKING[1],
            filterable=False,
            elem_id="unmasking",
        )
        own = {name: _own_knob(name, *look) for name, look in _OWN_LOOKS.items()}
    words = copy.AR_ANCHOR
    anchor = gr.Checkbox(DEFAULTS.ar_anchor, label=words[0], info=words[1], container=False, elem_id="ar-anchor")
    return {"unmasking": rule, **own, "ar_anchor": anchor}


def build_draft() -> dict[str, Any]:
    """What the verify lane reads."""
    with gr.Row(elem_classes="tt-pair"):
        passes = setting_knob(copy.DRAFT_PASSES, 0, MOST_DRAFT_PASSES, 1, "draft_passes")
        accept = setting_knob(copy.ACCEPT_FROM, 0, 1, 0.01, "accept_from")
    return {"draft_passes": passes, "accept_from": accept}


def build_pins() -> gr.Textbox:
    """A pin a line."""
    return gr.Textbox(
        "",
        label=copy.PINS[0],
        info=copy.PINS[1],
        placeholder=copy.PINS_PLACEHOLDER,
        lines=2,
        max_lines=8,
        elem_id="pins",
    )


def show_rule(rule: Any) -> tuple[Any, ...]:
    """The threshold, greyed where the rule does not read it; the sliders of `OWN_SETTING`, all hidden but its own."""
    used = rule in USE_THRESHOLD
    threshold = gr.update(interactive=used, info=copy.THRESHOLD[1] if used else copy.THRESHOLD_UNUSED)
    return (threshold, *(gr.update(visible=rule == owner) for owner in OWN_SETTING))


def _own_knob(name: str, words: tuple[str, str], most: float, step: float) -> Knob:
    return setting_knob(words, 0, most, step, name, visible=OWN_SETTING.get(DEFAULTS.unmasking) == name)
