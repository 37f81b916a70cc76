"""Events to stage messages: what the browser needs to draw a run. Knows no model, no Gradio and no screen.

A message is a `StageFrame` with a number and parts; each part speaks of one lane. A *live* part brings the newest
events, the slot texts they changed and the texts of drafts they rejected, and repeats those of the messages just before
it: a message lost on the way costs nothing. A *whole* part brings the lane's entire log and replaces whatever the
browser had, so at the end of a lane nothing can be missing, and a player needs nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import cast

from twotower.metrics import Metrics
from twotower.recording import LaneRecord, Recording, ids_named
from twotower.sampling.events import Denoised, Event, event_to_json
from twotower.sampling.replay import Replay
from twotower.views.lanes import lane_summary, look_of

Json = dict[str, object]
SlotTexts = Callable[[Sequence["int | None"]], "list[str]"]

REPEATED_BATCHES = 2


class LaneCanvas:
    """One lane's parts. `slot_texts` gives one piece of text a slot, "" for a mask."""

    def __init__(self, lane: str, slot_texts: SlotTexts) -> None:
        self.lane = lane
        self.events: list[Event] = []
        self._records: list[Json] = []
        self._rejected: list[set[int]] = []  # by event, ids of drafts that it has taken away
        self._slot_texts = slot_texts
        self._replay = Replay()
        # (events, slot texts) as they stood after each of the last messages: where a repeat begins.
        self._stands: list[tuple[int, list[str]]] = [(0, [])]

    def live(self, batch: Iterable[Event]) -> Json:
        """Take the next events and say what to draw."""
        for event in batch:
            self.events.append(event)
            self._records.append(_light(event))
            self._rejected.append(self._apply(event))
        first, _ = self._stands[0]
        texts = self._slot_texts(self._replay.slots)
        # The browser may have any of these: a draft that was taken back can leave a text that stood there before.
        known = [before for _, before in self._stands]
        changed = [
            [position, text]
            for position, text in enumerate(texts)
            if any(text != (before[position] if position < len(before) else "") for before in known)
        ]
        self._stands = [*self._stands, (len(self.events), texts)][-1 - REPEATED_BATCHES :]
        return {
            "lane": self.lane,
            "first": first,
            "events": self._records[first:],
            "texts": changed,
            "pieces": {str(token): "".join(self._slot_texts([token])) for token in self._gone(first)},
        }

    def _apply(self, event: Event) -> set[int]:
        """Move on; returns the ids of drafts that this took away. Whoever goes back to them needs their texts."""
        before = {position: self._replay.slots[position] for position in self._replay.drafts}
        self._replay.apply(event)
        after = self._replay.slots
        return {token for position, token in before.items() if token is not None and after[position] != token}

    def _gone(self, first: int) -> list[int]:
        return sorted(set().union(*self._rejected[first:]))

    def broken(self, summary: str) -> Json:
        """The lane ended in an error: what is there stays."""
        return {"lane": self.lane, "first": 0, "events": [], "texts": [], "broken": True, "summary": summary}


def whole_part(record: LaneRecord, pieces: Mapping[int, str]) -> Json:
    """A finished lane's entire log, the text of its slots and of every candidate, its figures and a sentence."""
    metrics = Metrics.of(record.trace)
    return {
        "lane": metrics.lane,
        "whole": True,
        "first": 0,
        "events": [event_to_json(event) for event in record.trace.events],
        "texts": list(record.slot_texts),
        "joins": [list(join) for join in record.joins],
        "pieces": {str(token): pieces[token] for token in sorted(ids_named(record.trace.events))},
        "text": record.text,
        "figures": {
            "tokens": metrics.tokens,
            "passes": metrics.all_passes,
            "seconds": metrics.decode_seconds,
            "tokens_per_second": metrics.tokens_per_second,
            "accepted_per_round": metrics.accepted_per_round,
        },
        "summary": lane_summary(metrics, record.trace.finished.reason),
    }


@dataclass(frozen=True)
class StageFrame:
    """What every message of a run says, so that any of them can open the stage."""

    run: str
    lanes: tuple[str, ...]
    planned: int  # slots that are there from the start
    block_size: int
    prompt_tail: str
    recorded: bool = False
    pinned: str | None = None  # the run that others are compared with

    def message(self, number: int, *parts: Json) -> Json:
        """The `number`-th message of the run."""
        looks = [look_of(lane).to_json() for lane in self.lanes]
        return {**asdict(self), "lanes": looks, "number": number, "parts": list(parts)}


def recording_message(recording: Recording, run: str = "recorded", pinned: str | None = None) -> Json:
    """A kept race as one message: the stage plays it."""
    parts = (whole_part(record, recording.pieces) for record in recording.lanes)
    message = recording_frame(recording, run, pinned).message(1, *parts)
    return {**message, "note": _recorded_where(recording.lanes[0])}


def recording_frame(recording: Recording, run: str, pinned: str | None) -> StageFrame:
    """What every message about a kept race says."""
    settings = recording.lanes[0].trace.started.settings
    return StageFrame(
        run=run,
        lanes=tuple(record.trace.started.lane for record in recording.lanes),
        planned=max(len(record.trace.slots) for record in recording.lanes),
        block_size=cast(int, settings["block_size"]),
        prompt_tail=prompt_tail(recording.prompt),
        recorded=True,
        pinned=pinned,
    )


def _recorded_where(record: LaneRecord) -> str:
    return (
        f"Recorded: {record.trace.started.model} on {record.machine}. The lanes ran one after the other; here they "
        "play on one clock, each by its measured times."
    )


def prompt_tail(prompt: str, characters: int = 120) -> str:
    """The end of the prompt on one line."""
    line = " ".join(prompt.split())
    if len(line) <= characters:
        return line
    tail = line[-characters:]
    return "…" + (tail.partition(" ")[2] or tail)  # from a word's beginning, where there is one


def _light(event: Event) -> Json:
    # Candidates are most of a log's bytes, and nothing drawn live shows them: they come with the whole log.
    record = event_to_json(event)
    record.pop("candidates", None)
    if isinstance(event, Denoised):
        record["proposals"] = [[p.position, p.id, round(p.confidence, 4), p.rule, []] for p in event.proposals]
    return record
