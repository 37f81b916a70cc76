"""Events from the JSON that `event_to_json` wrote, or that a stranger says it wrote: every field checked.

Looks at one event at a time; whether many of them are a run is for `legality.py` to say.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any, cast, get_args

from twotower.reading import Reader, inside, listed, one_of, real, record, refused, row, string, whole
from twotower.sampling.events import EVENT_TYPES, Event, FinishReason, Judged, Proposal, Rule, Verified
from twotower.sampling.settings import SamplingSettings

MOST_SLOTS = 2**20
MOST_CANDIDATES = 50  # as many as SamplingSettings records
LARGEST = 2**63 - 1
LONGEST_RUN = 1e9  # seconds


def event_from_json(value: object) -> Event:
    """The event of a JSON object. Raises InputError naming the field, its value and what is allowed."""
    if type(value) is not dict:
        raise refused(value, "an object")
    name = inside("event", one_of(*EVENT_TYPES), value.get("event"))
    return inside(name, _EVENTS[name], {key: item for key, item in value.items() if key != "event"})


def _lane(value: object) -> str:
    name = string(40)(value)
    if not re.fullmatch("[a-z][a-z0-9-]*", name):
        raise refused(name, "small letters, digits and hyphens")
    return name


def _settings(value: object) -> dict[str, object]:
    """Settings as this version knows them: one that was not there yet when the run was recorded has its default."""
    if type(value) is not dict:
        raise refused(value, "an object")
    known = [field.name for field in fields(SamplingSettings)]
    if not value.keys() <= set(known):
        raise refused(", ".join(sorted(value.keys() - set(known))), "fields of " + ", ".join(known))
    plain = {name: inside(name, _SETTINGS.get(name, _plain), item) for name, item in value.items()}
    return SamplingSettings(**plain).to_json()


def _end_ids(value: object) -> tuple[int, ...] | None:
    return None if value is None else _IDS(value)


def _plain(value: object) -> Any:
    """A setting that is no list; whether it is one under its name is for SamplingSettings to say."""
    if isinstance(value, (str, list, dict)) or (type(value) is int and abs(value) > LARGEST):
        raise refused(value, f"a number of up to {LARGEST}, true or false")
    return value


def _seconds(value: object) -> float:
    """To the digits that `event_to_json` keeps: no quotient of two times can then be infinite."""
    return round(_TIME(value), 7)


def _proposal(value: object) -> Proposal:
    return Proposal(*_PROPOSAL(value))


def _event(cls: type) -> Reader[Event]:
    known = {**_FIELDS, **_OTHERWISE.get(cls, {})}
    read = record({field.name: known[field.name] for field in fields(cls)})
    return lambda value: cast(Event, cls(**read(value)))


_ID = whole(0, 2**31 - 1)
_IDS = listed(_ID, MOST_SLOTS)
_COUNT = whole(0, MOST_SLOTS)
_PROBABILITY = real(0, 1)
_TIME = real(0, LONGEST_RUN)
_NAME = string(1000)
_CANDIDATES = listed(row(id=_ID, probability=_PROBABILITY), MOST_CANDIDATES)
_PINS = listed(row(position=_COUNT, id=_ID), MOST_SLOTS)
_PROPOSAL = row(
    position=_COUNT,
    id=_ID,
    confidence=_PROBABILITY,
    rule=one_of(*get_args(Rule), None),
    candidates=_CANDIDATES,
)

# A field means the same in every event that has it, but for those of `_OTHERWISE`.
_FIELDS: dict[str, Reader[Any]] = {
    "time": _seconds,
    "seconds": _seconds,
    "lane": _lane,
    "prompt_ids": _IDS,
    "settings": _settings,
    "seed": whole(0, LARGEST),
    "model": _NAME,
    "device": _NAME,
    "dtype": _NAME,
    "threads": _COUNT,
    "mask_token_id": _ID,
    "end_token_ids": _IDS,
    "warnings": listed(_NAME, 100),
    "tokens": _COUNT,
    "block": _COUNT,
    "offset": _COUNT,
    "size": whole(1, MOST_SLOTS),
    "pinned": _PINS,
    "drafted": _IDS,
    "accepted": _COUNT,
    "choices": _IDS,
    "step": _COUNT,
    "masked_fraction": real(0, 1),
    "proposals": listed(_proposal, MOST_SLOTS),
    "log_probabilities": listed(real(-1e9, 0.01), MOST_SLOTS),  # rounding takes some a little above 0
    "position": _COUNT,
    "id": _ID,
    "probability": _PROBABILITY,
    "candidates": _CANDIDATES,
    "reason": one_of(*get_args(FinishReason)),
}
_OTHERWISE: dict[type, dict[str, Reader[Any]]] = {
    Verified: {"id": lambda value: None if value is None else _ID(value)},
    Judged: {"candidates": listed(_CANDIDATES, MOST_SLOTS)},
}
_SETTINGS: dict[str, Reader[Any]] = {"end_token_ids": _end_ids, "unmasking": string(20), "pins": _PINS}
_EVENTS = {name: _event(cls) for name, cls in EVENT_TYPES.items()}
