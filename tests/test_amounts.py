"""Bytes and parameters in words."""

from __future__ import annotations

import pytest

from twotower.amounts import gigabytes, parameters


@pytest.mark.parametrize(("nbytes", "said"), [(126_354_000_000, "126.4 GB"), (9_900_000, "9.9 MB"), (10**8, "0.1 GB")])
def test_bytes(nbytes: int, said: str) -> None:
    assert gigabytes(nbytes) == said


@pytest.mark.parametrize(
    ("count", "said"), [(63_177_000_000, "63.2 B"), (3_030_000, "3.0 M"), (1536, "1.5 k"), (7, "7")]
)
def test_parameters(count: int, said: str) -> None:
    assert parameters(count) == said
