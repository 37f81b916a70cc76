"""The recorded runs that come with the page: trace files read when they are wanted. Knows no widgets and no model."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from twotower.recording import Recording

TRACES = Path(__file__).resolve().parent.parent.parent / "assets" / "traces"


def recorded_names() -> tuple[str, ...]:
    """The files' stems in the order they are offered, which their names carry."""
    return tuple(sorted(path.stem for path in TRACES.glob("*.json")))


@lru_cache(maxsize=16)
def recorded(stem: str) -> Recording:
    """One of `recorded_names()`."""
    return Recording.from_json((TRACES / f"{stem}.json").read_text(encoding="utf-8"))
