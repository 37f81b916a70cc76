"""A recording to a table of its passes as CSV. Pure; every second comes from the events. Knows no page and no model."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace

from twotower.metrics import Pass, pass_kind, took_no_pass
from twotower.recording import Recording
from twotower.sampling.events import BlockOpened, Prefilled
from twotower.trace import Trace
from twotower.views.growth import growth

PREFILL = "prefill"
COLUMNS = (
    "lane",
    "pass",
    "kind",
    "block",
    "step",
    "start_s",
    "end_s",
    "seconds",
    "tokens_committed",
    "tokens_so_far",
)


@dataclass(frozen=True)
class PassRow:
    """One model pass. `start` to `end` is on the measured clock, `seconds` is what the pass alone took of it.

    A pass starts where the one before it ended, so that the rows of a lane leave no second out: what `seconds` lacks is
    the sampler's own work. The prefill is pass 0. Tokens are those of the text that counts, in the row of the pass that
    made them final; one that took no pass of its own stands in the row before: what autoregression reads off a prefill
    or a context pass, and what was pinned.
    """

    number: int
    kind: str
    block: int | None
    step: int | None
    start: float
    end: float
    seconds: float
    tokens: int


def timings_csv(recording: Recording) -> str:
    """One row a pass, lane after lane, under a row of names (RFC 4180). Blocks and steps count from 0."""
    page = io.StringIO()
    writer = csv.writer(page)
    writer.writerow(COLUMNS)
    for record in recording.lanes:
        so_far = 0
        for row in pass_rows(record.trace):
            so_far += row.tokens
            place = ["" if value is None else value for value in (row.block, row.step)]
            times = [f"{seconds:.7f}" for seconds in (row.start, row.end, row.seconds)]
            writer.writerow([record.trace.started.lane, row.number, row.kind, *place, *times, row.tokens, so_far])
    return page.getvalue()


def pass_rows(trace: Trace) -> list[PassRow]:
    """Every pass of a run in the order they ran."""
    rows: list[PassRow] = []
    for event, tokens in zip(trace.events, growth(trace)):
        if rows and (isinstance(event, BlockOpened) or took_no_pass(event)):
            rows[-1] = replace(rows[-1], tokens=rows[-1].tokens + tokens)
        elif isinstance(event, Prefilled | Pass):
            kind = PREFILL if isinstance(event, Prefilled) else pass_kind(event, trace.started.lane)
            block, step = getattr(event, "block", None), getattr(event, "step", None)
            number = 0 if kind == PREFILL else rows[-1].number + 1 if rows else 1
            start = rows[-1].end if rows else 0.0
            rows.append(PassRow(number, kind, block, step, start, event.time, event.seconds, tokens))
    return rows
