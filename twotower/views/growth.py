"""How many tokens of the text each event brings. Pure; knows no clock and no page.

A token counts once it can be read and will stay: a draft when it is accepted, a pinned one when its block opens. What
stands behind an end token, or behind the first gap of a run that was stopped, never counts.
"""

from __future__ import annotations

from twotower.sampling.events import VERIFYING, BlockOpened, Denoised, Event, TokenDecoded, Verified
from twotower.trace import Trace


def growth(trace: Trace) -> list[int]:
    """A number an event; together they are the tokens of the text."""
    kept, drafting = trace.finished.tokens, trace.started.lane == VERIFYING
    return [_tokens(event, kept, drafting) for event in trace.events]


def _tokens(event: Event, kept: int, drafting: bool) -> int:
    match event:
        case BlockOpened():
            return sum(position < kept for position, _ in event.pinned)
        case Denoised():
            return 0 if drafting else sum(proposal.position < kept for proposal in event.committed)
        case Verified():
            return event.accepted + (event.id is not None)
        case TokenDecoded():
            return int(event.position < kept)
        case _:
            return 0
