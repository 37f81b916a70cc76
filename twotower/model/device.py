"""Where a model runs."""

from __future__ import annotations

import torch

from twotower.errors import InputError


def machine_name(device: torch.device) -> str:
    """What a measurement says it ran on: the GPU's name, or how many threads of the CPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} CPU threads"


def find_device(wanted: str | torch.device | None) -> torch.device:
    """The device asked for; none asked for is CUDA where there is one. Raises InputError where it is not there."""
    if wanted is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # torch raises all three for the same thing
        raise InputError("device", str(wanted), "a device of this machine, such as cpu") from error
    return device
