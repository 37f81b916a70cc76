"""What a batch does next. Knows what rows ask for; knows no model and no text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from twotower.sampling.passes import Choose, Prefill, ReadPrompt, Request, TakeOver, kind_of

_PATIENCE = 8  # turns of others that one waits for; more saves hardly a pass (a pass and its choice are two)


@dataclass
class Waiting:
    """What a row asks for, and how many turns of others it has waited for since."""

    asked: Request
    turns: int = 0


def next_rows(waiting: Mapping[int, Waiting], free: int) -> list[int]:
    """The rows whose turn it is: all ask for one kind, or it is a single prompt, for one of the `free` seats.

    Tokens are chosen first, to know what follows; and what was read ahead is taken over before another pass of the
    context tower writes over it. Then those who come are let in, one by one, for no two prompts are of one length. Else
    the kind that most rows wait for runs, for a pass takes hardly longer with more of them, unless one has waited for
    too long. Somebody waits who can go on.
    """
    for at_once in (Choose, TakeOver):
        if rows := [row for row, each in waiting.items() if isinstance(each.asked, at_once)]:
            return rows
    come = [row for row, each in waiting.items() if isinstance(each.asked, Prefill | ReadPrompt)]
    if come and free:
        return come[:1]
    seated = {row: each for row, each in waiting.items() if row not in come}
    wanted = Counter(kind_of(each.asked) for each in seated.values())
    most = max(wanted.values())
    longest = max(seated.values(), key=lambda each: each.turns)
    kind = kind_of(longest.asked)
    if longest.turns < _PATIENCE and wanted[kind] < most:
        kind = next(kind for kind, rows in wanted.items() if rows == most)
    return [row for row, each in seated.items() if kind_of(each.asked) == kind]
