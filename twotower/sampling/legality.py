"""Whether events are a run: the order, the clock and the slots that every view relies on. Knows no file and no text."""

from __future__ import annotations

from collections.abc import Sequence

from twotower.errors import InputError
from twotower.reading import inside
from twotower.sampling.events import (
    BlockOpened,
    ContextExtended,
    Denoised,
    Event,
    Finished,
    Prefilled,
    Started,
    TokenDecoded,
)


def check_run(events: Sequence[Event]) -> None:
    """Raise InputError at the first event that cannot have happened after those before it.

    A run goes from Started to Finished on a clock that never goes back. Blocks open one behind the other; a pass
    speaks of the block that opened last, proposes for slots of it that are still masked, and commits each once; a block
    is read when all of it is committed; the text that Finished counts has no gap.
    """
    ends = [type(event).__name__ for event in (*events[:1], *events[1:][-1:])]
    if ends != ["Started", "Finished"]:
        raise InputError("", ", ".join(ends), "a run from Started to Finished")
    run = _Run()
    for number, event in enumerate(events):
        inside(f"[{number}].{type(event).__name__}", run.take, event)


class _Run:
    """What has happened so far. Its memory grows with the events, not with the sizes that they claim."""

    def __init__(self) -> None:
        self.time = 0.0
        self.before: set[type] = set()
        self.opened = 0
        self.committed: set[int] = set()
        self.block = BlockOpened(0.0, -1, 0, 0)
        self.step = -1
        self.read = False  # the block, by the context tower

    def take(self, event: Event) -> None:
        """Go on by one event."""
        _demand(event.time >= self.time, "time", event.time, f"{self.time} or later, as the event before it")
        self.time = event.time
        self._in_its_place(event)
        match event:
            case BlockOpened():
                self._open(event)
            case Denoised():
                self._denoise(event)
            case ContextExtended():
                self._read(event)
            case TokenDecoded():
                _demand(event.position == self.opened, "position", event.position, f"{self.opened}, the next one")
                self.committed.add(event.position)
                self.opened += 1
            case Finished():
                gap = next((position for position in range(self.opened) if position not in self.committed), self.opened)
                _demand(event.tokens <= gap, "tokens", event.tokens, f"at most {gap}, the tokens without a gap")

    def _in_its_place(self, event: Event) -> None:
        kind = type(event)
        _demand(Finished not in self.before, "event", kind.__name__, "nothing after Finished")
        if kind in (Started, Prefilled):
            fits = kind not in self.before and self.opened == 0
            _demand(fits, "event", kind.__name__, "one of its kind, before the first slot")
        self.before.add(kind)

    def _open(self, event: BlockOpened) -> None:
        _demand(event.block == self.block.block + 1, "block", event.block, f"{self.block.block + 1}, the next one")
        _demand(event.offset == self.opened, "offset", event.offset, f"{self.opened}, where the slots end so far")
        self.block, self.step, self.read = event, -1, False
        self.opened += event.size

    def _denoise(self, event: Denoised) -> None:
        self._same_block(event)
        _demand(event.step > self.step, "step", event.step, f"more than {self.step}, the step before it")
        self.step = event.step
        first, end = self.block.offset, self.block.offset + self.block.size
        seen: set[int] = set()
        for number, proposal in enumerate(event.proposals):
            position = proposal.position
            masked = first <= position < end and position not in self.committed and position not in seen
            _demand(masked, f"proposals[{number}].position", position, f"masked slots from {first} to {end - 1}")
            seen.add(position)
        self.committed.update(proposal.position for proposal in event.committed)

    def _read(self, event: ContextExtended) -> None:
        self._same_block(event)
        size = self.block.size
        _demand(event.tokens == size, "tokens", event.tokens, f"{size}, the size of the block")
        whole = all(self.block.offset + slot in self.committed for slot in range(size))
        _demand(whole, "block", event.block, "a block whose slots are all committed")
        judged = len(event.log_probabilities)
        _demand(judged in (0, size), "log_probabilities", judged, f"none, or {size}: one for each token")
        self.read = True

    def _same_block(self, event: Denoised | ContextExtended) -> None:
        open_block = self.block.block if not self.read else None
        _demand(event.block == open_block, "block", event.block, "the block that was opened last and is not read yet")


def _demand(holds: bool, field: str, value: object, allowed: str) -> None:
    if not holds:
        raise InputError(field, value, allowed)
