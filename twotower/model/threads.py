"""How many CPU threads a model runs fastest with: measured, not guessed.

A small model's products are too small to share, a machine may own fewer cores than it shows, and both differ from host
to host. Threads that share a product wait for one another, spinning: where the browser or another program takes a core
for a moment, every one of them waits. So another thread has to be worth more than a little. Every lane runs with the
same number.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import torch

from twotower.errors import InputError
from twotower.model.twotower import TwoTower

MOST = 1024
_ROUNDS = 12
_WORTH_IT = 0.75  # of the time that fewer threads take: more of them have to need less than this


def settle_threads(model: TwoTower, wanted: int | None = None) -> None:
    """Let the calling thread compute with `wanted` threads, or as many as this model's passes make worthwhile.

    To measure takes a few dozen passes, and none where the model is not on a CPU. Raises InputError.
    """
    own = torch.get_num_threads()
    if wanted is not None:
        if not 1 <= wanted <= MOST:
            raise InputError("threads", wanted, f"a whole number from 1 to {MOST}")
        torch.set_num_threads(wanted)
    elif model.device.type == "cpu" and own > 1:
        torch.set_num_threads(worthwhile(candidates(own), passes_of(model)))


def candidates(own: int) -> list[int]:
    """Numbers worth trying where torch would take `own`: it and its halves, the least first."""
    tried = [own]
    while tried[-1] > 1:
        tried.append(tried[-1] // 2)
    return tried[::-1]


def passes_of(model: TwoTower) -> Callable[[], None]:
    """One AR step and one denoiser pass of the trained block, which are what most time goes into."""
    config = model.config
    slots, place = config.trained_block_size, model.device
    token = torch.full((1,), config.bos_token_id, device=place)
    block = torch.full((1, slots), config.mask_token_id, device=place)

    @torch.inference_mode()
    def run() -> None:
        if model.has_denoiser:
            model.denoiser_pass(block, state, 1.0)
        model.ar_step(token, state)

    with torch.inference_mode():
        _, state = model.prefill(token.unsqueeze(0), room=_ROUNDS * 64)
    return run


def worthwhile(tried: Sequence[int], run: Callable[[], None]) -> int:
    """Of ascending numbers of threads the last that is worth it, by the median seconds of `run` in alternation."""
    seconds: dict[int, list[float]] = {number: [] for number in tried}
    for _ in range(_ROUNDS):
        for number in tried:
            torch.set_num_threads(number)
            run()  # a pool of another size starts
            began = time.perf_counter()
            run()
            seconds[number].append(time.perf_counter() - began)
    best = tried[0]
    for number in tried:
        if statistics.median(seconds[number]) < _WORTH_IT * statistics.median(seconds[best]):
            best = number
    return best
