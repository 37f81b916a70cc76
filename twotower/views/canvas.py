"""Events to stage messages: what the browser needs to draw a run. Knows no model, no Gradio and no screen.

A message is `{"run", "number", "lanes", "planned", "parts"}`; each part speaks of one lane. A *live* part brings the
newest events and the slot texts they changed, and repeats those of the messages just before it: a message lost on the
way costs nothing. A *whole* part brings the lane's entire log and replaces whatever the browser had, so at the end of
a lane nothing can be missing, and a player needs nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from twotower.sampling.events import Denoised, Event, TokenDecoded, event_to_json
from twotower.sampling.replay import Replay
from twotower.views.lanes import look_of

Json = dict[str, object]
SlotTexts = Callable[[Sequence["int | None"]], "list[str]"]

REPEATED_BATCHES = 2


class LaneCanvas:
    """One lane's parts. `slot_texts` gives one piece of text a slot, "" for a mask."""

    def __init__(self, lane: str, slot_texts: SlotTexts) -> None:
        self.lane = lane
        self.events: list[Event] = []
        self._records: list[Json] = []
        self._slot_texts = slot_texts
        self._replay = Replay()
        # (events, slot texts) as they stood after each of the last messages: where a repeat begins.
        self._stands: list[tuple[int, list[str]]] = [(0, [])]

    def live(self, batch: Iterable[Event]) -> Json:
        """Take the next events and say what to draw."""
        for event in batch:
            self.events.append(event)
            self._records.append(_light(event))
            self._replay.apply(event)
        first, before = self._stands[0]
        texts = self._slot_texts(self._replay.slots)
        changed = [
            [position, text]
            for position, text in enumerate(texts)
            if text != (before[position] if position < len(before) else "")
        ]
        self._stands = [*self._stands, (len(self.events), texts)][-1 - REPEATED_BATCHES :]
        return {
            "lane": self.lane,
            "first": first,
            "events": self._records[first:],
            "texts": changed,
        }

    def whole(self, text: str, figures: Json, summary: str) -> Json:
        """The lane's entire log with the text of every slot and of every candidate."""
        tokens = sorted(_ids_named(self.events))
        return {
            "lane": self.lane,
            "whole": True,
            "first": 0,
            "events": [event_to_json(event) for event in self.events],
            "texts": list(enumerate(self._slot_texts(self._replay.slots))),
            "pieces": {str(token): self._slot_texts([token])[0] for token in tokens},
            "text": text,
            "figures": figures,
            "summary": summary,
        }

    def broken(self, summary: str) -> Json:
        """The lane ended in an error: what is there stays."""
        return {"lane": self.lane, "first": 0, "events": [], "texts": [], "broken": True, "summary": summary}


class StageMessages:
    """Numbers the messages of one run."""

    def __init__(self, run: str, lanes: Sequence[str], planned: int, block_size: int, prompt_tail: str) -> None:
        self._frame: Json = {
            "run": run,
            "lanes": [look_of(lane).to_json() for lane in lanes],
            "planned": planned,
            "block_size": block_size,
            "prompt_tail": prompt_tail,
        }
        self._number = 0

    def message(self, *parts: Json) -> Json:
        """The next message. Every one names run, lanes and grid, so that any of them can open the stage."""
        self._number += 1
        return {**self._frame, "number": self._number, "parts": list(parts)}


def prompt_tail(prompt: str, characters: int = 120) -> str:
    """The end of the prompt on one line."""
    line = " ".join(prompt.split())
    return line if len(line) <= characters else "…" + line[-characters:]


def _light(event: Event) -> Json:
    # Candidates are most of a log's bytes, and nothing drawn live shows them: they come with the whole log.
    record = event_to_json(event)
    record.pop("candidates", None)
    if isinstance(event, Denoised):
        record["proposals"] = [[p.position, p.id, round(p.confidence, 4), p.rule, []] for p in event.proposals]
    return record


def _ids_named(events: Iterable[Event]) -> set[int]:
    ids: set[int] = set()
    for event in events:
        if isinstance(event, TokenDecoded):
            ids.update((event.id, *(token for token, _ in event.candidates)))
        elif isinstance(event, Denoised):
            for proposal in event.proposals:
                ids.update((proposal.id, *(token for token, _ in proposal.candidates)))
    return ids
