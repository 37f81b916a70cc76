"""The table of passes, against a run whose every second is known."""

from __future__ import annotations

import csv
import io
from itertools import pairwise

import handmade_recording
import pytest
from handmade_runs import pinned_run, verify_run

from twotower.metrics import Metrics
from twotower.sampling.generate import LANES
from twotower.trace import Trace
from twotower.views.timings import COLUMNS, pass_rows, timings_csv

EXPECTED = """\
diffusion,0,prefill,,,0.0000000,0.0100000,0.0090000,0,0
diffusion,1,denoiser pass,0,0,0.0100000,0.0300000,0.0180000,1,1
diffusion,2,denoiser pass,0,1,0.0300000,0.0500000,0.0180000,1,2
diffusion,3,context pass,0,,0.0500000,0.0600000,0.0090000,0,2
diffusion,4,denoiser pass,1,0,0.0600000,0.0800000,0.0180000,2,4
autoregressive,0,prefill,,,0.0000000,0.0100000,0.0090000,1,1
autoregressive,1,AR step,,,0.0100000,0.0310000,0.0190000,1,2
autoregressive,2,AR step,,,0.0310000,0.0510000,0.0190000,1,3
autoregressive,3,AR step,,,0.0510000,0.0710000,0.0190000,1,4
"""


def test_every_pass_has_its_row() -> None:
    head, rest = timings_csv(handmade_recording.recording()).split("\r\n", 1)
    assert tuple(head.split(",")) == COLUMNS
    assert rest.replace("\r\n", "\n") == EXPECTED


def test_rounds_by_hand() -> None:
    # The prefill's row has autoregression's first token; a draft is no token of the text.
    assert [(row.kind, row.block, row.step, row.tokens) for row in pass_rows(verify_run())] == [
        ("prefill", None, None, 1),
        ("denoiser pass", 0, 0, 0),
        ("denoiser pass", 0, 1, 0),
        ("verify pass", 0, None, 2),
        ("denoiser pass", 1, 0, 0),
        ("verify pass", 1, None, 4),
        ("denoiser pass", 2, 0, 0),
        ("verify pass", 2, None, 2),
    ]


def test_pins_and_anchors_stand_in_the_row_before() -> None:
    assert [(row.kind, row.tokens) for row in pass_rows(pinned_run())] == [
        ("prefill", 2),
        ("denoiser pass", 2),
        ("context pass", 2),
        ("denoiser pass", 1),
    ]


def test_a_spreadsheet_reads_the_columns() -> None:
    rows = list(csv.DictReader(io.StringIO(timings_csv(handmade_recording.recording()))))
    assert {row["lane"] for row in rows} == {"diffusion", "autoregressive"}
    assert [row["tokens_so_far"] for row in rows if row["lane"] == "diffusion"] == ["0", "1", "2", "2", "4"]


@pytest.mark.parametrize("lane", LANES)
def test_rows_add_up_to_the_numbers(traces: dict[str, Trace], lane: str) -> None:
    rows, metrics = pass_rows(traces[lane]), Metrics.of(traces[lane])
    assert [row.number for row in rows] == list(range(metrics.all_passes + 1))
    assert sum(row.tokens for row in rows) == metrics.tokens
    assert rows[0].seconds == metrics.prefill_seconds
    for kind, seconds in metrics.pass_seconds.items():
        assert tuple(row.seconds for row in rows if row.kind == kind) == seconds
    assert all(mine.end == other.start for mine, other in pairwise(rows))
    assert rows[0].start == 0.0
    assert all(row.seconds <= row.end - row.start + 1e-9 for row in rows)
