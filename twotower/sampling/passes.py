"""What a lane may ask for between its events: passes of the model. Knows no model.

A lane is a generator of one text. It yields events and passes in the order of the algorithm; an event is answered with
nothing, a pass with what came of it and the seconds it took. It holds no state of the model's: whoever runs the lane
keeps one for it, and may carry out the passes of many lanes in one.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from twotower.sampling.events import Event


class Pass:
    """A request; the text before it is what the passes asked for earlier have read."""


@dataclass(frozen=True)
class Prefill(Pass):
    """The context tower reads a prompt of one token at least: logits (1, V) of the token behind it.

    `room` is how many tokens the text may grow by.
    """

    ids: tuple[int, ...]
    room: int


@dataclass(frozen=True)
class ReadPrompt(Pass):
    """The same for a prompt that may be empty, and nothing is predicted."""

    ids: tuple[int, ...]
    room: int


@dataclass(frozen=True)
class ARStep(Pass):
    """The context tower reads one token: logits (1, V) of the next one."""

    token: int


@dataclass(frozen=True)
class MockARStep(Pass):
    """The denoiser tower predicts behind `token`, then the context tower reads it: logits (1, V), hidden (1, D)."""

    token: int


@dataclass(frozen=True)
class DenoiserPass(Pass):
    """The denoiser tower looks at a noisy block: logits (S, V)."""

    block: tuple[int, ...]
    masked_fraction: float


@dataclass(frozen=True)
class ContextPass(Pass):
    """The context tower reads a finished block: hidden states (S, D), for its head to judge it by."""

    block: tuple[int, ...]


@dataclass(frozen=True)
class RecordPass(Pass):
    """The same of the last block, for the record alone: off the clock."""

    block: tuple[int, ...]


@dataclass(frozen=True)
class VerifyPass(Pass):
    """The context tower reads a drafted block ahead: logits (S, V), row j of the token behind drafted token j."""

    drafted: tuple[int, ...]


@dataclass(frozen=True)
class TakeOver(Pass):
    """The text goes on with the first `count` >= 1 tokens of the draft just verified."""

    count: int


class Answer(NamedTuple):
    """What came of a pass, and how long it took. The tensors are the lane's: no later pass writes over them."""

    result: Any  # as the request says
    seconds: float


Lane: TypeAlias = Generator[Event | Pass, Answer, None]


def kind_of(asked: Pass) -> tuple[type, int]:
    """Passes of the same kind can be carried out in one.

    A denoiser pass looks both ways, so blocks of different sizes are different kinds; the context tower, which looks
    back, does not mind what stands behind a shorter block.
    """
    return type(asked), len(asked.block) if isinstance(asked, DenoiserPass) else 0
