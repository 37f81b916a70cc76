"""TwoTower: a sampler and visualizer for two-tower diffusion language models (arXiv 2606.26493)."""

from __future__ import annotations

from pathlib import Path

from twotower.errors import CheckpointError, InputError, NumericalError
from twotower.model.configuration import TwoTowerConfig
from twotower.model.twotower import TwoTower

DEFAULT_MODEL = Path(__file__).resolve().parent.parent / "assets" / "models" / "twotower-tiny"

__all__ = ["DEFAULT_MODEL", "CheckpointError", "InputError", "NumericalError", "TwoTower", "TwoTowerConfig"]
