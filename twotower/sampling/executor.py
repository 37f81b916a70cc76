"""Who carries out what lanes ask for: passes of one kind in one, each row in a seat of its own. Knows no events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from twotower.model.state import ContextState, ReadAhead
from twotower.model.twotower import TwoTower
from twotower.sampling.choice import chosen
from twotower.sampling.clock import Clock
from twotower.sampling.passes import (
    Answer,
    ARStep,
    Choose,
    ContextPass,
    DenoiserPass,
    MockARStep,
    Prefill,
    ReadPrompt,
    RecordPass,
    Request,
    TakeOver,
    VerifyPass,
)

T = TypeVar("T")


class Executor:
    """Seats for rows (texts under way, by their numbers), all over one state of the context tower.

    Shapes never change, so that a pass can be captured once: who takes part in nothing computes along, unread, and a
    block that the context tower reads is filled up to the block size, for what stands behind has no influence.
    """

    def __init__(self, model: TwoTower, clock: Clock, block_size: int, seats: int = 1, tokens: int = 0) -> None:
        """`tokens`: of the longest text that several seats are to hold, prompt and all; one seat takes what comes."""
        self._model, self._clock, self._block_size = model, clock, block_size
        self._seats = seats
        self._seat: dict[int, int] = {}
        self._free = list(range(seats))
        self._room = tokens + block_size
        self._state: ContextState | None = None
        self._ahead: ReadAhead | None = None

    @property
    def free(self) -> int:
        """Seats that nobody has."""
        return len(self._free)

    def carry_out(self, asked: Mapping[int, Request]) -> dict[int, Answer]:
        """Each row's answer; its seconds are those of the pass, for that long every row has waited.

        The requests are of one kind (see `kind_of`). A prompt comes alone, to a free seat; a step of one token is made
        by every row that has a seat, or by none.
        """
        seconds = 0.0
        match next(iter(asked.values())):
            case Choose():
                results = chosen(cast("list[Choose]", list(asked.values())))
            case RecordPass():
                with self._clock.paused():
                    results = self._results(asked)
            case _:
                results, seconds = self._clock.timed(self._results, asked)
        return {row: Answer(result, seconds) for row, result in zip(asked, results)}

    def leave(self, row: int) -> None:
        """The row asks for nothing more: its seat is free."""
        if row in self._seat:
            seat = self._seat.pop(row)
            self._free.append(seat)
            self._vacate(seat)

    def _results(self, asked: Mapping[int, Request]) -> list[Any]:
        (row, first), *_ = asked.items()
        match first:
            case Prefill(prompt, room):
                logits, single = self._model.prefill(self._ids([prompt]), room + self._block_size)
                self._sit_down(row, single)
                return [logits]
            case ReadPrompt(prompt, room):
                room += self._block_size
                ids = self._ids([prompt])
                self._sit_down(row, self._model.prefill(ids, room)[1] if prompt else self._model.empty_state(1, room))
                return [None]
        return self._passed([self._seat[row] for row in asked], list(asked.values()))

    def _passed(self, seats: Sequence[int], passes: Sequence[Any]) -> list[Any]:
        """What one pass gives the rows in `seats`, in their order."""
        model, state = self._model, cast(ContextState, self._state)
        match passes[0]:
            case DenoiserPass():
                blocks = [each.block for each in passes]
                fractions = self._of_all(seats, [each.masked_fraction for each in passes], 1.0)
                ids = self._blocks(seats, blocks, len(blocks[0]))
                logits = model.denoiser_pass(ids, state, fractions if len(fractions) > 1 else fractions[0])
                return [logits[seat] for seat in seats]
            case ContextPass() | RecordPass():
                blocks = [each.block for each in passes]
                counts = self._of_all(seats, [len(block) for block in blocks], 0)
                hidden = model.context_pass(self._blocks(seats, blocks, self._block_size), state, counts)
                return [hidden[seat, : len(block)] for seat, block in zip(seats, blocks)]
            case VerifyPass():
                blocks = [each.drafted for each in passes]
                logits, self._ahead = model.verify_pass(self._blocks(seats, blocks, self._block_size), state)
                return [logits[seat, : len(block)] for seat, block in zip(seats, blocks)]
            case TakeOver():
                counts = self._of_all(seats, [each.count for each in passes], 0)
                model.take_over(cast(ReadAhead, self._ahead), state, counts)
                return [None] * len(seats)
            case ARStep():
                logits = model.ar_step(self._tokens(seats, passes)[:, 0], state)
                return [logits[seat : seat + 1] for seat in seats]
            case MockARStep():
                ids = self._tokens(seats, passes)
                logits, hidden = model.denoiser_pass(ids, state, None)[:, 0], model.context_step(ids[:, 0], state)
                return [(logits[seat : seat + 1], hidden[seat : seat + 1]) for seat in seats]
        raise TypeError(f"no pass: {passes[0]!r}")

    # ---- seats ---------------------------------------------------------------------------------------------------

    def _sit_down(self, row: int, single: ContextState) -> None:
        """The row has a seat, which holds what `single` holds."""
        seat = self._seat[row] = self._free.pop()
        if self._seats == 1:
            self._state = single
            return
        if self._state is None:
            self._state = self._model.empty_state(self._seats, self._room)
        self._state.put(seat, single)

    def _vacate(self, seat: int) -> None:
        """Nothing is left of the row."""
        if self._seats == 1:
            self._state = None
        else:
            cast(ContextState, self._state).clear(seat)

    def _tokens(self, seats: Sequence[int], passes: Sequence[ARStep | MockARStep]) -> Tensor:
        """One token (B, 1) a seat, to be read by all: who sits in none starts anew where there is no room left."""
        state = cast(ContextState, self._state)
        for seat in self._free:
            if state.held[seat] >= state.capacity:
                self._vacate(seat)
        return self._blocks(seats, [(each.token,) for each in passes], 1)

    # ---- what the seats are given --------------------------------------------------------------------------------

    def _of_all(self, seats: Sequence[int], values: Sequence[T], idle: T) -> list[T]:
        """A value for every seat."""
        given = dict(zip(seats, values))
        return [given.get(seat, idle) for seat in range(self._seats)]

    def _blocks(self, seats: Sequence[int], blocks: Sequence[tuple[int, ...]], size: int) -> Tensor:
        """Ids (B, size), filled up with masks."""
        mask = self._model.config.mask_token_id
        filled = [(*block, *[mask] * (size - len(block))) for block in blocks]
        return self._ids(self._of_all(seats, filled, (mask,) * size))

    def _ids(self, rows: Sequence[Sequence[int]]) -> Tensor:
        return torch.tensor(rows, dtype=torch.long, device=self._model.device)
