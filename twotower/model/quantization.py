"""Weights as integer codes and a scale a group: made, packed, expanded again. Knows no layers and no files.

8 bits: codes from -127 to 127, the largest number of a group at one end; nothing is off by more than half a scale.
4 bits: codes from -8 to 7, two a byte. The scale carries the sign that makes the group's largest number -8, or a little
beyond: of a few such scales the one with the least squared error. On Gaussian weights in groups of 64 that leaves an
error of 9.1 % (root mean square, of the weights' own), on the embedded model's projections and experts 8.8 to 9.3 %.
Measured beside it on the Gaussian ones: codes from -7 to 7 leave 10.8 %, no search 9.5 %; two numbers a group, scale
and zero point, leave 8.6 %, but groups of 32 leave 8.3 % for the same bytes, so there is no zero point.

Not torchao's: its `quantize_` (0.18) goes over `nn.Linear` and leaves stacked experts as they are. Asked for by name, a
stack gets int8 codes, but neither slices that can be written expert by expert as shards are read, nor the grouped
product; its int4 formats need a GPU's kernels to be packed at all, its intx refuses three dimensions. Beside ours for
the experts it would be a second format.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from twotower.model.quantised_format import group_size

SCALE_DTYPE = torch.bfloat16
_CODES = {8: torch.int8, 4: torch.uint8}
_OFFSET = 8  # what is added to a code of 4 bits, to make it none below zero
_SHRINKS = (1.0, 0.95, 0.9, 0.85)
_NUMBERS_AT_ONCE = 2**20  # quantised together: few enough for a CPU's cache, many enough for a GPU


def quantise(weight: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """weight (..., width) -> codes (..., width) int8 or (..., width / 2) uint8, scales (..., groups) bfloat16.

    Raises ValueError where a number is not finite.
    """
    group = group_size(weight.shape[-1])
    assert group is not None, "a width without groups"
    groups = weight.float().unflatten(-1, (-1, group))
    if not groups.isfinite().all():
        raise ValueError("NaN or infinity")
    codes, scales = _eight(groups) if bits == 8 else _four(groups)
    return codes.flatten(-2), scales.squeeze(-1)


def expand(codes: Tensor, scales: Tensor, dtype: torch.dtype) -> Tensor:
    """What `quantise` made, as numbers again: (..., width). Exact in float32, and rounded once in bfloat16."""
    groups = codes.unflatten(-1, (scales.shape[-1], -1))
    if codes.dtype == torch.uint8:
        groups = torch.cat((groups & 15, groups >> 4), -1).view(torch.int8).sub_(_OFFSET)
    return (groups * scales.to(dtype).unsqueeze(-1)).flatten(-2)


def _eight(groups: Tensor) -> tuple[Tensor, Tensor]:
    scales = (groups.abs().amax(-1, keepdim=True) / 127).to(SCALE_DTYPE)
    return _nearest(groups, scales, -127, 127).to(torch.int8), scales


def _four(groups: Tensor) -> tuple[Tensor, Tensor]:
    largest = groups.gather(-1, groups.abs().argmax(-1, keepdim=True))
    unit = _divisor(largest)  # errors are weighed in it: the square of one may be too large for float32, or too small
    best, scales, least = groups, largest, torch.full_like(largest, torch.inf)
    for shrink in _SHRINKS:
        tried = (largest * (shrink / -_OFFSET)).to(SCALE_DTYPE)
        codes = _nearest(groups, tried, -8, 7)
        error = ((codes * tried - groups) / unit).square().sum(-1, keepdim=True)
        better = error < least
        best, scales, least = codes.where(better, best), tried.where(better, scales), error.where(better, least)
    low, high = (best + _OFFSET).to(torch.uint8).chunk(2, -1)  # a byte holds a number of either half of its group
    return low | high << 4, scales.to(SCALE_DTYPE)


def _nearest(groups: Tensor, scales: Tensor, low: int, high: int) -> Tensor:
    return (groups / _divisor(scales.float())).round().clamp(low, high)


def _divisor(scales: Tensor) -> Tensor:
    return scales.where(scales != 0, 1.0)  # a group of zeros has none


class Quantised(nn.Module):
    """One weight, or a stack of them, in codes and scales: buffers, as nothing here is trained."""

    def __init__(self, shape: Sequence[int], bits: int) -> None:
        super().__init__()
        *rows, width = shape
        group = group_size(width)
        assert group is not None, "a width without groups"
        self.bits = bits
        self.codes: Tensor
        self.scales: Tensor
        self.register_buffer("codes", torch.zeros(*rows, width * bits // 8, dtype=_CODES[bits]))
        self.register_buffer("scales", torch.zeros(*rows, width // group, dtype=SCALE_DTYPE))

    def expand(self, dtype: torch.dtype, chosen: Tensor | None = None) -> Tensor:
        """All of it, or what `chosen` indexes in its first dimension."""
        if chosen is None:
            return expand(self.codes, self.scales, dtype)
        return expand(self.codes[chosen], self.scales[chosen], dtype)

    @property
    def rows(self) -> QuantisedRows:
        """All of it, to be written."""
        return QuantisedRows(self.codes, self.scales)


@dataclass(frozen=True)
class QuantisedRows:
    """A view of a quantised weight that is written like a tensor: `copy_` quantises what it is given, where it is."""

    codes: Tensor
    scales: Tensor

    @property
    def shape(self) -> torch.Size:
        """Of the numbers."""
        *rows, packed = self.codes.shape
        return torch.Size((*rows, packed * 2 if self.codes.dtype == torch.uint8 else packed))

    @property
    def is_meta(self) -> bool:
        """Whether there is nowhere to write."""
        return self.codes.is_meta

    def __iter__(self) -> Iterator[QuantisedRows]:
        """One after the other along the first dimension."""
        return (QuantisedRows(codes, scales) for codes, scales in zip(self.codes, self.scales))

    def split(self, sizes: Sequence[int]) -> Iterator[QuantisedRows]:
        """Parts of so many rows each."""
        parts = zip(self.codes.split(list(sizes)), self.scales.split(list(sizes)))
        return (QuantisedRows(codes, scales) for codes, scales in parts)

    def copy_(self, weight: Tensor) -> None:
        """Quantise `weight`, some rows at a time, on the device of the codes. Raises ValueError as `quantise` does."""
        bits = 8 if self.codes.dtype == torch.int8 else 4
        rows = max(1, _NUMBERS_AT_ONCE // weight[0].numel())
        for part, codes, scales in zip(weight.split(rows), self.codes.split(rows), self.scales.split(rows)):
            made = quantise(part.to(self.codes.device), bits)
            codes.copy_(made[0])
            scales.copy_(made[1])
