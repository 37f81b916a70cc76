"""The widgets hand on raw values, in the order the handlers read them, starting from values that run."""

from __future__ import annotations

import gradio as gr
import pytest

from twotower.examples import Example, Examples
from twotower.model.configuration import WIDEST_BLOCK
from twotower.sampling.generate import LANES
from twotower.sampling.settings import UNMASKING, SamplingSettings
from twotower.ui import copy
from twotower.ui.controls import SETTING_NAMES, Controls, build_controls
from twotower.ui.decoding_controls import OWN_SETTING, show_rule
from twotower.ui.request import FLAGS, MOST_REPEATS, REAL, WHOLE, WORDS, read_request
from twotower.ui.widgets import Choice, Knob, RawNumber


def controls(
    trained: int = 16,
    lanes: tuple[str, ...] = tuple(LANES),
    examples: Examples = copy.EXAMPLES,
    prompt: str = copy.EXAMPLES.prompts[0].prompt,
) -> Controls:
    with gr.Blocks():
        return build_controls(trained, lanes, examples, prompt)


def test_inputs_stand_in_the_order_of_the_setting_names() -> None:
    made = controls()
    assert made.inputs[:2] == [made.prompt, made.lanes]
    assert [widget.elem_id for widget in made.inputs[2:]] == [name.replace("_", "-") for name in SETTING_NAMES]
    assert made.race_inputs == [*made.inputs, made.repeats, made.pins]


def test_every_setting_is_read() -> None:
    assert {*WHOLE, *REAL, *WORDS, *FLAGS} == set(SETTING_NAMES)


def test_what_the_page_shows_first_can_run() -> None:
    prompt, lanes, *settings = [widget.value for widget in controls().inputs]
    asked = read_request(prompt, lanes, dict(zip(SETTING_NAMES, settings)), tuple(LANES), 16)
    assert asked.prompt == copy.EXAMPLES.prompts[0].prompt
    assert asked.lanes == ("diffusion", "autoregressive")
    defaults = SamplingSettings(seed=asked.settings.seed)
    assert asked.settings == defaults


def test_the_prompt_asked_for_is_in_the_box() -> None:
    assert controls(examples=Examples((Example("One", "1 +"),)), prompt="2 +").prompt.value == "2 +"


def test_a_race_runs_once_unless_repeats_are_asked_for() -> None:
    repeats = controls().repeats
    assert (repeats.value, repeats.minimum, repeats.maximum) == (1, 1, MOST_REPEATS)


@pytest.mark.parametrize("trained", [4, 16, 32])
def test_block_size_starts_at_the_trained_width_and_ends_where_the_model_cannot_follow(trained: int) -> None:
    width = controls(trained).block_size
    assert (width.value, width.minimum, width.maximum) == (trained, 1, WIDEST_BLOCK * trained)


def shown(update: dict[str, object]) -> bool:
    return update["visible"] is True


def test_every_rule_can_be_chosen_and_says_where_it_is_from() -> None:
    choices = controls().unmasking.choices
    assert tuple(value for _, value in choices) == UNMASKING
    for (label, _), source in zip(choices, ("paper", "LLaDA", "Fast-dLLM", "EB-Sampler", "KLASS"), strict=True):
        assert source in label


@pytest.mark.parametrize("rule", UNMASKING)
def test_the_slider_of_the_chosen_rule_alone_is_there(rule: str) -> None:
    threshold, *own = show_rule(rule)
    assert [owner for owner, update in zip(OWN_SETTING, own, strict=True) if shown(update)] == (
        [rule] if rule in OWN_SETTING else []
    )
    assert threshold["interactive"] is (rule in ("threshold", "stability"))
    assert (threshold["info"] == copy.THRESHOLD_UNUSED) is not threshold["interactive"]


def test_before_a_rule_is_chosen_the_sliders_stand_as_the_default_rule_wants() -> None:
    made = controls()
    _, *own = show_rule(made.unmasking.value)
    assert [widget.visible is True for widget in made.rule_widgets[1:]] == [shown(update) for update in own]
    assert [widget.elem_id for widget in made.rule_widgets] == ["threshold", "factor", "entropy-bound", "kl-bound"]


def test_draft_and_verify_is_exact_unless_it_is_asked_not_to_be() -> None:
    made = controls()
    assert (made.accept_from.value, made.accept_from.minimum, made.accept_from.maximum) == (1, 0, 1)
    assert (made.draft_passes.value, made.draft_passes.minimum, made.draft_passes.maximum) == (0, 0, 16)
    assert "no longer AR's" in str(made.accept_from.info)


def test_the_box_of_pins_says_whose_they_are_and_why() -> None:
    info = str(controls().pins.info)
    assert "Diffusion lane only" in info
    assert "left to right" in info


@pytest.mark.parametrize("payload", [99, -1, 1.5, "7", None])
def test_widgets_leave_checking_to_the_request(payload: object) -> None:
    # Gradio's own range check would not say which field it speaks of.
    with gr.Blocks():
        widgets = [Knob(0, 2, value=1, step=1), RawNumber(1, minimum=0, maximum=2), Choice(["a", "b"])]
    assert [widget.preprocess(payload) for widget in widgets] == [payload, payload, payload]


def test_a_lane_the_model_has_not_is_not_offered() -> None:
    boxes = controls(lanes=("autoregressive",)).lanes
    assert [value for _, value in boxes.choices] == ["autoregressive"]
    assert boxes.value == ["autoregressive"]


def test_stop_waits_for_a_run() -> None:
    made = controls()
    assert made.stop.interactive is False
    assert made.run.interactive is not False
