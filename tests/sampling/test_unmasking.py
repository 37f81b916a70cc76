"""Which proposals are committed: k most confident, k from threshold, minimum and steps left."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from twotower.sampling.unmasking import confidence_unmasking

CONFIDENCES = st.lists(st.floats(0, 1), min_size=1, max_size=64)


def test_everything_above_the_threshold_is_committed() -> None:
    assert confidence_unmasking([0.95, 0.2, 0.9], 0.8, 16) == ["threshold", None, "threshold"]


def test_the_best_is_committed_where_none_is_above() -> None:
    assert confidence_unmasking([0.1, 0.3, 0.2], 0.8, 16) == [None, "minimum", None]


def test_equal_to_the_threshold_is_not_above_it() -> None:
    assert confidence_unmasking([0.8, 0.7], 0.8, 16) == ["minimum", None]


def test_few_steps_left_force_more() -> None:
    assert confidence_unmasking([0.4, 0.3, 0.2, 0.1], 0.8, 2) == ["minimum", "minimum", None, None]


def test_the_last_step_commits_all() -> None:
    assert confidence_unmasking([0.9, 0.1], 0.8, 1) == ["threshold", "last-step"]


def test_of_equals_the_first_goes_first() -> None:
    assert confidence_unmasking([0.5, 0.5, 0.5], 0.8, 16) == ["minimum", None, None]


@given(CONFIDENCES, st.floats(0, 1), st.integers(1, 64))
def test_the_count_is_the_reference_formula(confidences: list[float], threshold: float, steps_left: int) -> None:
    rules = confidence_unmasking(confidences, threshold, steps_left)
    masked = len(confidences)
    above = sum(c > threshold for c in confidences)
    committed = [c for c, rule in zip(confidences, rules) if rule is not None]
    waiting = [c for c, rule in zip(confidences, rules) if rule is None]
    assert len(committed) == min(masked, max(above, 1, math.ceil(masked / steps_left)))
    assert not waiting or min(committed) >= max(waiting)


@given(CONFIDENCES, st.floats(0, 1), st.integers(1, 64))
def test_the_rule_says_why(confidences: list[float], threshold: float, steps_left: int) -> None:
    for confidence, rule in zip(confidences, confidence_unmasking(confidences, threshold, steps_left)):
        assert (rule == "threshold") == (confidence > threshold)
        assert rule != "last-step" or steps_left == 1


@given(st.integers(1, 64), st.integers(1, 64))
def test_a_block_is_done_in_its_steps(size: int, steps: int) -> None:
    masked = size
    for step in range(steps):
        if masked:
            masked -= sum(rule is not None for rule in confidence_unmasking([0.0] * masked, 1.0, steps - step))
    assert masked == 0
