"""Whose race is whose. Knows sessions by their hash; knows no widgets."""

from __future__ import annotations

import threading

from twotower.ui.race import Race


class Visitors:
    """The latest race of every open page."""

    def __init__(self) -> None:
        self._races: dict[str, Race] = {}
        self._lock = threading.Lock()

    def enter(self, session: str | None, race: Race) -> None:
        """A new race replaces, and stops, the one this visitor may still have."""
        with self._lock:
            before = self._races.get(session or "")
            self._races[session or ""] = race
        if before is not None:
            before.stop()

    def race(self, session: str | None) -> Race | None:
        """The visitor's latest race."""
        with self._lock:
            return self._races.get(session or "")

    def leave(self, session: str | None) -> None:
        """The page was closed."""
        with self._lock:
            race = self._races.pop(session or "", None)
        if race is not None:
            race.stop()
