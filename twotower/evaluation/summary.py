"""Outcomes summed up: a row for each subject and arm. Pure; knows no model, no table and no command line."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from twotower.evaluation.arms import BASELINE
from twotower.evaluation.evaluate import Outcome
from twotower.metrics import DENOISER_PASS

ALL_TASKS = "all tasks"


@dataclass(frozen=True)
class Row:
    """One arm on one subject, or on all tasks together.

    `speed_up` is tokens per second over the baseline's on the same prompts, all prompts together; its quartiles are of
    the prompts one by one. `kept` is accuracy over the baseline's. `same_as_ar` is the share of prompts on which the
    token ids are the baseline's, all of them. Passes, tokens and rounds are counted over all prompts together, passes
    of every kind; `accepted_per_round` is None where nothing was verified. Other means are over prompts.
    """

    subject: str
    arm: str
    prompts: int
    tokens_per_second: float
    speed_up: float | None
    speed_up_quartiles: tuple[float, float] | None
    tokens_per_pass: float | None
    tokens_per_denoiser_pass: float | None
    passes_per_token: float | None
    accepted_per_round: float | None
    same_as_ar: float | None
    accuracy: float | None
    kept: float | None
    log_likelihood: float | None
    distinct_3: float | None
    stutter: float | None


def summarise(outcomes: Sequence[Outcome], baseline: str = BASELINE) -> list[Row]:
    """A row for each subject and arm, in the order they came; and one for each arm over all tasks."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.subject, outcome.arm), []).append(outcome)
        if outcome.right is not None:
            groups.setdefault((ALL_TASKS, outcome.arm), []).append(outcome)
    return [_row(subject, arm, group, groups.get((subject, baseline), [])) for (subject, arm), group in groups.items()]


def _row(subject: str, arm: str, group: Sequence[Outcome], base: Sequence[Outcome]) -> Row:
    tokens = sum(outcome.metrics.tokens for outcome in group)
    passes = sum(outcome.metrics.all_passes for outcome in group)
    denoiser = sum(outcome.metrics.passes.get(DENOISER_PASS, 0) for outcome in group)
    rounds = sum(outcome.metrics.rounds for outcome in group)
    accuracy = _mean([outcome.right for outcome in group])
    base_accuracy = _mean([outcome.right for outcome in base])
    return Row(
        subject=subject,
        arm=arm,
        prompts=len(group),
        tokens_per_second=_speed(group),
        speed_up=_speed(group) / _speed(base) if base else None,
        speed_up_quartiles=_quartiles(group, base),
        tokens_per_pass=tokens / passes if passes else None,
        tokens_per_denoiser_pass=tokens / denoiser if denoiser else None,
        passes_per_token=passes / tokens if tokens else None,
        accepted_per_round=sum(outcome.metrics.accepted for outcome in group) / rounds if rounds else None,
        same_as_ar=_same(group, base),
        accuracy=accuracy,
        kept=accuracy / base_accuracy if accuracy is not None and base_accuracy else None,
        log_likelihood=_mean([outcome.log_likelihood for outcome in group]),
        distinct_3=_mean([outcome.distinct_3 for outcome in group]),
        stutter=_mean([outcome.stutter for outcome in group]),
    )


def _speed(group: Sequence[Outcome]) -> float:
    seconds = sum(outcome.metrics.decode_seconds for outcome in group)
    return sum(outcome.metrics.tokens for outcome in group) / seconds


def _quartiles(group: Sequence[Outcome], base: Sequence[Outcome]) -> tuple[float, float] | None:
    """Of the speed-ups prompt by prompt; None for a single prompt."""
    speeds = {outcome.prompt: outcome.metrics.tokens_per_second for outcome in base}
    pairs = [(outcome.metrics.tokens_per_second, speeds.get(outcome.prompt)) for outcome in group]
    ratios = [mine / theirs for mine, theirs in pairs if mine and theirs]
    if len(ratios) < 2:
        return None
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return low, high


def _same(group: Sequence[Outcome], base: Sequence[Outcome]) -> float | None:
    """The share of prompts both ran on with the same token ids, from the first to the last."""
    texts = {outcome.prompt: outcome.token_ids for outcome in base}
    return _mean([outcome.token_ids == texts[outcome.prompt] for outcome in group if outcome.prompt in texts])


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None
