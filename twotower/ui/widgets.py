"""Widgets that hand their raw values on. Knows Gradio and where settings start; knows no layout.

Their own checks would answer "Value 7 is greater than maximum value 2" without saying which field, so all checking is
left to `request.py`, which does.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from twotower.sampling.settings import SamplingSettings

DEFAULTS = SamplingSettings()


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


class Choice(gr.Dropdown):
    """One of several, passed on as it was given."""

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        """The raw value."""
        return payload


def setting_knob(
    words: tuple[str, str],
    low: float,
    high: float,
    step: float,
    name: str,
    value: float | None = None,
    visible: bool = True,
) -> Knob:
    """A slider of the setting `name`, at `value` or its default; one that is not visible keeps its value."""
    return Knob(
        low,
        high,
        value=getattr(DEFAULTS, name) if value is None else value,
        step=step,
        label=words[0],
        info=words[1],
        buttons=[],
        visible=visible,
        elem_id=name.replace("_", "-"),
    )
