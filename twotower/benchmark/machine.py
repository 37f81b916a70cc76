"""What this machine can do at the most: bytes read a second, and operations of a large matrix product."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import torch

from twotower.benchmark.floors import Work
from twotower.benchmark.timing import Alone, alternately
from twotower.race import Spread

LEAST_BYTES = 2**20  # a smaller working set times the call, not the memory
_ROW = 1024  # numbers of a row of the matrix that is read
BUDGET = 0.1  # seconds of a measurement in a repeat
FAR_BYTES = {"cpu": 2**30, "cuda": 2**32}  # a buffer that no cache holds, by type of device
SIDES = {"cpu": 1024, "cuda": 8192}  # of a square product that keeps the whole device busy


@dataclass
class Machine:
    """The measured limits of a device, each measured when it is first asked for.

    Small weights stay in a cache, so a floor takes the bandwidth of a working set as large as what the pass moves,
    rounded up to a power of two; `far_bandwidth` is that of a buffer larger than any cache, for comparison.
    """

    device: torch.device
    dtype: torch.dtype
    repeats: int
    _bandwidths: dict[int, Spread] = field(default_factory=dict)

    @property
    def far_bytes(self) -> int:
        """Bytes of a buffer that no cache holds."""
        return FAR_BYTES.get(self.device.type, FAR_BYTES["cpu"])

    @property
    def far_bandwidth(self) -> Spread:
        """Bytes a second, read from memory itself."""
        return self.bandwidth(self.far_bytes)

    @cached_property
    def rate(self) -> Spread:
        """Operations a second of a large square product in the model's dtype."""
        side = SIDES.get(self.device.type, SIDES["cpu"])
        matrix = torch.full((side, side), 1e-3, device=self.device, dtype=self.dtype)
        found = alternately({0: Alone(lambda: matrix @ matrix)}, self.repeats, self.device, BUDGET)[0]
        return _per_second(2 * side**3, found)

    def bandwidth(self, moved: int) -> Spread:
        """Bytes a second over a working set of about `moved` bytes, read again and again."""
        size = min(self.far_bytes, max(LEAST_BYTES, 1 << (moved - 1).bit_length()))
        if size not in self._bandwidths:
            self._bandwidths[size] = self._measured(size)
        return self._bandwidths[size]

    def floor_seconds(self, work: Work) -> float:
        """The time below which this machine cannot do the work: by the best repeats, for they are limits."""
        return work.seconds(self.bandwidth(work.bytes).high, self.rate.high)

    def _measured(self, size: int) -> Spread:
        buffer = torch.ones(size // 4, device=self.device)
        matrix, vector = buffer.view(-1, _ROW), buffer[:_ROW]
        ways = {"sum": Alone(buffer.sum), "product": Alone(lambda: torch.mv(matrix, vector))}
        found = alternately(ways, self.repeats, self.device, BUDGET)
        return _per_second(size, min(found.values(), key=lambda spread: spread.median))  # the faster reader


def _per_second(amount: int, seconds: Spread) -> Spread:
    """The same spread as a rate: the least seconds are the greatest rate."""
    return Spread(amount / seconds.median, amount / seconds.high, amount / seconds.low)
