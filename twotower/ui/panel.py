"""A piece of page drawn by our own JavaScript from JSON. Knows how Gradio carries it; knows no model and no events.

Gradio renders a `gr.HTML` template with `innerHTML` and evaluates what stands in it, so no data ever gets there: the
template is a constant, the value is a JSON string, and the script reads it with `JSON.parse` and writes `textContent`.
"""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from twotower.views.player import STAGE_SCRIPTS, STYLES, read_assets

PAGE_STYLES = (
    "page.css",
    "notice.css",
    "settings.css",
    *STYLES,
    "pinning.css",
    "numbers.css",
    "anatomy.css",
    "tour.css",
    "sweep.css",
)


class Panel(gr.HTML):
    """A constant template, the scripts that bring it alive, and a JSON value."""

    TEMPLATE = ""
    SCRIPTS: tuple[str, ...] = ()

    def __init__(self, value: dict[str, Any] | None = None, *, elem_id: str | None = None, render: bool = True) -> None:
        # Gradio builds a component anew, by these arguments, whenever an event leaves its value as it is.
        super().__init__(
            value,
            html_template=self.TEMPLATE,
            js_on_load=read_assets(self.SCRIPTS),
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
    SCRIPTS = (*STAGE_SCRIPTS, "pinning.js")  # an exported player has nobody to send a pin to


class TitleStrip(Panel):
    """Which model, where it runs, the light: `{"title", "tagline", "facts": [[name, text, link?], ...], "light"}`."""

    TEMPLATE = '<header class="tt-strip"></header>'
    SCRIPTS = ("dom.js", "strip.js")


class Notice(Panel):
    """A line that stays: `{"text"}`."""

    TEMPLATE = '<div class="tt-notice"></div>'
    SCRIPTS = ("dom.js", "notice.js")


class Verdict(Panel):
    """Who won: `{"verdict"}`."""

    TEMPLATE = '<div class="tt-sentence"></div>'
    SCRIPTS = ("dom.js", "verdict.js")


class Numbers(Panel):
    """The table of `views/numbers.py`."""

    TEMPLATE = '<div class="tt-numbers"></div>'
    SCRIPTS = ("dom.js", "numbers.js")


class Saver(Panel):
    """Lets the browser save a file: `{"name", "type", "base64", "number"}`. Shows nothing."""

    TEMPLATE = "<span hidden></span>"
    SCRIPTS = ("dom.js", "saver.js")


class LinkRow(Panel):
    """A link to the page with these settings: `{"query", "number"}`."""

    TEMPLATE = '<div class="tt-link-row"></div>'
    SCRIPTS = ("dom.js", "link.js")


def page_styles() -> str:
    """A style element for the page's head: Gradio's own way to add CSS drops container queries."""
    return f"<style>\n{read_assets(PAGE_STYLES)}</style>"
