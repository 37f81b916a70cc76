"""What a measurement says it ran on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from twotower.model.device import machine_name


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    own = torch.get_num_threads()
    yield
    torch.set_num_threads(own)


@pytest.mark.parametrize(("threads", "name"), [(1, "1 CPU thread"), (3, "3 CPU threads")])
def test_a_cpu_is_its_threads(threads: int, name: str) -> None:
    torch.set_num_threads(threads)
    assert machine_name(torch.device("cpu")) == name
