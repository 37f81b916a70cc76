"""Runs arms over tasks, stories and single prompts, and sums up. Knows no table and no command line."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from twotower.evaluation.arms import BASELINE, Arm
from twotower.evaluation.scores import distinct, is_right, mean_log_likelihood, stutter
from twotower.metrics import DENOISER_PASS, Metrics
from twotower.model.twotower import TwoTower
from twotower.race import collector_at_rest, warm_up
from twotower.text import decode, encode_prompt
from twotower.trace import Trace
from twotower.training.tasks import Instance

ALL_TASKS, STORIES = "all tasks", "stories"


@dataclass(frozen=True)
class Outcome:
    """One arm on one prompt. `right` is None where there is no right answer (stories)."""

    subject: str  # task name, or "stories"
    number: int  # which prompt: the same number is the same prompt for every arm
    arm: str
    metrics: Metrics
    right: bool | None = None
    log_likelihood: float | None = None
    distinct_3: float | None = None
    stutter: float | None = None


@dataclass(frozen=True)
class Row:
    """One arm on one subject, or on all tasks together.

    `speed_up` is tokens per second over the baseline's on the same prompts, all prompts together; its quartiles are of
    the prompts one by one. `kept` is accuracy over the baseline's. Other means are over prompts.
    """

    subject: str
    arm: str
    prompts: int
    tokens_per_second: float
    speed_up: float | None
    speed_up_quartiles: tuple[float, float] | None
    tokens_per_pass: float | None
    tokens_per_denoiser_pass: float | None
    accuracy: float | None
    kept: float | None
    log_likelihood: float | None
    distinct_3: float | None
    stutter: float | None


def answer_tasks(model: TwoTower, arms: Sequence[Arm], tasks: dict[str, list[Instance]]) -> Iterator[Outcome]:
    """Every arm on every instance, arms taking turns on each so that a slow minute meets them all."""
    for task, asked in tasks.items():
        for number, instance in enumerate(asked):
            prompt = encode_prompt(model, instance.prompt)
            for arm in arms:
                trace = _timed(model, arm, prompt)
                text = decode(model.tokenizer, trace.token_ids)
                finished = trace.finished.reason == "end-token"
                right = finished and is_right(text, instance.answer)
                yield Outcome(task, number, arm.name, Metrics.of(trace), right=right)


def tell_stories(model: TwoTower, arms: Sequence[Arm], prompts: Sequence[str]) -> Iterator[Outcome]:
    """Every arm on every beginning; the texts are judged by the context tower and by how they repeat themselves."""
    for number, beginning in enumerate(prompts):
        prompt = encode_prompt(model, beginning)
        for arm in arms:
            trace = _timed(model, arm, prompt)
            ids = trace.token_ids
            yield Outcome(
                STORIES,
                number,
                arm.name,
                Metrics.of(trace),
                log_likelihood=mean_log_likelihood(model, prompt, ids),
                distinct_3=distinct(ids, 3),
                stutter=stutter(ids),
            )


def continue_prompts(model: TwoTower, arms: Sequence[Arm], prompts: Sequence[str], repeats: int) -> Iterator[Outcome]:
    """Every arm on every prompt several times, each prompt a subject of its own."""
    for repeat in range(repeats):
        for text in prompts:
            prompt = encode_prompt(model, text)
            for arm in arms if repeat % 2 == 0 else reversed(arms):
                yield Outcome(text, repeat, arm.name, Metrics.of(_timed(model, arm, prompt)))


def warm(model: TwoTower, arms: Sequence[Arm]) -> None:
    """Run every shape of every arm once."""
    for arm in arms:
        warm_up(model, arm.settings, (), [arm.lane])


def _timed(model: TwoTower, arm: Arm, prompt: Sequence[int]) -> Trace:
    with collector_at_rest():
        return Trace.record(arm.run(model, prompt))


def summarise(outcomes: Sequence[Outcome], baseline: str = BASELINE) -> list[Row]:
    """A row for each subject and arm, in the order they came; and one for each arm over all tasks."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.subject, outcome.arm), []).append(outcome)
        if outcome.right is not None:
            groups.setdefault((ALL_TASKS, outcome.arm), []).append(outcome)
    return [_row(subject, arm, group, groups.get((subject, baseline))) for (subject, arm), group in groups.items()]


def _row(subject: str, arm: str, group: Sequence[Outcome], base: Sequence[Outcome] | None) -> Row:
    tokens = sum(outcome.metrics.tokens for outcome in group)
    passes = sum(outcome.metrics.all_passes for outcome in group)
    denoiser = sum(outcome.metrics.passes.get(DENOISER_PASS, 0) for outcome in group)
    accuracy = _mean([outcome.right for outcome in group])
    base_accuracy = _mean([outcome.right for outcome in base]) if base else None
    return Row(
        subject=subject,
        arm=arm,
        prompts=len(group),
        tokens_per_second=_speed(group),
        speed_up=_speed(group) / _speed(base) if base else None,
        speed_up_quartiles=_quartiles(group, base) if base else None,
        tokens_per_pass=tokens / passes if passes else None,
        tokens_per_denoiser_pass=tokens / denoiser if denoiser else None,
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
    speeds = {(outcome.subject, outcome.number): outcome.metrics.tokens_per_second for outcome in base}
    pairs = [(outcome.metrics.tokens_per_second, speeds.get((outcome.subject, outcome.number))) for outcome in group]
    ratios = [mine / theirs for mine, theirs in pairs if mine and theirs]
    if len(ratios) < 2:
        return None
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return low, high


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None
