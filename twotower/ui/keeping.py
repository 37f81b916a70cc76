"""Taking a run away and bringing one back: files, a link, a trace file opened. Knows visitors' runs; knows no layout.

Files go to the browser as data and are saved there: nothing is ever written on the server.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from twotower.errors import InputError
from twotower.recording import Recording
from twotower.ui import copy
from twotower.ui.controls import FIRST_LANES, SETTING_NAMES
from twotower.ui.errors import plain_errors
from twotower.ui.handlers import Drawn, Handlers
from twotower.ui.request import FLAGS, REAL, WHOLE, WORDS, RaceRequest
from twotower.ui.shown import Shown
from twotower.views.gif import gif
from twotower.views.report import html_player
from twotower.views.timings import timings_csv

Write = Callable[[Recording], "str | bytes"]
BESIDE_SETTINGS = ("prompt", "lanes", "repeats", "pins")  # what a link says that is no setting
_FLAG = {"true": True, "false": False}
LARGEST_FILE = 8 * 2**20  # bytes; a trace of 1024 tokens in two lanes is under 4 MB

FILES: dict[str, tuple[str, str, Write]] = {
    "save-json": ("twotower-trace.json", "application/json", Recording.to_json),
    "save-html": ("twotower-player.html", "text/html", html_player),
    "save-gif": ("twotower.gif", "image/gif", gif),
    "save-csv": ("twotower-timings.csv", "text/csv", timings_csv),
}


class Keeping:
    """Exports, the link and opened files, over the page's handlers."""

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers
        self._saved = 0

    def save(self, what: str, request: gr.Request) -> dict[str, Any]:
        """The run on the visitor's stage as a file for the browser to save: `{"name", "type", "base64", "number"}`."""
        name, kind, write = FILES[what]
        with plain_errors():
            shown = self._handlers.on_stage(self._handlers.visitors.visit(request.session_hash))
            body = write(shown.recording)
        data = body.encode() if isinstance(body, str) else body
        self._saved += 1  # the same file twice is still two clicks
        return {"name": name, "type": kind, "base64": base64.b64encode(data).decode(), "number": self._saved}

    def open_file(self, data: bytes | None, request: gr.Request) -> Drawn:
        """Put an uploaded trace file on the stage; what was there stays where the file is none."""
        with plain_errors():
            if data is None or len(data) > LARGEST_FILE:
                raise InputError("trace file", f"{len(data or b'')} bytes", f"a file of 1 to {LARGEST_FILE} bytes")
            try:
                text = data.decode("utf-8")
            except UnicodeDecodeError as error:
                raise InputError("trace file", str(error), "UTF-8 text") from error
            recording = Recording.from_json(text)
            self._saved += 1
            return self._handlers.put(request, Shown.kept(f"opened {self._saved}", recording))

    def link(self, *raw: Any) -> dict[str, Any]:
        """The page's query for these settings: `{"query", "number"}`; the browser knows the address before it."""
        with plain_errors():
            asked = self._handlers.asked(*raw)
        seed = raw[2 + SETTING_NAMES.index("seed")]
        values = {name: getattr(asked.settings, name) for name in SETTING_NAMES} | {"seed": int(seed)}
        values |= {name: str(values[name]).lower() for name in FLAGS}
        pins = {"pins": "\n".join(asked.pins)} if asked.pins else {}
        asked_for = {"prompt": asked.prompt, "lanes": ",".join(asked.lanes), "repeats": asked.repeats, **values, **pins}
        self._saved += 1
        return {"query": urlencode(asked_for), "number": self._saved}

    def arrive(self, request: gr.Request) -> Drawn:
        """What a link asks for, into the controls; it runs nothing. Gives: `Controls.race_inputs`."""
        query = dict(request.query_params)
        if not {*BESIDE_SETTINGS, *SETTING_NAMES} & set(query):
            return (gr.skip(),) * (len(BESIDE_SETTINGS) + len(SETTING_NAMES))
        try:
            asked = self._read(query)
        except InputError as error:
            with plain_errors():
                allowed = f"{error.allowed}. {copy.LINK_REFUSED}"
                raise InputError(f"link: {error.field}", error.value, allowed) from error
        given = {name: getattr(asked.settings, name) for name in SETTING_NAMES if name in query}
        if "seed" in query:
            given["seed"] = int(float(query["seed"]))  # -1 stays: it is drawn when the race is run
        return (
            asked.prompt if "prompt" in query else gr.skip(),
            list(asked.lanes) if "lanes" in query else gr.skip(),
            *(given.get(name, gr.skip()) for name in SETTING_NAMES),
            asked.repeats if "repeats" in query else gr.skip(),
            query.get("pins", gr.skip()),
        )

    def _read(self, query: dict[str, str]) -> RaceRequest:
        values: dict[str, object] = {name: _number(name, query[name]) for name in (*WHOLE, *REAL) if name in query}
        values |= {name: query[name] for name in WORDS if name in query}
        values |= {name: _FLAG.get(query[name], query[name]) for name in FLAGS if name in query}
        lanes = query["lanes"].split(",") if "lanes" in query else list(FIRST_LANES)
        repeats = _number("repeats", query["repeats"]) if "repeats" in query else 1
        return self._handlers.read(query.get("prompt", ""), lanes, values, repeats, query.get("pins", ""))


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(name, text, "a number") from error
