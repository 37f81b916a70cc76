"""The bar of a sweep, with its line of text. Knows how a panel carries JSON; knows no sweep."""

from __future__ import annotations

from twotower.ui.panel import Panel


class SweepProgress(Panel):
    """How far it is: `{"label", "done", "total", "text"}`; no bar is shown while `total` is 0."""

    TEMPLATE = '<div class="tt-progress"></div>'
    SCRIPTS = ("dom.js", "progress.js")
