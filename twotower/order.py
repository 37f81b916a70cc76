"""In which order a text came to stand: Kendall's tau between commit step and position, block by block.

Pure: read off the events. Knows no model and no page.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from twotower.sampling.events import VERIFYING, BlockOpened, Denoised, Proposal, Verified
from twotower.trace import Trace


@dataclass(frozen=True)
class BlockOrder:
    """One opened block: where it starts, its tokens of text, its denoiser passes, and tau-b (+1 is left to right).

    Tokens are those that a denoiser pass committed, in the verify lane those that were accepted: what the context tower
    chose, or the user pinned, has no step. `tau` is None where there is no order: fewer than two tokens, or all of them
    committed in the same step.
    """

    block: int
    offset: int
    tokens: int
    passes: int
    tau: float | None


def block_orders(trace: Trace) -> tuple[BlockOrder, ...]:
    """Every block the run opened, in order; none for a lane without blocks. Slots that are no text are left out."""
    passes = Counter(event.block for event in trace.events if isinstance(event, Denoised))
    steps: dict[int, dict[int, int]] = {}  # by block, then by position
    for event, proposal in text_commits(trace):
        steps.setdefault(event.block, {})[proposal.position] = event.step
    return tuple(
        _order(event, passes[event.block], steps.get(event.block, {}))
        for event in trace.events
        if isinstance(event, BlockOpened)
    )


def _order(opened: BlockOpened, passes: int, steps: dict[int, int]) -> BlockOrder:
    left_to_right = [steps[position] for position in sorted(steps)]
    return BlockOrder(opened.block, opened.offset, len(steps), passes, kendall_tau_b(left_to_right))


def kendall_tau_b(steps: Sequence[int]) -> float | None:
    """Tau-b between `steps` and their places 0, 1, 2 ...; None where no two steps differ.

    (concordant - discordant) / sqrt((pairs - pairs tied in steps) * (pairs - pairs tied in place)); places are never
    tied. Kendall 1945, "The treatment of ties in ranking problems", Biometrika 33 (3).
    """
    signs = [(later > earlier) - (later < earlier) for earlier, later in combinations(steps, 2)]
    untied = sum(map(abs, signs))
    return sum(signs) / math.sqrt(untied * len(signs)) if untied else None


def mean_tau(orders: Sequence[BlockOrder]) -> float | None:
    """The mean over the blocks that have an order; None where none has."""
    taus = [order.tau for order in orders if order.tau is not None]
    return statistics.fmean(taus) if taus else None


def text_commits(trace: Trace) -> list[tuple[Denoised, Proposal]]:
    """Every token of the text that a denoiser pass committed, with that pass, in the order of passes.

    Slots behind a committed end token, or behind the first gap of a run that was stopped, are no text; nor is a draft
    that was rejected, or not verified.
    """
    kept, drafting = trace.finished.tokens, trace.started.lane == VERIFYING
    commits: list[tuple[Denoised, Proposal]] = []
    drafts: list[tuple[Denoised, Proposal]] = []
    offset = 0
    for event in trace.events:
        if isinstance(event, BlockOpened):
            offset = event.offset
        elif isinstance(event, Denoised):
            made = [(event, proposal) for proposal in event.committed if proposal.position < kept]
            (drafts if drafting else commits).extend(made)
        elif isinstance(event, Verified):
            commits += [draft for draft in drafts if draft[1].position <= offset + event.accepted]
            drafts = []
    return commits
