"""Runs arms over tasks, stories and single prompts. Knows no sums, no table and no command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from twotower.evaluation.arms import Arm
from twotower.evaluation.scores import distinct, is_right, mean_log_likelihood, stutter
from twotower.metrics import Metrics
from twotower.model.twotower import TwoTower
from twotower.race import collector_at_rest, warm_up
from twotower.text import decode, encode_prompt
from twotower.trace import Trace
from twotower.training.tasks import Instance

STORIES = "stories"


@dataclass(frozen=True)
class Outcome:
    """One arm on one prompt. `right` is None where there is no right answer (stories)."""

    subject: str  # task name, or "stories"
    number: int  # which prompt: the same number is the same prompt for every arm
    arm: str
    metrics: Metrics
    token_ids: tuple[int, ...] = ()  # of the text
    right: bool | None = None
    log_likelihood: float | None = None
    distinct_3: float | None = None
    stutter: float | None = None

    @property
    def prompt(self) -> tuple[str, int]:
        """What tells the prompts of all subjects apart."""
        return self.subject, self.number


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
                yield Outcome(task, number, arm.name, Metrics.of(trace), trace.token_ids, right=right)


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
                ids,
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
                trace = _timed(model, arm, prompt)
                yield Outcome(text, repeat, arm.name, Metrics.of(trace), trace.token_ids)


def warm(model: TwoTower, arms: Sequence[Arm]) -> None:
    """Run every shape of every arm once."""
    for arm in arms:
        warm_up(model, arm.settings, (), [arm.lane])


def _timed(model: TwoTower, arm: Arm, prompt: Sequence[int]) -> Trace:
    with collector_at_rest():
        return Trace.record(arm.run(model, prompt))
