"""Which proposals are committed: what each rule wants, worked out by hand, and the frame around every rule."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from twotower.sampling.events import Rule
from twotower.sampling.settings import UNMASKING, SamplingSettings
from twotower.sampling.unmasking import Proposed, Unmasking

CONFIDENCES = st.lists(st.floats(0, 1), min_size=1, max_size=64)


def proposed(rows: Sequence[Sequence[float]], slots: Sequence[int] | None = None) -> Proposed:
    """Of distributions, the likeliest token proposed."""
    return Proposed(
        slots or range(len(rows)), [row.index(max(row)) for row in rows], [max(row) for row in rows], torch.tensor(rows)
    )


def confidence_unmasking(confidences: Sequence[float], threshold: float, steps_left: int) -> list[Rule | None]:
    """The threshold rule, which looks at nothing but confidences."""
    seen = Proposed(range(len(confidences)), [0] * len(confidences), confidences, torch.zeros(len(confidences), 2))
    return Unmasking(SamplingSettings(threshold=threshold))(seen, steps_left)


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


def test_a_fixed_number_goes_in_every_step() -> None:
    rule = Unmasking(SamplingSettings(unmasking="fixed"))
    rows = [[c, 1 - c] for c in (0.9, 0.6, 0.8, 0.7, 0.95)]
    assert rule(proposed(rows), 3) == ["fixed", None, None, None, "fixed"]  # ceil(5 / 3)
    assert rule(proposed(rows), 1) == ["fixed"] * 5


def test_the_factor_rule_by_hand() -> None:
    # Sorted 0.95, 0.8, 0.7: 2 x 0.05 = 0.1 and 3 x 0.2 = 0.6 are below 1, 4 x 0.3 = 1.2 is not.
    rows = [[0.8, 0.2], [0.7, 0.3], [0.95, 0.05]]
    assert Unmasking(SamplingSettings(unmasking="factor", factor=1.0))(proposed(rows), 16) == ["factor", None, "factor"]
    assert Unmasking(SamplingSettings(unmasking="factor", factor=1.3))(proposed(rows), 16) == ["factor"] * 3
    assert Unmasking(SamplingSettings(unmasking="factor", factor=0.0))(proposed(rows), 16) == [None, None, "minimum"]


def test_the_entropy_bound_by_hand() -> None:
    # Entropies log 2, 0 and log 4: in rising order, what a set ignores is all but its largest: 0, 0, log 2.
    rows = [[0.5, 0.5, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.25] * 4]
    below, above = math.log(2) - 0.01, math.log(2) + 0.01
    two = Unmasking(SamplingSettings(unmasking="entropy", entropy_bound=below))(proposed(rows), 16)
    assert two == ["entropy", "entropy", None]
    assert Unmasking(SamplingSettings(unmasking="entropy", entropy_bound=above))(proposed(rows), 16) == ["entropy"] * 3


def test_a_slot_is_stable_after_two_still_passes() -> None:
    rule = Unmasking(SamplingSettings(unmasking="stability", threshold=0.8, kl_bound=0.01))
    still, moving, unsure = [0.9, 0.1], [0.85, 0.15], [0.6, 0.4]
    assert rule(proposed([still, moving, unsure]), 16) == ["minimum", None, None]
    assert rule(proposed([[0.99, 0.01], unsure], [1, 2]), 16) == ["minimum", None]
    rule = Unmasking(SamplingSettings(unmasking="stability", threshold=0.8, kl_bound=0.01))
    rows = [[0.95, 0.05], still, moving, unsure]
    rule(proposed(rows), 16)  # the surest one goes by force
    rule(proposed([[0.9, 0.1], [0.82, 0.18], unsure], [1, 2, 3]), 16)  # the next one too
    # Slot 2 has kept still twice (KL of 0.82 against 0.85: 0.003); slot 3 has, too, but is below the threshold.
    assert rule(proposed([[0.82, 0.18], unsure], [2, 3]), 16) == ["stability", None]


def test_a_slot_that_moves_waits() -> None:
    # KL(0.99 || 0.85) = 0.124 nats.
    rule = Unmasking(SamplingSettings(unmasking="stability", threshold=0.8, kl_bound=0.1))
    for confidence in (0.85, 0.99, 0.99):
        (one,) = rule(proposed([[confidence, 1 - confidence]]), 16)
        assert one == "minimum"
    assert rule(proposed([[0.99, 0.01]]), 16) == ["stability"]


@pytest.mark.parametrize("name", UNMASKING)
@given(st.lists(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), min_size=1, max_size=16), st.integers(1, 16))
def test_every_rule_gives_a_step_its_share(name: str, weights: list[list[float]], steps_left: int) -> None:
    rows = [[weight / sum(row) for weight in row] for row in weights]
    rules = Unmasking(SamplingSettings(unmasking=name))(proposed(rows), steps_left)
    committed = sum(rule is not None for rule in rules)
    assert committed >= max(1, math.ceil(len(rows) / steps_left))
    assert {rule for rule in rules if rule is not None} <= {name, "last-step" if steps_left == 1 else "minimum"}
