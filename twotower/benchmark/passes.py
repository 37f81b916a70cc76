"""The passes of a model, each ready to be measured again and again from one context. Knows no figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from twotower.benchmark.floors import Floors, Work
from twotower.benchmark.reading import half_masked
from twotower.benchmark.standpoint import Standpoint
from twotower.metrics import CONTEXT_PASS, DENOISER_PASS, STEP_KINDS, VERIFY_PASS
from twotower.model.state import ContextState
from twotower.model.tower import Tower
from twotower.model.twotower import TwoTower
from twotower.routing import counted_experts

AR_STEP = STEP_KINDS["autoregressive"]
ROLL_BACK = "roll back"
PREFILL = "prefill"


@dataclass
class Pass:
    """One kind of pass over ids of one shape. `prepare` restores the context off the clock, `run` is the pass."""

    kind: str
    engine: str
    model: TwoTower
    tower: Tower  # whose weights it reads
    size: int  # tokens it reads
    context: int  # tokens before them
    prepare: Callable[[], object]
    run: Callable[[], object]
    work: Callable[[Sequence[int]], Work]  # what it has to do, given how many experts each MoE layer chose

    @torch.inference_mode()
    def experts_touched(self) -> tuple[int, ...]:
        """How many experts each MoE layer chose: counted in a run of its own, which nobody times."""
        self.prepare()
        with self.model.plainly(), counted_experts(self.tower) as counts:
            self.run()
        return tuple(sum(count > 0 for count in counts[layer]) for layer in sorted(counts))


def passes_from(model: TwoTower, standpoint: Standpoint, block: Tensor) -> list[Pass]:
    """Every kind of pass over a block (1, S) after a standpoint, by the engine that is in use now.

    The denoiser sees every second slot masked, as midway through a block; a roll back takes over half of the block.
    """
    size, context = block.shape[1], standpoint.context
    token, half, noisy = block[:, 0], max(1, size // 2), half_masked(model, block)
    fraction = float((noisy == model.config.mask_token_id).float().mean())
    floors = Floors(model.config, model.dtype.itemsize)
    engine = model.engine
    now: dict[str, Any] = {}

    def restore() -> None:
        model.engine = engine
        now["state"] = standpoint.restored()

    def verify() -> None:
        restore()
        now["ahead"] = model.verify_pass(block, now["state"])[1]

    def of(tower: Tower, kind: str, count: int, run: Callable[[ContextState], object], work: Any) -> Pass:
        prepare = verify if kind == ROLL_BACK else restore
        return Pass(kind, engine.name, model, tower, count, context, prepare, lambda: run(now["state"]), work)

    causal, denoiser = model.context_tower, model.denoiser_tower
    return [
        of(causal, AR_STEP, 1, lambda state: model.ar_step(token, state), partial(floors.ar_step, context)),
        of(
            denoiser,
            DENOISER_PASS,
            size,
            lambda state: model.denoiser_pass(noisy, state, fraction),
            partial(floors.denoiser_pass, size, context),
        ),
        of(
            causal,
            CONTEXT_PASS,
            size,
            lambda state: model.context_pass(block, state),
            partial(floors.context_pass, size, context),
        ),
        of(
            causal,
            VERIFY_PASS,
            size,
            lambda state: model.verify_pass(block, state),
            partial(floors.verify_pass, size, context),
        ),
        of(
            causal,
            ROLL_BACK,
            half,
            lambda state: model.take_over(now["ahead"], state, half),
            lambda _: floors.take_over(half),
        ),
    ]


def prefill_of(model: TwoTower, ids: Tensor) -> Pass:
    """The prefill of ids (1, L), from nothing."""
    length = ids.shape[1]
    floors = Floors(model.config, model.dtype.itemsize)
    return Pass(
        PREFILL,
        model.engine.name,
        model,
        model.context_tower,
        length,
        0,
        lambda: None,
        lambda: model.prefill(ids),
        partial(floors.prefill, length),
    )
