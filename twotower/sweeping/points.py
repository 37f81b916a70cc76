"""Outcomes of single runs, and the point of the chart they come to. Pure; knows no model and no page."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from twotower.metrics import Metrics
from twotower.race import Spread
from twotower.sweeping.grid import Setting

Quality = Literal["agreement", "log_probability", "accuracy"]
QUALITIES: tuple[Quality, ...] = get_args(Quality)


@dataclass(frozen=True)
class Outcome:
    """One lane on one prompt in one repeat.

    `agreement` and `log_probability` are those of `twotower/agreement.py`: positions at which the text has the token of
    the autoregressive lane's text, and the mean AR log-probability of the text, in nats a token. `right` is None where
    the prompt has no one right answer.
    """

    prompt: int
    repeat: int
    metrics: Metrics
    agreement: float | None
    log_probability: float | None = None
    right: bool | None = None


@dataclass(frozen=True)
class SweepPoint:
    """What a setting came to; `setting` None is the autoregressive baseline.

    Speeds are medians over prompts and repeats, with the least and the greatest. `speed_up` is tokens per second over
    the baseline's on the same prompt in the same repeat; None before there is one. `tokens_per_pass` is of all runs
    together, passes of every kind counted, and so is `accepted_per_round`, None where nothing was verified. The three
    qualities are means over the runs that have a value; `judged` and `answered` say how many those are for the last
    two.
    """

    setting: Setting | None
    prompts: int
    runs: int
    speed_up: Spread | None
    tokens_per_second: Spread | None
    tokens_per_pass: float | None
    accepted_per_round: float | None
    agreement: float | None
    log_probability: float | None
    judged: int
    accuracy: float | None
    answered: int

    @classmethod
    def of(cls, setting: Setting | None, outcomes: Sequence[Outcome], baseline: Sequence[Outcome]) -> SweepPoint:
        """Sum up one outcome or more of this setting; `baseline` holds the autoregressive lane's."""
        base = {(each.prompt, each.repeat): each.metrics.tokens_per_second for each in baseline}
        speeds = [(each.metrics.tokens_per_second, base.get((each.prompt, each.repeat))) for each in outcomes]
        passes = sum(each.metrics.all_passes for each in outcomes)
        rounds = sum(each.metrics.rounds for each in outcomes)
        judged = [each.log_probability for each in outcomes if each.log_probability is not None]
        answered = [each.right for each in outcomes if each.right is not None]
        return cls(
            setting=setting,
            prompts=len({each.prompt for each in outcomes}),
            runs=len(outcomes),
            speed_up=_spread([mine / theirs for mine, theirs in speeds if mine and theirs]),
            tokens_per_second=_spread([mine for mine, _ in speeds if mine]),
            tokens_per_pass=sum(each.metrics.tokens for each in outcomes) / passes if passes else None,
            accepted_per_round=sum(each.metrics.accepted for each in outcomes) / rounds if rounds else None,
            agreement=_mean([each.agreement for each in outcomes if each.agreement is not None]),
            log_probability=_mean(judged),
            judged=len(judged),
            accuracy=_mean(answered),
            answered=len(answered),
        )

    def quality(self, name: Quality) -> float | None:
        """One of the three measures."""
        values: dict[Quality, float | None] = {
            "agreement": self.agreement,
            "log_probability": self.log_probability,
            "accuracy": self.accuracy,
        }
        return values[name]


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def _spread(values: Sequence[float]) -> Spread | None:
    return Spread.of(values) if values else None
