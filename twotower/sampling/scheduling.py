"""Which pass of a batch runs next. Knows what rows ask for; knows no model and no text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from twotower.sampling.passes import Pass, Prefill, ReadPrompt, TakeOver, kind_of

_PATIENCE = 4  # passes of other rows that one waits for; more of it saves no passes (about four make a block)


@dataclass
class Waiting:
    """What a row asks for, and how many passes of others it has waited for since."""

    asked: Pass
    passes: int = 0


def next_rows(waiting: Mapping[int, Waiting], free: int) -> list[int]:
    """The rows whose pass runs next: all of one kind, or a single prompt, where one of the `free` seats is for it.

    What was read ahead is taken over at once: another pass of the context tower would write over it. Then those who
    come are let in, one by one, for no two prompts are of one length. Else the kind that most rows wait for runs, for
    a pass takes hardly longer with more of them, unless one has waited for too long. Somebody waits who can go on.
    """
    if over := [row for row, each in waiting.items() if isinstance(each.asked, TakeOver)]:
        return over
    come = [row for row, each in waiting.items() if isinstance(each.asked, Prefill | ReadPrompt)]
    if come and free:
        return come[:1]
    seated = {row: each for row, each in waiting.items() if row not in come}
    wanted = Counter(kind_of(each.asked) for each in seated.values())
    most = max(wanted.values())
    longest = max(seated.values(), key=lambda each: each.passes)
    kind = kind_of(longest.asked)
    if longest.passes < _PATIENCE and wanted[kind] < most:
        kind = next(kind for kind, rows in wanted.items() if rows == most)
    return [row for row, each in seated.items() if kind_of(each.asked) == kind]
