"""What is to run where, and in what: found out from a configuration before a weight is read. Knows no files."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from twotower.model.capturing import why_plain
from twotower.model.configuration import TwoTowerConfig
from twotower.model.device import find_device, find_dtype
from twotower.model.engine import find_engine

ALONE = "none"  # the denoiser tower's device where the context tower is to be alone

Device = str | torch.device | None


@dataclass(frozen=True)
class Wanted:
    """What a person asks for. None leaves it to the machine and to the checkpoint."""

    device: Device = None  # of both towers
    context_device: Device = None  # of the one tower, whatever `device` says
    denoiser_device: Device = None  # likewise; ALONE loads no denoiser
    dtype: str | torch.dtype | None = None
    engine: str | None = None
    bits: int | None = None  # weight-only quantisation: 8 or 4


@dataclass(frozen=True)
class Setup:
    """What it comes to on this machine."""

    config: TwoTowerConfig  # quantised, if that is wanted
    context_device: torch.device
    denoiser_device: torch.device | None  # None: the context tower alone
    dtype: torch.dtype
    engine: str

    @classmethod
    def find(cls, config: TwoTowerConfig, wanted: Wanted | None = None) -> Setup:
        """Raises InputError for a device, an engine or bits that are not to be had, CheckpointError for a dtype."""
        wanted = wanted if wanted is not None else Wanted()
        context = _device("context device", wanted.context_device, wanted.device)
        alone = wanted.denoiser_device == ALONE
        denoiser = None if alone else _device("denoiser device", wanted.denoiser_device, wanted.device or context)
        config = config.quantised(wanted.bits)
        dtype = find_dtype(wanted.dtype, context, config)
        engine = find_engine(wanted.engine, context, why_plain(config, dtype))
        return cls(config, context, denoiser, dtype, engine.name)

    @property
    def devices(self) -> tuple[torch.device, ...]:
        """Each device once, the context tower's first."""
        denoiser = self.denoiser_device
        return (self.context_device,) if denoiser in (None, self.context_device) else (self.context_device, denoiser)

    @property
    def where(self) -> str:
        """As in cuda:0 and cuda:1, or cuda:0, context tower alone."""
        return " and ".join(map(str, self.devices)) + (", context tower alone" if self.denoiser_device is None else "")


def _device(field: str, own: Device, of_both: Device) -> torch.device:
    return find_device(of_both) if own is None else find_device(own, field)
