"""The shape of the 30B-A3B checkpoint, as it comes with the project."""

from __future__ import annotations

from pathlib import Path

from twotower.model.configuration import TwoTowerConfig

SHAPE = Path(__file__).resolve().parents[1] / "assets" / "shapes" / "nemotron-labs-twotower-30b-a3b.json"
RELEASED = TwoTowerConfig.from_json(SHAPE.read_text(encoding="utf-8"))
