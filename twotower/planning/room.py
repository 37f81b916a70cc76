"""How much memory a device has left. Knows no models."""

from __future__ import annotations

import os
from pathlib import Path

import torch

_MEMINFO = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")  # a container may be allowed less than its machine has


def free_bytes(device: torch.device) -> int | None:
    """Bytes that can be had now; None where the device does not say."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return host_bytes() if device.type == "cpu" else None


def host_bytes() -> int | None:
    """Of the host's memory: what is available, or what a container may still take where that is less."""
    said = [bytes_ for bytes_ in (_available(), _allowed()) if bytes_ is not None]
    return min(said) if said else None


def _available() -> int | None:
    if _MEMINFO.is_file():
        lines = dict(line.split(":", 1) for line in _MEMINFO.read_text(encoding="ascii").splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")  # all of it: macOS does not say what is left
    except (ValueError, OSError, AttributeError):
        return None


def _allowed() -> int | None:
    try:
        most = (_GROUP / "memory.max").read_text(encoding="ascii").strip()
        held = int((_GROUP / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return None if most == "max" else int(most) - held
