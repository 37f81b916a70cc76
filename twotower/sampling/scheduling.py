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


def next_rows(waiting: Mapping[int, Waiting]) -> list[int]:
    """The rows, one at least, whose pass runs next: all of one kind, or a single prompt.

    What was read ahead is taken over at once: another pass of the context tower would write over it. Then those who
    come are let in, one by one, for no two prompts are of one length. Else the kind that most rows wait for runs, for
    a pass takes hardly longer with more of them, unless one has waited for too long.
    """
    if over := [row for row, each in waiting.items() if isinstance(each.asked, TakeOver)]:
        return over
    if come := [row for row, each in waiting.items() if isinstance(each.asked, Prefill | ReadPrompt)]:
        return come[:1]
    longest = max(waiting.values(), key=lambda each: each.passes)
    wanted = Counter(kind_of(each.asked) for each in waiting.values())
    most = max(wanted.values())
    kind = kind_of(longest.asked)
    if longest.passes < _PATIENCE and wanted[kind] < most:
        kind = next(kind for kind, rows in wanted.items() if rows == most)
    return [row for row, each in waiting.items() if kind_of(each.asked) == kind]
