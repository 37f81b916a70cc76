"""Bytes and parameters as people say them. Knows nothing of what they are of."""

from __future__ import annotations


def gigabytes(nbytes: int) -> str:
    """126.4 GB, by thousands as disks and cards are sold; less than a tenth of one in megabytes."""
    return f"{nbytes / 1e9:,.1f} GB" if nbytes >= 1e8 else f"{nbytes / 1e6:,.1f} MB"


def parameters(count: int) -> str:
    """63.2 B, 3.9 M, 36.9 k."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.1f} {letter}"
    return str(count)
