"""The record of one lane's run: record, replay, write, read. Knows what happened and when; knows no model.

A trace is the tuple of its events. Replaying it gives exactly the ids the run returned.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from twotower.errors import InputError
from twotower.reading import inside, listed, one_of, read_json
from twotower.sampling.event_reader import event_from_json
from twotower.sampling.events import Event, Finished, Started, event_to_json
from twotower.sampling.legality import check_run
from twotower.sampling.replay import Replay

SCHEMA_VERSION = 2
MOST_EVENTS = 200_000


@dataclass(frozen=True)
class Trace:
    """Everything one lane did, in order."""

    events: tuple[Event, ...]

    @classmethod
    def record(cls, events: Iterable[Event]) -> Trace:
        """Run a lane to its end and keep what happened."""
        return cls(tuple(events))

    @property
    def started(self) -> Started:
        """The first event: who ran, with what."""
        return cast(Started, self.events[0])

    @property
    def finished(self) -> Finished:
        """The last event: why it ended and how much text counts."""
        return cast(Finished, self.events[-1])

    @functools.cached_property
    def slots(self) -> tuple[int | None, ...]:
        """Every slot the run opened, text after an end token included; None where a run was stopped."""
        replay = Replay()
        for event in self.events:
            replay.apply(event)
        return tuple(replay.slots)

    @property
    def token_ids(self) -> tuple[int, ...]:
        """The generated ids, an end token included; nothing after it."""
        return cast("tuple[int, ...]", self.slots[: self.finished.tokens])

    def to_plain(self) -> dict[str, object]:
        """Plain JSON values: schema version and events. Probabilities are rounded, ids and order are exact."""
        return {"schema": SCHEMA_VERSION, "events": [event_to_json(event) for event in self.events]}

    def to_json(self) -> str:
        """The same as one JSON object."""
        return json.dumps(self.to_plain(), separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Trace:
        """Read what `to_json` wrote; entries beside schema and events are left alone. Raises InputError."""
        body = read_json("trace", text, "JSON written by Trace.to_json")
        if not isinstance(body, dict):
            raise InputError("trace", type(body).__name__, "a JSON object")
        inside("trace schema", one_of(SCHEMA_VERSION), body.get("schema"))
        return inside("trace events", cls.of_records, body.get("events"))

    @classmethod
    def of_records(cls, records: object) -> Trace:
        """The trace of a JSON list of events that are a run (see `legality.py`). Raises InputError naming the field."""
        trace = cls(listed(event_from_json, MOST_EVENTS)(records))
        check_run(trace.events)
        return trace
