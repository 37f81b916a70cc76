"""What stands on a visitor's stage after a run: the race as it can be kept, and its numbers. Knows no widgets."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

from twotower.agreement import BASELINE
from twotower.metrics import CHALLENGERS, Metrics, verdict
from twotower.race import Standing, standings
from twotower.recording import Recording
from twotower.sampling.events import VERIFYING
from twotower.trace import Trace
from twotower.ui import copy
from twotower.views.block_chart import passes_per_block
from twotower.views.break_even_chart import break_even
from twotower.views.canvas import Json
from twotower.views.charts import latency_race, time_per_pass
from twotower.views.commit_chart import commit_map
from twotower.views.numbers import numbers_table

DIFFUSION = "diffusion"


@dataclass(frozen=True)
class Shown:
    """A race that has run, or was read from a file. `standings` are over all repeats, the recording is of the first."""

    run: str
    recording: Recording
    standings: tuple[Standing, ...]
    stopped: bool = False
    broken: bool = False  # a lane ended in an error, and is not among them

    @classmethod
    def kept(cls, run: str, recording: Recording) -> Shown:
        """Of a recording: one run a lane."""
        traces = [record.trace for record in recording.lanes]
        return cls(run, recording, tuple(standings(traces)), _stopped(traces))

    @property
    def traces(self) -> tuple[Trace, ...]:
        """The run on the stage, a lane each."""
        return tuple(record.trace for record in self.recording.lanes)

    def trace(self, lane: str) -> Trace | None:
        """The lane's run on the stage."""
        return next((trace for trace in self.traces if trace.started.lane == lane), None)

    def middle(self, lane: str) -> Metrics | None:
        """The lane's run whose seconds are the median over the repeats."""
        return next((standing.middle for standing in self.standings if standing.lane == lane), None)


@dataclass(frozen=True)
class Results:
    """What stands under the stage; a chart is None where the run has nothing for it."""

    verdict: Json
    numbers: Json
    latency: go.Figure
    passes: go.Figure
    commits: go.Figure | None
    blocks: go.Figure | None
    break_even: go.Figure | None


def results_of(shown: Shown, pinned: Shown | None = None) -> Results:
    """Verdict, numbers and charts; the pinned run's lanes go into the latency race as well."""
    other = pinned if pinned is not None and pinned.run != shown.run else None
    diffusion, base = shown.middle(DIFFUSION), shown.middle(BASELINE)
    blocks = shown.trace(DIFFUSION) or shown.trace(VERIFYING)
    return Results(
        {"verdict": _verdict(shown)},
        numbers_table(shown.standings, shown.traces),
        latency_race(shown.traces, other.traces if other else ()),
        time_per_pass([standing.middle for standing in shown.standings]),
        commit_map(blocks) if blocks else None,
        passes_per_block(blocks) if blocks else None,
        break_even(diffusion, base) if diffusion and base else None,
    )


def _verdict(shown: Shown) -> str:
    if shown.broken:
        return copy.BROKEN
    base = shown.middle(BASELINE)
    challengers = [middle for lane in CHALLENGERS if (middle := shown.middle(lane)) is not None]
    if shown.stopped or base is None or not challengers:
        return copy.nothing_to_compare(shown.stopped)
    said = [verdict(challenger, base) for challenger in challengers]
    drafted, own = shown.trace(VERIFYING), shown.trace(BASELINE)
    if drafted is not None and own is not None:
        said.append(copy.verified_text(drafted.token_ids == own.token_ids))
    return " ".join(said)


def _stopped(traces: list[Trace]) -> bool:
    return any(trace.finished.reason == "cancelled" for trace in traces)
