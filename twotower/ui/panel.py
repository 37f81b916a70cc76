"""A piece of page drawn by our own JavaScript from JSON. Knows how Gradio carries it; knows no model and no events.

Gradio renders a `gr.HTML` template with `innerHTML` and evaluates what stands in it, so no data ever gets there: the
template is a constant, the value is a JSON string, and the script reads it with `JSON.parse` and writes `textContent`.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import gradio as gr

PLAYER = Path(__file__).resolve().parent.parent.parent / "assets" / "player"
STYLES = ("page.css", "stage.css", "numbers.css")


class Panel(gr.HTML):
    """A constant template, the scripts that bring it alive, and a JSON value."""

    TEMPLATE = ""
    SCRIPTS: tuple[str, ...] = ()

    def __init__(self, value: dict[str, Any] | None = None, *, elem_id: str | None = None, render: bool = True) -> None:
        # Gradio builds a component anew, by these arguments, whenever an event leaves its value as it is.
        super().__init__(
            value,
            html_template=self.TEMPLATE,
            js_on_load=_script(self.SCRIPTS),
            apply_default_css=False,
            elem_id=elem_id,
            render=render,
        )

    def postprocess(self, value: dict[str, Any] | None) -> str | None:  # type: ignore[override]
        """The JSON text the script reads."""
        return None if value is None else json.dumps(value, separators=(",", ":"), allow_nan=False)

    def api_info(self) -> dict[str, Any]:
        """A JSON string goes to the browser."""
        return {"type": "string", "description": "JSON for the panel's script"}


class Stage(Panel):
    """Where lanes are drawn: takes the messages of `views/canvas.py`."""

    TEMPLATE = '<div class="tt-stage"></div>'
    SCRIPTS = ("dom.js", "palette.js", "replay.js", "slots.js", "prose.js", "racestrip.js", "lane.js", "stage.js")


class TitleStrip(Panel):
    """Which model, where it runs, and the light: `{"title", "tagline", "facts": [[name, text], ...], "light"}`."""

    TEMPLATE = '<header class="tt-strip"></header>'
    SCRIPTS = ("dom.js", "strip.js")


class Verdict(Panel):
    """Who won: `{"verdict"}`."""

    TEMPLATE = '<div class="tt-sentence"></div>'
    SCRIPTS = ("dom.js", "verdict.js")


class Numbers(Panel):
    """The table of `views/numbers.py`."""

    TEMPLATE = '<div class="tt-numbers"></div>'
    SCRIPTS = ("dom.js", "numbers.js")


def page_styles() -> str:
    """A style element for the page's head: Gradio's own way to add CSS drops container queries."""
    return "<style>\n" + "\n".join((PLAYER / name).read_text(encoding="utf-8") for name in STYLES) + "</style>"


@functools.cache
def _script(names: tuple[str, ...]) -> str:
    return "\n".join((PLAYER / name).read_text(encoding="utf-8") for name in names)
