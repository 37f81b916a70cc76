"""Playing events back: the slots of the text as they fill, and empty again where a draft is rejected."""

from __future__ import annotations

from twotower.sampling.events import VERIFYING, BlockOpened, Denoised, Event, Started, TokenDecoded, Verified


class Replay:
    """The text so far; None is a masked slot. `drafts` are the positions of tokens that wait for their verification."""

    def __init__(self) -> None:
        self.slots: list[int | None] = []
        self.drafts: set[int] = set()
        self._verifying = False
        self._block = BlockOpened(0.0, 0, 0, 0)

    def apply(self, event: Event) -> None:
        """Advance by one event."""
        match event:
            case Started():
                self._verifying = event.lane == VERIFYING
            case BlockOpened():
                self._block = event
                self._reach(event.offset + event.size)
                for position, token in event.pinned:
                    self.slots[position] = token
            case Denoised():
                for proposal in event.committed:
                    self.slots[proposal.position] = proposal.id
                    if self._verifying:
                        self.drafts.add(proposal.position)
            case TokenDecoded():
                self._reach(event.position + 1)
                self.slots[event.position] = event.id
            case Verified():
                self._verify(event)

    def _verify(self, event: Verified) -> None:
        following = self._block.offset + 1 + event.accepted
        for position in range(following, len(self.slots)):
            self.slots[position] = None
        self.drafts.clear()
        if event.id is not None:
            self._reach(following + 1)
            self.slots[following] = event.id

    def _reach(self, length: int) -> None:
        self.slots.extend([None] * (length - len(self.slots)))

    def readable(self, end_token_ids: frozenset[int]) -> int:
        """How many slots are text: filled for good without a gap, up to and with the first end token."""
        for position, token in enumerate(self.slots):
            if token is None or position in self.drafts:
                return position
            if token in end_token_ids:
                return position + 1
        return len(self.slots)
