"""A race that can be kept: the trace of every lane with its text, in one JSON file. Knows no model and no page.

The file needs no tokenizer to be shown, so it holds texts beside ids. It is one JSON object:

    recording  1, the version of this format
    name       what the recording is called
    prompt     the text that was continued
    pieces     {"12": " the", ...}: the text of every token id that an event names, candidates too; bytes that are only
               part of a character stand as in ‹F0 9F›, special tokens by their name
    lanes      one object a lane, in the order in which they are shown:
        schema      2, the version of the events
        events      the run from Started to Finished, an object an event: its name under "event", then the fields that
                    `sampling/events.py` explains. Seconds are of the measured clock. A proposal is the list
                    [position, id, confidence, rule or null, candidates], a candidate the list [id, probability]
        text        the text that counts, special tokens left out
        slot_texts  what each slot shows at the end: one text a slot, "" where it is masked
        joins       [[slot, last slot, text before], ...]: the slot shows its slot_text only once it and every slot up
                    to the last one hold their tokens, and the text before until then: a character's bytes may lie in
                    more than one token

A reader refuses a version and a field that it does not know, and a run that cannot have happened.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twotower.errors import InputError
from twotower.reading import inside, listed, one_of, read_json, record, refused, row, string, whole
from twotower.sampling.events import BlockOpened, Denoised, Event, Judged, Started, TokenDecoded, Verified
from twotower.text import decode, piece_text, slot_joins, slot_texts
from twotower.trace import MOST_EVENTS, SCHEMA_VERSION, Trace

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

VERSION = 1
MOST_LANES = 8
MOST_SLOTS = 8192  # of a lane
LONGEST_FILE = 64_000_000  # characters
LONGEST_NAME = 200
LONGEST_TEXT = 1_000_000
LONGEST_PIECE = 1000
MOST_PIECES = 500_000


@dataclass(frozen=True)
class LaneRecord:
    """One lane's run, and what it takes to show it without a tokenizer."""

    trace: Trace
    text: str  # special tokens left out
    slot_texts: tuple[str, ...]  # what each slot of `trace.slots` shows
    joins: tuple[tuple[int, int, str], ...]  # (slot, last slot, text before), see above

    @classmethod
    def of(cls, trace: Trace, tokenizer: PreTrainedTokenizerFast) -> LaneRecord:
        """The record of a run that has ended."""
        slots = trace.slots
        joins = tuple(slot_joins(tokenizer, slots))
        return cls(trace, decode(tokenizer, trace.token_ids), tuple(slot_texts(tokenizer, slots)), joins)

    @property
    def machine(self) -> str:
        """Where it ran, in words."""
        started = self.trace.started
        threads = "1 thread" if started.threads == 1 else f"{started.threads} threads"
        return f"{started.device}, {started.dtype}, {threads}"

    def shown(self, slots: Sequence[int | None], pieces: Mapping[int, str]) -> list[str]:
        """What every slot shows at a moment of the run, given the slots opened so far; None is a masked one.

        A draft that will be rejected shows its piece: the texts are those of the tokens that stay.
        """
        end = self.trace.slots
        texts = [
            "" if token is None else text if token == end[slot] else pieces[token]
            for slot, (token, text) in enumerate(zip(slots, self.slot_texts))
        ]
        for slot, last, before in self.joins:
            waits = last >= len(slots) or tuple(slots[slot : last + 1]) != end[slot : last + 1]
            if slot < len(slots) and slots[slot] == end[slot] and waits:
                texts[slot] = before
        return texts

    def to_plain(self) -> dict[str, object]:
        """Plain JSON values."""
        texts = {"text": self.text, "slot_texts": list(self.slot_texts), "joins": [list(join) for join in self.joins]}
        return {**self.trace.to_plain(), **texts}


