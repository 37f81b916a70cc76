"""The model as the page knows it: its config at once, the model itself once it is loaded, the thread it runs on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from twotower.model.configuration import TwoTowerConfig
from twotower.model.setup import Setup
from twotower.ui.worker import Worker

if TYPE_CHECKING:
    from twotower import TwoTower


@dataclass(frozen=True)
class Engine:
    """`model()` waits until the weights are there, and raises what went wrong with them.

    `stands_in_for` names the model that was to run and cannot.
    """

    folder: Path
    setup: Setup
    worker: Worker
    model: Callable[[], TwoTower]
    stands_in_for: str | None = None

    @property
    def config(self) -> TwoTowerConfig:
        """The model's shape."""
        return self.setup.config

    @property
    def has_denoiser(self) -> bool:
        """Whether there is more than the context tower."""
        return self.setup.denoiser_device is not None
