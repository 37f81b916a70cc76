"""Kendall's tau against numbers worked out by hand, ties included, and what counts as text."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from handmade import started
from handmade_runs import diffusion_run, many_blocks, one_by_one, pinned_run, slot, verify_run
from hypothesis import given
from hypothesis import strategies as st

from twotower.order import BlockOrder, block_orders, kendall_tau_b, mean_tau, text_commits
from twotower.sampling.events import BlockOpened, Denoised, Finished
from twotower.trace import Trace


@pytest.mark.parametrize(
    ("steps", "tau"),
    [
        ([0, 1, 2, 3], 1),
        ([3, 2, 1], -1),
        ([1, 0, 2], 1 / 3),  # one of three pairs stands the wrong way round
        ([0, 0, 1], 2 / math.sqrt(2 * 3)),  # left to right, yet a tie keeps it under 1
        ([0, 1, 0, 2], 3 / math.sqrt(5 * 6)),  # four pairs for, one against, one tied
        ([0, 1, 0, 1], 2 / math.sqrt(4 * 6)),  # three for, one against, two tied
        ([1, 0, 0, 1], 0),
    ],
)
def test_tau_by_hand(steps: list[int], tau: float) -> None:
    assert kendall_tau_b(steps) == pytest.approx(tau)


@pytest.mark.parametrize("steps", [[], [5], [2, 2, 2]])
def test_what_has_no_order_has_no_tau(steps: list[int]) -> None:
    assert kendall_tau_b(steps) is None


@given(st.lists(st.integers(0, 4), min_size=2, max_size=16).filter(lambda steps: len(set(steps)) > 1))
def test_tau_is_kendalls_formula(steps: list[int]) -> None:
    places = range(len(steps))
    pairs = len(steps) * (len(steps) - 1) / 2
    tied = sum(times * (times - 1) / 2 for times in Counter(steps).values())
    concordant = sum(steps[i] < steps[j] for i in places for j in places if i < j)
    discordant = sum(steps[i] > steps[j] for i in places for j in places if i < j)
    assert kendall_tau_b(steps) == pytest.approx((concordant - discordant) / math.sqrt((pairs - tied) * pairs))


def test_blocks_by_hand() -> None:
    # The slot after the end token would have made the second one's tau -0.18.
    assert block_orders(diffusion_run()) == (
        BlockOrder(0, 0, 4, 3, pytest.approx(3 / math.sqrt(30))),
        BlockOrder(1, 4, 3, 4, pytest.approx(1 / 3)),
    )


def test_the_mean_is_over_blocks_that_have_an_order() -> None:
    assert mean_tau(block_orders(diffusion_run())) == pytest.approx((3 / math.sqrt(30) + 1 / 3) / 2)
    orders = [BlockOrder(0, 0, 4, 1, None), BlockOrder(1, 4, 4, 4, 0.5)]
    assert mean_tau(orders) == 0.5
    assert mean_tau(orders[:1]) is None
    assert mean_tau([]) is None


def test_rejected_drafts_are_no_commits() -> None:
    assert [(event.block, proposal.position, proposal.id) for event, proposal in text_commits(verify_run())] == [
        (0, 1, 11), (1, 3, 33), (1, 4, 14), (1, 5, 15), (2, 7, 17), (2, 8, 2)
    ]  # fmt: skip
    assert [(order.offset, order.tokens, order.passes) for order in block_orders(verify_run())] == [
        (0, 1, 2), (2, 3, 1), (6, 2, 1)
    ]  # fmt: skip
    unverified = Trace((*verify_run().events[:6], Finished(0.75, "cancelled", 1)))
    assert text_commits(unverified) == []


def test_what_no_step_committed_has_no_order() -> None:
    assert [(proposal.position, proposal.id) for _, proposal in text_commits(pinned_run())] == [
        (1, 11),
        (3, 13),
        (6, 2),
    ]


def test_many_blocks_each_have_their_own() -> None:
    orders = block_orders(many_blocks(64))
    assert [(order.block, order.offset) for order in orders] == [(block, 2 * block) for block in range(64)]
    assert {(order.tokens, order.passes, order.tau) for order in orders} == {(2, 2, 1.0)}


def test_a_block_committed_at_once_has_no_order() -> None:
    at_once = Denoised(0.1, 0, 0, 1.0, (slot(0, 9, 0.9), slot(1, 9, 0.9)), 0.1)
    trace = Trace((started("diffusion"), BlockOpened(0.0, 0, 0, 2), at_once, Finished(0.1, "length", 2)))
    assert block_orders(trace) == (BlockOrder(0, 0, 2, 1, None),)


def test_a_stopped_run_counts_what_can_be_read() -> None:
    stopped = Trace((*diffusion_run().events[:4], Finished(0.65, "cancelled", 1)))  # slot 1 is still masked
    assert block_orders(stopped) == (BlockOrder(0, 0, 1, 1, None),)


def test_a_block_stopped_before_its_first_pass_is_empty() -> None:
    stopped = Trace((*diffusion_run().events[:3], Finished(0.5, "cancelled", 0)))
    assert block_orders(stopped) == (BlockOrder(0, 0, 0, 0, None),)


def test_a_lane_without_blocks_has_none() -> None:
    assert block_orders(one_by_one()) == ()


def test_commits_come_in_the_order_of_passes_and_end_with_the_text() -> None:
    commits = text_commits(diffusion_run())
    assert [(event.step, proposal.position) for event, proposal in commits] == [
        (0, 0), (0, 2), (1, 1), (2, 3), (0, 5), (1, 4), (3, 6)
    ]  # fmt: skip
