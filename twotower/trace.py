"""The record of one lane's run: record, replay, write, read. Knows what happened and when; knows no model.

A trace is the tuple of its events. Replaying it gives exactly the ids the run returned.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from twotower.errors import InputError
from twotower.sampling.events import Event, Finished, Started, event_from_json, event_to_json
from twotower.sampling.replay import Replay

SCHEMA_VERSION = 1


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

    @property
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

    def to_json(self) -> str:
        """One JSON object: schema version and events. Probabilities are rounded, ids and order are exact."""
        body = {"schema": SCHEMA_VERSION, "events": [event_to_json(event) for event in self.events]}
        return json.dumps(body, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Trace:
        """Read what `to_json` wrote. Raises InputError naming what is wrong."""
        try:
            body = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise InputError("trace", str(error), "JSON written by Trace.to_json") from error
        if not isinstance(body, dict) or body.get("schema") != SCHEMA_VERSION:
            schema = body.get("schema") if isinstance(body, dict) else body
            raise InputError("trace schema", schema, f"version {SCHEMA_VERSION}")
        if not isinstance(body.get("events"), list) or not body["events"]:
            raise InputError("trace events", body.get("events"), "a list of events")
        trace = cls(tuple(event_from_json(record) for record in body["events"]))
        if not isinstance(trace.events[0], Started) or not isinstance(trace.events[-1], Finished):
            ends = (type(trace.events[0]).__name__, type(trace.events[-1]).__name__)
            raise InputError("trace events", ends, "a run from Started to Finished")
        return trace
