"""What the settings of a sweep are called, and what they look like in a chart. Pure; knows no figures and no page."""

from __future__ import annotations

from dataclasses import dataclass

from twotower.sweeping.grid import Setting, SweepGrid
from twotower.views.lanes import look_of


@dataclass(frozen=True)
class RuleLook:
    """An unmasking rule: its label, its colour (Okabe and Ito's), and how a sentence tells it with its bound."""

    label: str
    colour: str
    told: str


RULE_LOOKS = {
    "threshold": RuleLook("threshold", "#D55E00", "threshold {:g}"),
    "fixed": RuleLook("fixed", "#E69F00", "fixed"),
    "factor": RuleLook("factor", "#56B4E9", "factor {:g}"),
    "entropy": RuleLook("entropy", "#009E73", "entropy bound {:g}"),
    "stability": RuleLook("stability", "#F0E442", "stability and threshold {:g}"),
}
VERIFY = "draft and verify"


def told(setting: Setting) -> str:
    """The whole setting, for a sentence: threshold 0.8, 16 steps, block 16."""
    if setting.unmasking is None:
        return f"{VERIFY}, block {setting.block_size}"
    rule = RULE_LOOKS[setting.unmasking].told.format(setting.bound)
    return f"{rule}, {_steps(setting.steps_per_block)}, block {setting.block_size}"


def curve(setting: Setting, grid: SweepGrid) -> str:
    """What it shares with the settings that a line joins it with, as far as the grid has others: threshold, 16 steps.

    Its rule, steps and block size, but for its knob.
    """
    if setting.unmasking is None:
        return VERIFY
    name = RULE_LOOKS[setting.unmasking].label
    if setting.bound is not None and len(grid.steps_per_block) > 1:
        name += f", {_steps(setting.steps_per_block)}"
    return f"{name}, block {setting.block_size}" if len(grid.block_sizes) > 1 else name


def knob(setting: Setting) -> float:
    """What varies along its curve: its bound; the steps of fixed, which has none; the blocks of draft and verify."""
    if setting.bound is not None:
        return setting.bound
    return setting.block_size if setting.steps_per_block is None else setting.steps_per_block


def beside(setting: Setting) -> str:
    """The same, as it is written beside a marker."""
    if setting.bound is not None:
        return f"{setting.bound:g}"
    return f"block {setting.block_size}" if setting.steps_per_block is None else _steps(setting.steps_per_block)


def colour(setting: Setting) -> str:
    """Its rule's, or its lane's."""
    return look_of(setting.lane).colour if setting.unmasking is None else RULE_LOOKS[setting.unmasking].colour


def _steps(steps: int | None) -> str:
    return f"{steps} step{'' if steps == 1 else 's'}"
