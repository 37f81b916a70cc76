"""What the three qualities of a sweep are called, and a point in words. Pure; knows no figures and no page."""

from __future__ import annotations

from dataclasses import dataclass

from twotower.agreement import BASELINE
from twotower.race import Spread
from twotower.sweeping.points import Quality, SweepPoint
from twotower.views.chart_dress import NONE
from twotower.views.lanes import look_of
from twotower.views.sweep_settings import told


@dataclass(frozen=True)
class QualityLook:
    """What a measure is called, what its axis says, and what the chart says where no point has it."""

    label: str
    axis: str
    share: bool
    missing: str

    def show(self, value: float | None) -> str:
        """0.934 is 93 % as a share, 0.93 otherwise."""
        if value is None:
            return NONE
        return f"{100 * value:.0f} %" if self.share else f"{value:.2f}"

    def told(self, value: float | None) -> str:
        """The label with its value, for a sentence."""
        return f"{self.label} {self.show(value)}"


COMING = "A point appears here once it ran on every prompt."

QUALITY_LOOKS: dict[Quality, QualityLook] = {
    "agreement": QualityLook(
        "Agreement with AR",
        "tokens equal to AR's, position by position",
        True,
        "No text of a point had a token.",
    ),
    "log_probability": QualityLook(
        "AR log-probability",
        "mean AR log-probability (nats a token)",
        False,
        "AR judged no text of a point.",
    ),
    "accuracy": QualityLook(
        "Task accuracy", "tasks answered right", True, "No prompt has one right answer. Pick a kind of task."
    ),
}


def hover_text(point: SweepPoint, quality: Quality) -> str:
    """What a marker says when it is pointed at; lines are parted by `<br>`, which Plotly draws as new lines."""
    look = QUALITY_LOOKS[quality]
    tokens = NONE if point.tokens_per_pass is None else f"{point.tokens_per_pass:.2f}"
    lines = [
        look_of(BASELINE).label if point.setting is None else told(point.setting),
        look.told(point.quality(quality)),
        f"speed-up: {_shown(point.speed_up, 2)}×",
        f"tokens per second: {_shown(point.tokens_per_second, 0)}",
        f"tokens per pass: {tokens}",
        f"runs: {point.runs}" + _part(point, quality),
    ]
    if point.accepted_per_round is not None:
        lines.insert(-1, f"accepted per round: {point.accepted_per_round:.2f}")
    return "<br>".join(lines)


def _part(point: SweepPoint, quality: Quality) -> str:
    """Of how many runs the quality is, where that is not all of them."""
    counted = {"agreement": point.runs, "log_probability": point.judged, "accuracy": point.answered}[quality]
    return f", {counted} of them judged" if counted < point.runs else ""


def _shown(spread: Spread | None, digits: int) -> str:
    return NONE if spread is None else spread.said(digits)
