"""The tour's sentences carry this model's numbers; its moments are events of the diffusion lane."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twotower.model.configuration import TwoTowerConfig
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace
from twotower.views.tour import tour


def steps(config: TwoTowerConfig, settings: SamplingSettings | None = None) -> Any:
    return tour(config, settings or SamplingSettings())["steps"]


def test_every_moment_happens_in_a_diffusion_run_in_this_order(
    tiny_config: TwoTowerConfig, traces: dict[str, Trace]
) -> None:
    names = [type(event).__name__ for event in traces["diffusion"].events]
    firsts = [names.index(step["moment"]) for step in steps(tiny_config)]
    assert len(firsts) == 5
    assert firsts == sorted(firsts)


def test_each_step_lights_a_part_of_its_own(tiny_config: TwoTowerConfig) -> None:
    assert [step["light"] for step in steps(tiny_config)] == ["prompt", "block", "slots", "context", "race"]


def test_numbers_follow_the_model_and_the_settings(tiny_config: TwoTowerConfig) -> None:
    changed = replace(tiny_config, trained_block_size=23)
    texts = [step["text"] for step in steps(changed, SamplingSettings(threshold=0.37, steps_per_block=11))]
    assert "23 masked slots" in texts[1]
    assert "above 0.37" in texts[2]
    assert "at most 11 passes" in texts[2]
    assert not any("16" in text or "0.8" in text for text in texts)
