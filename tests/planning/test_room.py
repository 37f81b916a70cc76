"""How much memory is left: what the kernel says, or less where a container is allowed less."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from twotower.planning import room
from twotower.planning.room import free_bytes, host_bytes


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Files of a kernel that has 8 GiB left."""
    (tmp_path / "meminfo").write_text("MemTotal:       16777216 kB\nMemAvailable:    8388608 kB\n")
    monkeypatch.setattr(room, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(room, "_GROUP", tmp_path)
    return tmp_path


def test_what_the_kernel_says(machine: Path) -> None:
    assert host_bytes() == free_bytes(torch.device("cpu")) == 8 * 2**30


@pytest.mark.parametrize(("most", "left"), [("max", 8 * 2**30), ("3000", 2000), (str(64 * 2**30), 8 * 2**30)])
def test_a_container_may_be_allowed_less(machine: Path, most: str, left: int) -> None:
    (machine / "memory.max").write_text(f"{most}\n")
    (machine / "memory.current").write_text("1000\n")
    assert host_bytes() == left


def test_without_the_kernels_file_all_memory_counts(machine: Path) -> None:
    (machine / "meminfo").unlink()
    said = host_bytes()
    assert said is not None
    assert said > 2**28


def test_a_device_that_says_nothing() -> None:
    assert free_bytes(torch.device("meta")) is None
