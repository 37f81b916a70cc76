"""Whether events are a run: the order, the clock and the slots that every view relies on. Knows no file and no text."""

from __future__ import annotations

from collections.abc import Sequence

from twotower.errors import InputError
from twotower.reading import inside
from twotower.sampling.events import (
    VERIFYING,
    BlockOpened,
    ContextExtended,
    Denoised,
    Event,
    Finished,
    Judged,
    Prefilled,
    Started,
    TokenDecoded,
    Verified,
)


def check_run(events: Sequence[Event]) -> None:
    """Raise InputError at the first event that cannot have happened after those before it.

    A run goes from Started to Finished on a clock that never goes back. Blocks open one behind the other; a pass
    speaks of the block that opened last, proposes for slots of it that are still masked, and commits each once; a block
    is read when all of it is committed; the text that Finished counts has no gap.

    In the verify lane a pass only drafts. A block begins with the last token of the text and lies over what was
    rejected before; its verification speaks of the very tokens that were drafted, and ends the block.
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
        self.verifying = False
        self.opened = 0
        self.tokens: dict[int, int] = {}  # by position: those that stay
        self.drafts: dict[int, int] = {}  # by position: those that wait for their verification
        self.block = BlockOpened(0.0, -1, 0, 0)
        self.step = -1
        self.read = False  # the block, by the context tower

    def take(self, event: Event) -> None:
        """Go on by one event."""
        _demand(event.time >= self.time, "time", event.time, f"{self.time} or later, as the event before it")
        self.time = event.time
        self._in_its_place(event)
        match event:
            case Started():
                self.verifying = event.lane == VERIFYING
            case BlockOpened():
                self._open(event)
            case Denoised():
                self._denoise(event)
            case ContextExtended():
                self._read(event)
            case Verified():
                self._verify(event)
            case Judged():
                self._judge(event)
            case TokenDecoded():
                self._decode(event)
            case Finished():
                gap = next((position for position in range(self.opened) if position not in self.tokens), self.opened)
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
        if self.verifying:
            last = max(self.tokens, default=0)
            _demand(event.offset == last, "offset", event.offset, f"{last}, the last token of the text")
            _demand(not self.drafts, "event", "BlockOpened", "the verification of the block before it")
        else:
            _demand(event.offset == self.opened, "offset", event.offset, f"{self.opened}, where the slots end so far")
        self.block, self.step, self.read = event, -1, False
        self.opened = max(self.opened, event.offset + event.size)
        for number, (position, token) in enumerate(event.pinned):
            free = event.offset <= position < event.offset + event.size and position not in self.tokens
            allowed = f"slots from {event.offset} to {event.offset + event.size - 1}, each once"
            _demand(free and not self.verifying, f"pinned[{number}].position", position, allowed)
            self.tokens[position] = token

    def _decode(self, event: TokenDecoded) -> None:
        """A next token; or the first of a block, which the context tower has chosen."""
        first = self.block.offset if self.block.size and self.step < 0 and not self.read else self.opened
        free = first if first not in self.tokens else self.opened
        _demand(event.position == free, "position", event.position, f"{free}, the next one")
        self.tokens[event.position] = event.id
        self.opened = max(self.opened, event.position + 1)

    def _denoise(self, event: Denoised) -> None:
        self._same_block(event)
        _demand(event.step > self.step, "step", event.step, f"more than {self.step}, the step before it")
        self.step = event.step
        first, end = self.block.offset, self.block.offset + self.block.size
        seen: set[int] = set()
        for number, proposal in enumerate(event.proposals):
            position = proposal.position
            known = position in self.tokens or position in self.drafts or position in seen
            masked = first <= position < end and not known
            _demand(masked, f"proposals[{number}].position", position, f"masked slots from {first} to {end - 1}")
            seen.add(position)
        filled = self.drafts if self.verifying else self.tokens
        filled.update((proposal.position, proposal.id) for proposal in event.committed)

    def _read(self, event: ContextExtended) -> None:
        self._same_block(event)
        size = self.block.size
        _demand(event.tokens == size, "tokens", event.tokens, f"{size}, the size of the block")
        whole = all(self.block.offset + slot in self.tokens for slot in range(size))
        _demand(whole, "block", event.block, "a block whose slots are all committed")
        self.read = True

    def _verify(self, event: Verified) -> None:
        self._same_block(event)
        first = self.block.offset + 1
        drafts = [self.drafts.get(first + slot) for slot in range(len(event.drafted))]
        _demand(list(event.drafted) == drafts, "drafted", list(event.drafted), f"what was drafted from slot {first} on")
        _demand(event.accepted <= len(drafts), "accepted", event.accepted, f"at most {len(drafts)}, as were drafted")
        self.tokens.update(enumerate(event.drafted[: event.accepted], first))
        self.drafts.clear()
        if event.id is not None:
            self.tokens[first + event.accepted] = event.id
            self.opened = max(self.opened, first + event.accepted + 1)
        self.read = True

    def _judge(self, event: Judged) -> None:
        count = len(event.log_probabilities)
        for name in ("choices", "candidates"):
            entries = len(getattr(event, name))
            _demand(entries == count, name, entries, f"{count}, one for each token")
        stands = all(event.position + i in self.tokens for i in range(count))
        _demand(stands, "position", event.position, f"where the {count} tokens from there on are committed")

    def _same_block(self, event: Denoised | ContextExtended | Verified) -> None:
        open_block = self.block.block if not self.read else None
        _demand(event.block == open_block, "block", event.block, "the block that was opened last and is not read yet")


def _demand(holds: bool, field: str, value: object, allowed: str) -> None:
    if not holds:
        raise InputError(field, value, allowed)
