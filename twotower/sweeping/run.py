"""Runs a plan lane by lane and yields points as they get complete. Knows no model: it is given what runs a lane."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from twotower.agreement import BASELINE, agreement, mean_ar_log_probability
from twotower.evaluation.scores import is_right
from twotower.metrics import Metrics
from twotower.sampling.settings import SamplingSettings
from twotower.sweeping.grid import Setting
from twotower.sweeping.plan import SweepPlan
from twotower.sweeping.points import Outcome, SweepPoint
from twotower.trace import Trace

RunLane = Callable[[Sequence[int], str, SamplingSettings], Trace]
Decode = Callable[[Sequence[int]], str]


@dataclass(frozen=True)
class Progress:
    """`done` of `total` runs have ended; `seconds` have passed since the sweep began."""

    done: int
    total: int
    seconds: float

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far; None before the first run has ended."""
        return self.seconds / self.done * (self.total - self.done) if self.done else None


def sweep(
    plan: SweepPlan,
    run_lane: RunLane,
    decode: Decode,
    should_stop: Callable[[], bool] = lambda: False,
    now: Callable[[], float] = time.monotonic,
) -> Iterator[Progress | SweepPoint]:
    """Run every lane of the plan; yield a Progress after each, and a point once it ran on every prompt.

    A point is yielded again in every repeat, and once more when a baseline that closes a repeat has given it a
    speed-up: the latest replaces the ones before. `run_lane` runs one lane, warm, to its end; a trace that was
    cancelled ends the sweep and is left out, and so does a True of `should_stop`, which is asked before every run.
    """
    tally = Tally(plan, decode)
    began, done = now(), 0
    for repeat in range(plan.grid.repeats):
        for setting, numbers in plan.order(repeat):
            lane = BASELINE if setting is None else setting.lane
            settings = plan.settings if setting is None else setting.of(plan.settings)
            for number in numbers:
                if should_stop():
                    return
                trace = run_lane(plan.prompts[number].ids, lane, settings)
                if trace.finished.reason == "cancelled":
                    return
                tally.add(setting, number, repeat, trace)
                done += 1
                yield Progress(done, plan.runs, now() - began)
            yield from tally.points(setting)


class Tally:
    """The outcomes so far, and what they come to."""

    def __init__(self, plan: SweepPlan, decode: Decode) -> None:
        self._plan = plan
        self._decode = decode
        self._outcomes: dict[Setting | None, list[Outcome]] = {}
        self._baseline: dict[int, Trace] = {}

    def add(self, setting: Setting | None, number: int, repeat: int, trace: Trace) -> None:
        """Judge a run, beside the baseline's on the same prompt in the first repeat. The baseline's come first."""
        if setting is None:
            self._baseline.setdefault(number, trace)
        outcome = Outcome(
            number,
            repeat,
            Metrics.of(trace),
            agreement(trace, self._baseline[number]),
            mean_ar_log_probability(trace),
            self._right(trace, self._plan.prompts[number].answer),
        )
        self._outcomes.setdefault(setting, []).append(outcome)

    def points(self, setting: Setting | None) -> Iterator[SweepPoint]:
        """The point of this setting; after a baseline, every point there is."""
        baseline = self._outcomes[None]
        for each in [setting] if setting is not None else list(self._outcomes):
            yield SweepPoint.of(each, self._outcomes[each], baseline)

    def _right(self, trace: Trace, answer: str | None) -> bool | None:
        """Whether the text is the answer and the lane ended it, as `evaluate` counts it."""
        if answer is None:
            return None
        return trace.finished.reason == "end-token" and is_right(self._decode(trace.token_ids), answer)
