"""Playing events back: the slots of the text as they fill."""

from __future__ import annotations

from twotower.sampling.events import BlockOpened, Denoised, Event, TokenDecoded


class Replay:
    """The text so far; None is a masked slot."""

    def __init__(self) -> None:
        self.slots: list[int | None] = []

    def apply(self, event: Event) -> None:
        """Advance by one event."""
        if isinstance(event, BlockOpened):
            self.slots.extend([None] * (event.offset + event.size - len(self.slots)))
        elif isinstance(event, Denoised):
            for proposal in event.committed:
                self.slots[proposal.position] = proposal.id
        elif isinstance(event, TokenDecoded):
            self.slots.append(event.id)

    def readable(self, end_token_ids: frozenset[int]) -> int:
        """How many slots are text: filled without a gap, up to and with the first end token."""
        for position, token in enumerate(self.slots):
            if token is None:
                return position
            if token in end_token_ids:
                return position + 1
        return len(self.slots)
