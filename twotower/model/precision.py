"""Where a computation has to stay in float32 though training runs under autocast."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def outside_autocast(device_type: str) -> AbstractContextManager[object]:
    """No autocast inside. Where none is on, as in every sampler, nothing is entered: that would cost microseconds."""
    return torch.autocast(device_type, enabled=False) if torch.is_autocast_enabled(device_type) else nullcontext()
