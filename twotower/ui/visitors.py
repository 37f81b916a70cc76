"""Whose race is whose. Knows sessions by their hash; knows no widgets."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from twotower.ui.race import Race
from twotower.ui.shown import Shown


@dataclass
class Visit:
    """An open page: the race that runs or ran last, what stands on its stage, and run A, if one is pinned."""

    race: Race | None = None
    running: bool = False
    shown: Shown | None = None
    pinned: Shown | None = None


_NOBODY = Visit()


class Visitors:
    """Every open page by its session."""

    def __init__(self) -> None:
        self._visits: dict[str, Visit] = {}
        self._lock = threading.Lock()

    def visit(self, session: str | None) -> Visit:
        """The visitor's page."""
        with self._lock:
            return self._visits.setdefault(session or "", Visit())

    def race(self, session: str | None) -> Race | None:
        """The visitor's latest race."""
        with self._lock:
            return self._visits.get(session or "", _NOBODY).race

    def enter(self, session: str | None, race: Race) -> None:
        """A new race replaces, and stops, the one this visitor may still have."""
        visit = self.visit(session)
        with self._lock:
            before, visit.race = visit.race, race
        if before is not None:
            before.stop()

    def leave(self, session: str | None) -> None:
        """The page was closed."""
        with self._lock:
            visit = self._visits.pop(session or "", None)
        if visit is not None and visit.race is not None:
            visit.race.stop()