@dataclass(frozen=True)
class Recording:
    """A race, or one lane's run, under a name."""

    name: str
    prompt: str
    lanes: tuple[LaneRecord, ...]
    pieces: dict[int, str]  # text of every token id that an event names

    @classmethod
    def of(cls, name: str, prompt: str, traces: Iterable[Trace], tokenizer: PreTrainedTokenizerFast) -> Recording:
        """Runs of different lanes from the same prompt, each ended."""
        lanes = tuple(LaneRecord.of(trace, tokenizer) for trace in traces)
        ids = sorted(set().union(*(ids_named(lane.trace.events) for lane in lanes)))
        return cls(name, prompt, lanes, {token: piece_text(tokenizer, token) for token in ids})

    def to_json(self) -> str:
        """The file's text, see above."""
        body = {
            "recording": VERSION,
            "name": self.name,
            "prompt": self.prompt,
            "pieces": {str(token): text for token, text in self.pieces.items()},
            "lanes": [lane.to_plain() for lane in self.lanes],
        }
        return json.dumps(body, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Recording:
        """Read a file that anybody may have written. Raises InputError naming the field, the value, what is allowed."""
        if len(text) > LONGEST_FILE:
            raise InputError("recording", f"{len(text)} characters", f"up to {LONGEST_FILE} characters")
        body = read_json("recording", text, "JSON written by Recording.to_json")
        if not isinstance(body, dict):
            raise InputError("recording", type(body).__name__, "a JSON object")
        inside("recording version", one_of(VERSION), body.pop("recording", None))  # whose fields may be others
        return inside("recording", _recording, body)


def ids_named(events: Iterable[Event]) -> set[int]:
    """Every token id that events name: of prompt, pins, proposals, candidates, tokens, end tokens and the mask."""
    ids: set[int] = set()
    for event in events:
        if isinstance(event, Started):
            ids.update(event.prompt_ids, event.end_token_ids, [event.mask_token_id])
        elif isinstance(event, BlockOpened):
            ids.update(token for _, token in event.pinned)
        elif isinstance(event, Verified):
            ids.update(event.drafted, [] if event.id is None else [event.id])
        elif isinstance(event, Judged):
            ids.update(event.choices, (token for pairs in event.candidates for token, _ in pairs))
        elif isinstance(event, TokenDecoded):
            ids.update([event.id], (token for token, _ in event.candidates))
        elif isinstance(event, Denoised):
            for proposal in event.proposals:
                ids.update([proposal.id], (token for token, _ in proposal.candidates))
    return ids


def check_recordable(name: str, prompt: str, max_new_tokens: int) -> None:
    """Raise InputError before a run whose recording nobody could open."""
    inside("name", string(LONGEST_NAME), name)
    inside("prompt", string(LONGEST_TEXT), prompt)
    inside("max_new_tokens of a recording", whole(1, MOST_SLOTS), max_new_tokens)


def _recording(value: object) -> Recording:
    recording = Recording(**_FILE(value))
    names = [lane.trace.started.lane for lane in recording.lanes]
    if not names or len(set(names)) < len(names):
        raise InputError("lanes", ", ".join(names), "one lane or more, each once")
    events = sum(len(lane.trace.events) for lane in recording.lanes)
    if events > MOST_EVENTS:
        raise InputError("lanes", f"{events} events", f"at most {MOST_EVENTS} together")
    missing = set().union(*(ids_named(lane.trace.events) for lane in recording.lanes)) - recording.pieces.keys()
    if missing:
        raise InputError("pieces", f"nothing for {min(missing)}", "a text for every token id that an event names")
    return recording


def _lane_record(value: object) -> LaneRecord:
    fields = _LANE(value)
    lane = LaneRecord(fields["events"], fields["text"], fields["slot_texts"], fields["joins"])
    slots, shown = len(lane.trace.slots), len(lane.slot_texts)
    if slots > MOST_SLOTS:
        raise InputError("events", f"{slots} slots", f"at most {MOST_SLOTS} slots")
    if shown != slots:
        raise InputError("slot_texts", f"{shown} texts", f"{slots}, one for each slot that was opened")
    free = 0
    for number, (slot, last, before) in enumerate(lane.joins):
        if not (free <= slot < last < slots and lane.slot_texts[slot].startswith(before)):
            allowed = f"a slot from {free} on, a later one, and the beginning of the slot's text"
            raise InputError(f"joins[{number}]", (slot, last, before), allowed)
        free = last
    return lane


def _pieces(value: object) -> dict[int, str]:
    if not isinstance(value, dict) or len(value) > MOST_PIECES:
        raise refused(value, f"an object of up to {MOST_PIECES} texts")
    wrong = next((name for name in value if not (name.isascii() and name.isdigit() and len(name) < 11)), None)
    if wrong is not None:
        raise InputError("", wrong, "token ids as names")
    return {int(name): inside(f"[{name}]", _PIECE, piece) for name, piece in value.items()}


_PIECE = string(LONGEST_PIECE)
_LANE = record(
    {
        "schema": one_of(SCHEMA_VERSION),
        "events": Trace.of_records,
        "text": string(LONGEST_TEXT),
        "slot_texts": listed(_PIECE, MOST_SLOTS),
        "joins": listed(row(slot=whole(0, MOST_SLOTS), last=whole(0, MOST_SLOTS), before=_PIECE), MOST_SLOTS),
    }
)
_FILE = record(
    {
        "name": string(LONGEST_NAME),
        "prompt": string(LONGEST_TEXT),
        "lanes": listed(_lane_record, MOST_LANES),
        "pieces": _pieces,
    }
)
