"""The measured clock: counts only the seconds in which a sampler works.

It stands still while an event is handed to a consumer and while candidates are recorded, so that neither a slow
reader nor the recording makes a lane look slow. Knows no events.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")


class Clock:
    """Seconds of sampling so far. Starts standing still."""

    def __init__(self, *devices: torch.device) -> None:
        """`devices` are those that passes run on."""
        self._devices = [device for device in devices if device.type == "cuda"]
        self._counted = 0.0
        self._since: float | None = None

    @property
    def now(self) -> float:
        """Seconds counted so far."""
        running = 0.0 if self._since is None else time.perf_counter() - self._since
        return self._counted + running

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the seconds inside."""
        self._since = time.perf_counter()
        try:
            yield
        finally:
            self._counted, self._since = self.now, None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the seconds inside uncounted: recording for the viewer, not sampling."""
        self._synchronize()
        self._counted, self._since = self.now, None
        try:
            yield
        finally:
            self._synchronize()
            self._since = time.perf_counter()

    def timed(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> tuple[T, float]:
        """The result of one pass and its seconds, the devices synchronised at both edges."""
        self._synchronize()
        began = time.perf_counter()
        result = work(*args, **kwargs)
        self._synchronize()
        return result, time.perf_counter() - began

    def _synchronize(self) -> None:
        for device in self._devices:
            torch.cuda.synchronize(device)
