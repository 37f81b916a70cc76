"""Many texts at once: the lanes of a batch are driven side by side, and passes of one kind are carried out in one.

A row is a text under way. Each has its own prompt, settings, noise and events; it may come while others are under way,
and ends when it ends. What rows share is the model, the lane, the block size and the clock: a pass takes as long as it
takes for all who take part, and who waits for another's pass is on the clock as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from twotower.errors import InputError, NumericalError
from twotower.model.twotower import TwoTower
from twotower.reading import inside
from twotower.sampling.clock import Clock
from twotower.sampling.events import Event, Finished, Started
from twotower.sampling.executor import Executor
from twotower.sampling.generate import begin, lane_named
from twotower.sampling.passes import Answer, Request
from twotower.sampling.row import Row
from twotower.sampling.scheduling import Waiting, next_rows
from twotower.sampling.settings import SamplingSettings


@dataclass(frozen=True)
class Failed:
    """A row has ended, alone, with the error that `generate` would have raised."""

    error: NumericalError


Happening = tuple[int, Event | Failed]  # with the number of its row


class Batch:
    """Rows of one lane that come and go, a pass at a time: continuous batching."""

    def __init__(self, model: TwoTower, lane: str, block_size: int, seats: int, tokens: int) -> None:
        """At most `seats` rows at once, those who come after wait; a text, prompt and all, of up to `tokens`.

        Raises InputError for an unknown lane.
        """
        lane_named(lane)
        self._model, self._lane, self._block_size, self._tokens = model, lane, block_size, tokens
        self._clock = Clock(*model.devices)
        self._executor = Executor(model, self._clock, block_size, seats, tokens)
        self._rows: dict[int, Row] = {}
        self._waiting: dict[int, Waiting] = {}
        self._added = 0

    @property
    def rows(self) -> tuple[int, ...]:
        """Numbers of the rows under way."""
        return tuple(self._rows)

    def add(self, prompt_ids: Sequence[int], settings: SamplingSettings) -> tuple[int, Started]:
        """A row more, before the next step: its number and its first event. Raises InputError as `generate` does."""
        if settings.block_size != self._block_size:
            raise InputError("block_size", settings.block_size, f"{self._block_size}, as in the rest of the batch")
        row = begin(self._model, prompt_ids, self._lane, settings, self._clock)
        length = len(row.run.prompt) + settings.max_new_tokens
        if length > self._tokens:
            raise InputError("text length", length, f"prompt and max_new_tokens together up to {self._tokens}")
        number, self._added = self._added, self._added + 1
        self._rows[number] = row
        list(self._go_on(number))  # to its first pass, before which nothing happens
        return number, row.started

    def step(self) -> list[Happening]:
        """A pass, or a choice, for the rows whose turn it is, and what comes of it. There is a row under way."""
        with torch.inference_mode(), self._clock.running():
            rows = next_rows(self._waiting, self._executor.free)
            turn = {number: self._waiting.pop(number).asked for number in rows}
            answers = self._executor.carry_out(turn)
            for waiting in self._waiting.values():
                waiting.turns += 1
            happenings = [happening for number in turn for happening in self._go_on(number, answers[number])]
        for number, event in happenings:
            if number in self._rows and not isinstance(event, Failed):
                self._rows[number].note(event)
        return happenings

    def cancel(self, number: int) -> Finished:
        """End a row between two steps; its text is what can be read of it."""
        finished = self._rows[number].cancelled()
        with torch.inference_mode():
            self._end(number)
        return finished

    def _go_on(self, number: int, answer: Answer | None = None) -> Iterator[Happening]:
        """Until the row asks for another pass, or has ended."""
        row = self._rows[number]
        try:
            while not isinstance(happening := row.go_on(answer), Request):
                answer = None
                yield number, happening
                if isinstance(happening, Finished):
                    return self._end(number)
            self._waiting[number] = Waiting(happening)
        except NumericalError as error:
            self._end(number)
            yield number, Failed(error.with_traceback(None))  # whose frames would keep the whole batch in memory

    def _end(self, number: int) -> None:
        del self._rows[number]
        self._waiting.pop(number, None)
        self._executor.leave(number)


def generate_batch(
    model: TwoTower,
    prompts: Sequence[Sequence[int]],
    lane: str = "diffusion",
    settings: SamplingSettings | Sequence[SamplingSettings] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Happening]:
    """Run one lane on several prompts at once and yield (row, event), each row's from Started to Finished or Failed.

    In float32 every text is that of a run of its own. settings: one for all, or one a prompt; the block size is the
    same in all. `should_stop` is asked between passes. Raises InputError at once, naming the prompt.
    """
    of_rows = _settings_of_rows(settings, len(prompts))
    longest = max(max(1, len(prompt)) + of_row.max_new_tokens for prompt, of_row in zip(prompts, of_rows))
    batch = Batch(model, lane, of_rows[0].block_size, len(prompts), longest)
    started = [
        inside(f"prompts[{number}]", partial(batch.add, settings=of_row), prompt)
        for number, (prompt, of_row) in enumerate(zip(prompts, of_rows))
    ]
    return _drive(batch, started, should_stop)


def _settings_of_rows(
    settings: SamplingSettings | Sequence[SamplingSettings] | None, prompts: int
) -> Sequence[SamplingSettings]:
    if not prompts:
        raise InputError("prompts", "none", "one or more")
    if settings is None or isinstance(settings, SamplingSettings):
        return [settings or SamplingSettings()] * prompts
    if len(settings) != prompts:
        raise InputError("settings", f"{len(settings)} of them", f"one for all or {prompts}, one for each prompt")
    return settings


def _drive(batch: Batch, started: Sequence[Happening], should_stop: Callable[[], bool]) -> Iterator[Happening]:
    yield from started
    while batch.rows and not should_stop():
        yield from batch.step()
    for number in batch.rows:
        yield number, batch.cancel(number)
