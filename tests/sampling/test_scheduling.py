"""Which pass of a batch runs next: worked out by hand, and nobody waits for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from twotower.sampling.passes import (
    ARStep,
    ContextPass,
    DenoiserPass,
    Prefill,
    ReadPrompt,
    TakeOver,
    VerifyPass,
    kind_of,
)
from twotower.sampling.scheduling import Waiting, next_rows

DENOISE, SHORTER, READ = DenoiserPass((3, 3), 1.0), DenoiserPass((3,), 1.0), ContextPass((5, 6))
REQUESTS = st.sampled_from([DENOISE, SHORTER, READ, VerifyPass((5,)), TakeOver(1), Prefill((5,), 4), ARStep(5)])


def waiting(*asked: object) -> dict[int, Waiting]:
    """Rows 10, 11, ... that ask, all of them since the last pass."""
    return {10 + row: Waiting(each) for row, each in enumerate(asked)}  # type: ignore[arg-type]


def test_the_kind_that_most_rows_ask_for_runs_for_all_of_them() -> None:
    assert next_rows(waiting(READ, DENOISE, DENOISE), 1) == [11, 12]
    assert next_rows(waiting(READ, DENOISE, READ), 1) == [10, 12]


def test_blocks_of_different_sizes_do_not_share_a_denoiser_pass() -> None:
    assert next_rows(waiting(DENOISE, SHORTER, SHORTER), 1) == [11, 12]


def test_of_two_kinds_that_as_many_ask_for_the_one_that_waits_longest_runs() -> None:
    rows = waiting(DENOISE, READ)
    rows[11].turns = 1
    assert next_rows(rows, 1) == [11]


def test_a_draft_is_taken_over_at_once_and_a_prompt_is_let_in_alone() -> None:
    assert next_rows(waiting(DENOISE, DENOISE, TakeOver(2), Prefill((5,), 4), TakeOver(1)), 1) == [12, 14]
    assert next_rows(waiting(DENOISE, DENOISE, ReadPrompt((), 4), ReadPrompt((5,), 4)), 1) == [12]


def test_a_prompt_waits_for_a_seat() -> None:
    assert next_rows(waiting(READ, Prefill((5,), 4)), 0) == [10]
    assert next_rows(waiting(READ, Prefill((5,), 4), Prefill((5,), 4), Prefill((5,), 4)), 0) == [10]


@given(st.lists(REQUESTS, min_size=1, max_size=8))
def test_rows_of_one_kind_run_together(asked: list) -> None:
    rows = waiting(*asked)
    chosen = next_rows(rows, 1)
    assert chosen
    assert len({kind_of(rows[row].asked) for row in chosen}) == 1


def test_a_row_that_few_agree_with_does_not_wait_for_ever() -> None:
    rows = waiting(READ, DENOISE, DENOISE, DENOISE)
    for _ in range(20):
        chosen = next_rows(rows, 1)
        if 10 in chosen:
            return
        for row, each in rows.items():
            each.turns = 0 if row in chosen else each.turns + 1
    raise AssertionError("the row was never chosen")
