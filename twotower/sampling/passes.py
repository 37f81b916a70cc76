"""What a lane may ask for between its events: passes of the model, and choices from their logits. Knows no model.

A lane is a generator of one text. It yields events and requests in the order of the algorithm; an event is answered
with nothing, a request with what came of it and the seconds it took. The lane holds no state of the model's: whoever
runs it keeps one for it, and may carry out what many lanes ask for in one.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from torch import Tensor

from twotower.sampling.events import Event


class Request:
    """Of a row; the text before it is what the passes asked for earlier have read."""


@dataclass(frozen=True)
class Prefill(Request):
    """The context tower reads a prompt of one token at least: logits (1, V) of the token behind it.

    `room` is how many tokens the text may grow by.
    """

    ids: tuple[int, ...]
    room: int


@dataclass(frozen=True)
class ReadPrompt(Request):
    """The same for a prompt that may be empty, and nothing is predicted."""

    ids: tuple[int, ...]
    room: int


@dataclass(frozen=True)
class ARStep(Request):
    """The context tower reads one token: logits (1, V) of the next one."""

    token: int


@dataclass(frozen=True)
class MockARStep(Request):
    """The denoiser tower predicts behind `token`, then the context tower reads it: logits (1, V), hidden (1, D)."""

    token: int


@dataclass(frozen=True)
class DenoiserPass(Request):
    """The denoiser tower looks at a noisy block: logits (S, V)."""

    block: tuple[int, ...]
    masked_fraction: float


@dataclass(frozen=True)
class ContextPass(Request):
    """The context tower reads a finished block: hidden states (S, D), for its head to judge it by."""

    block: tuple[int, ...]


@dataclass(frozen=True)
class RecordPass(Request):
    """The same of the last block, for the record alone: off the clock."""

    block: tuple[int, ...]


@dataclass(frozen=True)
class VerifyPass(Request):
    """The context tower reads a drafted block ahead: logits (S, V), row j of the token behind drafted token j."""

    drafted: tuple[int, ...]


@dataclass(frozen=True)
class TakeOver(Request):
    """The text goes on with the first `count` >= 1 tokens of the draft just verified."""

    count: int


@dataclass(frozen=True, eq=False)
class Choose(Request):
    """No pass: a token for each of M slots, the one of the largest score. Answered by `Chosen`.

    `logits` (M, V) and `scores` (M, V) are float32; `also` are ids, one a slot, whose probabilities are wanted too.
    """

    logits: Tensor
    scores: Tensor
    also: tuple[int, ...] | None = None


class Chosen(NamedTuple):
    """On the host: the tokens, their probabilities at temperature 1, and those of the ids asked for beside.

    On the device: `probabilities` (M, V), of all.
    """

    tokens: list[int]
    confidences: list[float]
    also: list[float]
    probabilities: Tensor


class Answer(NamedTuple):
    """What came of a request, and how long a pass took. Its tensors are the lane's: no later pass writes over them."""

    result: Any  # as the request says
    seconds: float


Lane: TypeAlias = Generator[Event | Request, Answer, None]


def kind_of(asked: Request) -> Hashable:
    """Requests of the same kind can be carried out in one.

    A denoiser pass looks both ways, so blocks of different sizes are different kinds; the context tower, which looks
    back, does not mind what stands behind a shorter block. A choice is made where its logits are.
    """
    if isinstance(asked, Choose):
        return Choose, asked.logits.device
    return type(asked), len(asked.block) if isinstance(asked, DenoiserPass) else 0
