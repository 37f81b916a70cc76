"""How each slot of a lane came to hold its token, and how sure it was. Pure; knows no model and no picture.

What `assets/player/reading.js` does in the browser, for pictures that are drawn without one.
"""

from __future__ import annotations

import math
from typing import Literal

from twotower.sampling.events import VERIFYING, BlockOpened, Denoised, Event, Judged, Started, TokenDecoded, Verified

Origin = Literal["", "accepted", "lenient", "replaced", "bonus", "anchor", "pinned"]


class Origins:
    """Moved along a run, event by event. `origin` and `confidence` are by position; a pinned token has no confidence.

    "" is a token that a denoising step or a pass from left to right put there; for a slot that is masked again both are
    what they were.
    """

    def __init__(self) -> None:
        self.origin: dict[int, Origin] = {}
        self.confidence: dict[int, float] = {}
        self._verifying = False
        self._block: BlockOpened | None = None
        self._accepted: dict[int, int] = {}  # position -> id

    def apply(self, event: Event) -> None:
        """Advance by one event."""
        match event:
            case Started():
                self._verifying = event.lane == VERIFYING
            case BlockOpened():
                self._block = event
                self.origin.update((position, "pinned") for position, _ in event.pinned)
            case Denoised():
                for proposal in event.committed:
                    self._put(proposal.position, "", proposal.confidence)
            case TokenDecoded():
                anchor = self._block is not None and not self._verifying
                self._put(event.position, "anchor" if anchor else "", event.probability)
            case Verified():
                self._verify(event)
            case Judged():
                self._judge(event)

    def _put(self, position: int, origin: Origin, confidence: float | None) -> None:
        self.origin[position] = origin
        self.confidence.pop(position, None)
        if confidence is not None:
            self.confidence[position] = confidence

    def _verify(self, event: Verified) -> None:
        first = (self._block.offset if self._block else 0) + 1
        self._accepted = dict(enumerate(event.drafted[: event.accepted], first))
        self.origin.update(dict.fromkeys(self._accepted, "accepted"))
        if event.id is not None:
            rejected = event.accepted < len(event.drafted)
            self._put(first + event.accepted, "replaced" if rejected else "bonus", None)

    def _judge(self, event: Judged) -> None:
        """Only now it is known how likely autoregression's own token was, and which accepted ones are not its own."""
        for position, (log_probability, choice) in enumerate(
            zip(event.log_probabilities, event.choices), event.position
        ):
            if self.origin.get(position) in ("replaced", "bonus"):
                self.confidence.setdefault(position, min(1.0, math.exp(log_probability)))
            elif self._accepted.get(position, choice) != choice:
                self.origin[position] = "lenient"
