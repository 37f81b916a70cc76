"""Lanes on ZeroGPU, where a Space has no GPU of its own and is lent one for each run. Knows the Hub's `spaces` package.

That package lets weights be put on a CUDA device that is not there yet, and keeps them until the page is served. A
decorated function then runs in a process forked for it, where the device is real; what goes in and comes out is
pickled. Nothing else may touch CUDA, and nobody else imports the package: it is part of a Space, and no requirement.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Iterator
from contextlib import closing

from twotower.sampling.events import Event
from twotower.sampling.settings import SamplingSettings
from twotower.ui.errors import plain_errors
from twotower.ui.worker import RunLane, ShouldStop

# What a visitor's quota is asked for, in seconds. Estimates: nobody has measured the released model there.
START_SECONDS = 10.0  # weights to the card in a fresh process, and a first meeting with shapes
PASS_SECONDS = 0.04
LEAST_SECONDS, MOST_SECONDS = 15, 120  # anonymous visitors have 120 a day
HALF_A_CARD = 42 * 2**30  # bytes of weights that leave room in the 48 GB lent by default; a whole card has 96
_TO_END = 2.0  # seconds before a lent GPU is taken back: the pass that is running still ends, and the run in order


def is_on() -> bool:
    """Whether this is a ZeroGPU Space, as the `spaces` package tells it."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def begin() -> None:
    """From here on, this thread can put weights on a CUDA device: `spaces` stands in for it."""
    import spaces  # noqa: F401


def seconds(prompt_ids: list[int], lane: str, settings: SamplingSettings) -> int:
    """How long to ask a GPU for: the passes a lane may need at most, within bounds."""
    blocks = -(-settings.max_new_tokens // settings.block_size)
    passes = {
        "diffusion": blocks * (min(settings.steps_per_block, settings.block_size) + 1),
        "autoregressive": settings.max_new_tokens,
        "mock-ar": 2 * settings.max_new_tokens,
    }
    # A round of draft and verify gives one token at least, and drafts when that pays: as many passes as mock-AR's.
    needed = START_SECONDS + PASS_SECONDS * passes.get(lane, 2 * settings.max_new_tokens)
    return round(min(max(needed, LEAST_SECONDS), MOST_SECONDS))


def lent(run_lane: RunLane, weights_nbytes: int) -> RunLane:
    """The same lanes, each on a GPU that is lent for it: half a card, or a whole one at twice the quota for weights
    that need it. To be called before the page is served.
    """
    import spaces

    stop = mmap.mmap(-1, 1)  # shared with the processes that runs are forked into

    @spaces.GPU(duration=seconds, size="xlarge" if weights_nbytes > HALF_A_CARD else "large")
    def on_gpu(prompt_ids: list[int], lane: str, settings: SamplingSettings) -> Iterator[Event]:
        end = time.monotonic() + seconds(prompt_ids, lane, settings) - _TO_END
        with plain_errors():  # of other errors no more than the name comes back
            yield from run_lane(prompt_ids, lane, settings, lambda: stop[0] != 0 or time.monotonic() > end)

    def run(prompt_ids: list[int], lane: str, settings: SamplingSettings, should_stop: ShouldStop) -> Iterator[Event]:
        stop[0] = should_stop()
        with closing(on_gpu(prompt_ids, lane, settings)) as events:
            for event in events:
                yield event
                stop[0] = should_stop()

    return run
