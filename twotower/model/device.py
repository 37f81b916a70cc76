"""Where a model runs, and in what its matrices are kept."""

from __future__ import annotations

import torch

from twotower.errors import CheckpointError, InputError
from twotower.model.configuration import TwoTowerConfig


def machine_name(device: torch.device) -> str:
    """What a measurement says it ran on: the GPU's name, or how many threads of the CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return "1 CPU thread" if threads == 1 else f"{threads} CPU threads"


def named_precision(dtype: torch.dtype, bits: int | None) -> str:
    """How the numbers of a model are called: `float32`, or `float32, 4-bit weights`."""
    name = str(dtype).removeprefix("torch.")
    return name if bits is None else f"{name}, {bits}-bit weights"


def find_device(wanted: str | torch.device | None, field: str = "device") -> torch.device:
    """The device asked for; none asked for is CUDA where there is one. Raises InputError where it is not there."""
    if wanted is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # torch raises all three for the same thing
        raise InputError(field, str(wanted), "a device of this machine, such as cpu") from error
    return device


def find_dtype(wanted: str | torch.dtype | None, device: torch.device, config: TwoTowerConfig) -> torch.dtype:
    """The dtype asked for; none asked for is float32 on a CPU, else the checkpoint's. Raises CheckpointError."""
    name = wanted if wanted is not None else ("float32" if device.type == "cpu" else config.torch_dtype)
    dtype = name if isinstance(name, torch.dtype) else getattr(torch, str(name), None)
    if dtype not in (torch.float32, torch.bfloat16):
        raise CheckpointError(f"dtype is {name!r}; allowed: float32, bfloat16.")
    return dtype
