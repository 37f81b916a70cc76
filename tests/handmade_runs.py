"""Whole runs written by hand: diffusion, its autoregressive counterpart, rounds of draft and verify, pins; standings.

The text is 10 11 12 13 | 14 15 2, where 2 ends it; a slot after the end was committed too and is no text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handmade import started

from twotower.metrics import Metrics
from twotower.race import Spread, Standing
from twotower.sampling.events import (
    BlockOpened,
    ContextExtended,
    Denoised,
    Finished,
    Judged,
    Prefilled,
    Proposal,
    Rule,
    TokenDecoded,
    Verified,
)
from twotower.trace import Trace

WAITS = Proposal(3, 40, 0.1, None, ())  # proposed, not committed


def slot(position: int, token: int, confidence: float, rule: Rule | None = "threshold") -> Proposal:
    return Proposal(position, token, confidence, rule, ())


def diffusion_run() -> Trace:
    """Steps by position: 0 1 0 2 | 1 0 3 (and 0 after the end). At most four a block."""
    return Trace(
        (
            replace(started("diffusion"), settings={"steps_per_block": 4}),
            Prefilled(0.5, 1, 0.5),
            BlockOpened(0.5, 0, 0, 4),
            Denoised(0.6, 0, 0, 1.0, (slot(0, 10, 0.9), slot(2, 12, 0.85), WAITS), 0.1),
            Denoised(0.7, 0, 1, 0.5, (slot(1, 11, 0.6, "minimum"), WAITS), 0.1),
            Denoised(0.8, 0, 2, 0.25, (slot(3, 13, 0.95),), 0.1),
            ContextExtended(0.9, 0, 4, 0.1),
            Judged(0.9, 0, (-0.1, -0.2, -0.3, -1.0), (10, 11, 12, 99), ((),) * 4),
            BlockOpened(0.9, 1, 4, 4),
            Denoised(1.0, 1, 0, 1.0, (slot(5, 15, 0.8), slot(7, 17, 0.82)), 0.1),
            Denoised(1.1, 1, 1, 0.5, (slot(4, 14, 0.3, "minimum"),), 0.1),
            Denoised(1.2, 1, 2, 0.25, (slot(6, 16, 0.1, None),), 0.1),
            Denoised(1.3, 1, 3, 0.25, (slot(6, 2, 0.2, "last-step"),), 0.1),
            Judged(1.3, 4, (-0.2, -0.4, -0.2), (14, 98, 2), ((),) * 3),
            Finished(1.3, "end-token", 7),
        )
    )


def verify_run() -> Trace:
    """Three rounds of blocks of four: 10 | 11 22 | 33 14 15 16 | 17 2; 22 replaces a draft, 16 is a bonus, 2 ends it.

    14 is accepted leniently: autoregression would have put 44 there.
    """
    return Trace(
        (
            replace(started("verify"), settings={"steps_per_block": 4, "draft_passes": 0, "accept_from": 0.2}),
            Prefilled(0.5, 1, 0.5),
            BlockOpened(0.5, 0, 0, 4),
            TokenDecoded(0.5, 0, 10, 0.9, (), 0.0),
            Denoised(0.6, 0, 0, 0.75, (slot(1, 11, 0.9), slot(2, 12, 0.6, None), slot(3, 13, 0.5, None)), 0.1),
            Denoised(0.7, 0, 1, 0.5, (slot(2, 12, 0.7, "draft"), slot(3, 13, 0.6, "draft")), 0.1),
            Verified(0.8, 0, (11, 12, 13), 1, 22, 0.1),
            Judged(0.8, 1, (-0.1, -0.2), (11, 22), ((),) * 2),
            BlockOpened(0.8, 1, 2, 4),
            Denoised(0.9, 1, 0, 0.75, (slot(3, 33, 0.9), slot(4, 14, 0.9), slot(5, 15, 0.85)), 0.1),
            Verified(1.0, 1, (33, 14, 15), 3, 16, 0.1),
            Judged(1.0, 3, (-0.1, -1.2, -0.1, -0.3), (33, 44, 15, 16), ((),) * 4),
            BlockOpened(1.0, 2, 6, 4),
            Denoised(1.1, 2, 0, 0.75, (slot(7, 17, 0.9), slot(8, 2, 0.9), slot(9, 19, 0.9)), 0.1),
            Verified(1.2, 2, (17, 2), 2, None, 0.1),
            Judged(1.2, 7, (-0.1, -0.1), (17, 2), ((),) * 2),
            Finished(1.2, "end-token", 9),
        )
    )


def pinned_run() -> Trace:
    """Two blocks of four with an anchor each: 10 11 [50] 13 | 14 [51] 2, where 50 and 51 are pinned."""
    return Trace(
        (
            replace(
                started("diffusion"), settings={"steps_per_block": 4, "ar_anchor": True, "pins": [[2, 50], [5, 51]]}
            ),
            Prefilled(0.5, 1, 0.5),
            BlockOpened(0.5, 0, 0, 4, ((2, 50),)),
            TokenDecoded(0.5, 0, 10, 0.7, (), 0.0),
            Denoised(0.6, 0, 0, 0.5, (slot(1, 11, 0.9), slot(3, 13, 0.4, "minimum")), 0.1),
            ContextExtended(0.7, 0, 4, 0.1),
            Judged(0.7, 0, (-0.3, -0.1, -3.0, -0.5), (10, 11, 77, 13), ((),) * 4),
            BlockOpened(0.7, 1, 4, 4, ((5, 51),)),
            TokenDecoded(0.7, 4, 14, 0.6, (), 0.0),
            Denoised(0.8, 1, 0, 0.5, (slot(6, 2, 0.9), slot(7, 99, 0.9)), 0.1),
            Judged(0.8, 4, (-0.1, -2.0, -0.1), (14, 88, 2), ((),) * 3),
            Finished(0.8, "end-token", 7),
        )
    )


def one_by_one(
    tokens: Sequence[int] = (10, 11, 99, 13, 14, 2),
    probabilities: Sequence[float] = (0.5, 0.5, 0.25, 0.5, 0.5, 0.25),
    lane: str = "autoregressive",
) -> Trace:
    """One token a pass of 0.2 seconds, the first from the prefill."""
    decoded = [
        TokenDecoded(0.5 + 0.2 * place, place, token, probability, (), 0.2 if place else 0.0)
        for place, (token, probability) in enumerate(zip(tokens, probabilities))
    ]
    end = 0.5 + 0.2 * max(0, len(tokens) - 1)
    return Trace((started(lane), Prefilled(0.5, 1, 0.5), *decoded, Finished(end, "end-token", len(tokens))))


def many_blocks(blocks: int, size: int = 2) -> Trace:
    """Each block strictly left to right, a token a pass."""
    events = [
        event
        for block in range(blocks)
        for event in (
            BlockOpened(0.0, block, size * block, size),
            *(Denoised(0.0, block, step, 1.0, (slot(size * block + step, 9, 0.5),), 0.1) for step in range(size)),
        )
    ]
    return Trace((started("diffusion"), *events, Finished(1.0, "length", size * blocks)))


def standing(*runs: Metrics, speed_ups: Sequence[float] = ()) -> Standing:
    """Of runs of one lane; `speed_ups` as measured repeat by repeat."""
    speeds = [run.tokens_per_second for run in runs if run.tokens_per_second is not None]
    return Standing(
        lane=runs[0].lane,
        runs=runs,
        decode_seconds=Spread.of([run.decode_seconds for run in runs]),
        tokens_per_second=Spread.of(speeds) if speeds else None,
        speed_up=Spread.of(speed_ups) if speed_ups else None,
    )
