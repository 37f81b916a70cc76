"""The player's files: which scripts and styles draw the stage, in the order in which they are loaded."""

from __future__ import annotations

import functools
from pathlib import Path

PLAYER = Path(__file__).resolve().parent.parent.parent / "assets" / "player"
STYLES = ("stage.css",)
STAGE_SCRIPTS = (
    "dom.js",
    "palette.js",
    "colouring.js",
    "slot.js",
    "timeline.js",
    "reading.js",
    "slots.js",
    "kinds.js",
    "prose.js",
    "lane.js",
    "player.js",
    "transport.js",
    "scrubber.js",
    "explanation.js",
    "evidence.js",
    "inspector.js",
    "comparison.js",
    "whatif.js",
    "stage.js",
)


@functools.cache
def read_assets(names: tuple[str, ...]) -> str:
    """The files' contents, one after the other."""
    return "\n".join((PLAYER / name).read_text(encoding="utf-8") for name in names)
