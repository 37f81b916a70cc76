"""Lanes that cost no model and last as long as a test needs."""

from __future__ import annotations

import time
from collections.abc import Iterator

from twotower.sampling.events import BlockOpened, Event, Finished, FinishReason, Started
from twotower.sampling.settings import SamplingSettings
from twotower.ui.worker import ShouldStop


class Endless:
    """Lanes that end when they are told to, or at their length, seconds later; those of one token end at once."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def __call__(
        self, prompt_ids: list[int], lane: str, settings: SamplingSettings, should_stop: ShouldStop
    ) -> Iterator[Event]:
        yield Started(0.0, lane, (1,), settings.to_json(), 0, "m", "cpu", "float32", 2, 3, (2,), ())
        block = 0
        while block + 1 < settings.max_new_tokens and not should_stop():
            yield BlockOpened(0.0, block, block, 1)
            block += 1
            time.sleep(0.005)  # a pass
        reason: FinishReason = "cancelled" if should_stop() else "length"
        self.ended.append(f"{lane}: {reason}")
        yield Finished(0.0, reason, 0)
