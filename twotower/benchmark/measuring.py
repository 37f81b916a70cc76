"""Seconds of passes beside their floors, and what passes cost in AR steps."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twotower.benchmark.figures import CostModel, PassFigure
from twotower.benchmark.machine import Machine
from twotower.benchmark.passes import AR_STEP, ROLL_BACK, Pass, passes_from, prefill_of
from twotower.benchmark.reading import ids_to_read
from twotower.benchmark.standpoint import Standpoint
from twotower.benchmark.timing import repeated, seconds_of
from twotower.metrics import CONTEXT_PASS, DENOISER_PASS, VERIFY_PASS
from twotower.model.twotower import TwoTower
from twotower.race import Spread

CONTEXT = 256  # tokens before the block in the table of passes
PREFILL_LENGTHS = (16, 64, 256, 1024, 4096)
LONG_CONTEXTS = tuple(256 * 2**k for k in range(10))
BLOCK_SIZES = (4, 8, 16, 32, 64)
GROWING = (AR_STEP, DENOISER_PASS, CONTEXT_PASS)

BUDGET = 0.15  # seconds of a kind in a repeat
_SLOW = 1.0  # seconds of a prefill after which no longer one is tried


@dataclass(frozen=True)
class Bench:
    """What is measured, on what, how often."""

    model: TwoTower
    machine: Machine
    repeats: int

    def kinds(self) -> tuple[list[PassFigure], CostModel]:
        """Every kind of pass after CONTEXT tokens, by the engine in use and plainly, and the prefill by length.

        All in the same repeats. What passes cost is by the engine in use.
        """
        size = self.model.config.trained_block_size
        in_use = self._from(CONTEXT, size)
        with self.model.plainly():
            plain = self._from(CONTEXT, size)
        passes = in_use if in_use[0].engine == plain[0].engine else [*in_use, *plain]
        figures, seconds = self._measured(passes)
        by_kind = {one.kind: taken for one, taken in zip(in_use, seconds)}
        return [*figures, *self._prefills()], cost_model(by_kind, size)

    def by_context(self, longest: int) -> list[PassFigure]:
        """AR step, denoiser pass and context pass after ever more context."""
        size = self.model.config.trained_block_size
        lengths = [length for length in LONG_CONTEXTS if length <= longest]
        return self._growing([self._from(length, size) for length in lengths])

    def by_block(self) -> list[PassFigure]:
        """Denoiser pass and context pass over ever wider blocks."""
        made = [self._from(CONTEXT, size) for size in BLOCK_SIZES if size <= self.model.config.widest_block]
        return [figure for figure in self._growing(made) if figure.kind != AR_STEP]

    def _from(self, context: int, size: int) -> list[Pass]:
        ids = ids_to_read(self.model, context + size)
        return passes_from(self.model, Standpoint(self.model, ids[:, :context], 2 * size), ids[:, context:])

    def _growing(self, groups: Sequence[list[Pass]]) -> list[PassFigure]:
        passes = [one for group in groups for one in group if one.kind in GROWING]
        figures, _ = self._measured(passes)
        return sorted(figures, key=lambda figure: GROWING.index(figure.kind))

    def _prefills(self) -> list[PassFigure]:
        longest = self.model.config.max_position_embeddings
        passes: list[Pass] = []
        for length in PREFILL_LENGTHS:
            if length > longest or (passes and seconds_of(passes[-1].run, self.model.device) > _SLOW):
                break
            passes.append(prefill_of(self.model, ids_to_read(self.model, length)))
        return self._measured(passes)[0]

    def _measured(self, passes: Sequence[Pass]) -> tuple[list[PassFigure], list[list[float]]]:
        """Figures of passes, and the seconds of each, one a repeat; the engine in use stays so."""
        engine = self.model.engine
        seconds = repeated(dict(enumerate(passes)), self.repeats, self.model.device, BUDGET)
        figures = [self._figure(one, seconds[number]) for number, one in enumerate(passes)]
        self.model.engine = engine
        return figures, list(seconds.values())

    def _figure(self, one: Pass, seconds: Sequence[float]) -> PassFigure:
        touched = one.experts_touched()
        work = one.work(touched)
        return PassFigure(
            kind=one.kind,
            engine=one.engine,
            size=one.size,
            context=one.context,
            seconds=Spread.of(seconds),
            experts=statistics.mean(touched) if touched else None,
            bytes=work.bytes,
            operations=work.operations,
            bandwidth=self.machine.bandwidth(work.bytes).high,
            floor_seconds=self.machine.floor_seconds(work),
            beyond=one.context + one.size > self.model.config.max_position_embeddings,
        )


def cost_model(seconds: Mapping[str, Sequence[float]], block_size: int) -> CostModel:
    """Ratios to the AR step of the same repeat; `seconds` are one a repeat, by kind of pass."""
    steps = seconds[AR_STEP]
    verified = [sum(pair) for pair in zip(seconds[VERIFY_PASS], seconds[ROLL_BACK])]

    def in_steps(taken: Sequence[float]) -> Spread:
        return Spread.of([pass_ / step for pass_, step in zip(taken, steps)])

    return CostModel(
        block_size=block_size,
        denoiser=in_steps(seconds[DENOISER_PASS]),
        context=in_steps(seconds[CONTEXT_PASS]),
        verify=in_steps(verified),
    )
