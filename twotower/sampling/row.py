"""A text under way: its lane, the pass it waits for, and what it says so far. Knows no model."""

from __future__ import annotations

from dataclasses import dataclass, field

from twotower.sampling.events import Event, Finished, Started
from twotower.sampling.passes import Answer, Lane, Request
from twotower.sampling.replay import Replay
from twotower.sampling.run import Run


@dataclass
class Row:
    """One run of a lane, from outside. Whoever drives it hands out `started` first."""

    run: Run
    started: Started
    lane: Lane
    _replay: Replay = field(default_factory=Replay)

    def __post_init__(self) -> None:
        self._replay.apply(self.started)

    def go_on(self, answer: Answer | None = None) -> Event | Request:
        """What the lane comes to next; `answer` is that of the pass it has asked for, None if that was an event."""
        return self.lane.send(answer)  # type: ignore[arg-type]  # what an event is answered with is not looked at

    def note(self, event: Event) -> None:
        """The event has been handed out: should the run be cancelled, its text counts."""
        self._replay.apply(event)

    def cancelled(self) -> Finished:
        """The run's end, should it go no further: what can be read counts."""
        return Finished(self.run.now, "cancelled", self._replay.readable(self.run.end_token_ids))
