"""When a draft is finished: expected tokens and costs worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from twotower.sampling.drafting import DraftPlan, further_rounds
from twotower.sampling.settings import SamplingSettings
from twotower.sampling.unmasking import Proposed

NOTHING_SURE = SamplingSettings(threshold=1.0)


def proposed(confidences: dict[int, float], end: int | None = None) -> Proposed:
    """Token 9 for every slot, but for 2, the end token, at `end`."""
    tokens = [2 if slot == end else 9 for slot in confidences]
    return Proposed(list(confidences), tokens, list(confidences.values()), torch.zeros(len(confidences), 3))


def test_further_rounds_by_hand() -> None:
    assert further_rounds([], []) == 0.0
    assert further_rounds([1.0, 1.0], [0.5, 0.5]) == 0.0
    # The first is rejected in a quarter of all cases, and the second is then drafted anew; or it is the second itself.
    assert further_rounds([0.75, 0.5], [0.75, 0.5]) == pytest.approx(0.25 * (1 + 0.5) + 0.75 * 0.5)
    assert further_rounds([0.0, 1.0], [0.0, 0.25]) == pytest.approx(1 + 0.75)


def plan(settings: SamplingSettings = NOTHING_SURE, draft: float = 1.0, verify: float = 1.0) -> DraftPlan:
    made = DraftPlan(settings, (2,))
    made.drafted(draft)
    made.verified(verify)
    return made


def test_a_verification_costs_what_this_run_has_measured() -> None:
    made = plan(draft=2.0, verify=3.0)
    made.drafted(4.0)
    assert made.verification_cost == pytest.approx(3.0 / 3.0)
    made.verified(6.0)
    assert made.verification_cost == pytest.approx(4.5 / 3.0)
    assert DraftPlan(NOTHING_SURE, ()).verification_cost == 1.0


def test_the_clock_has_no_say_where_the_text_depends_on_the_drafts() -> None:
    assert plan(SamplingSettings(accept_from=0.3), draft=1.0, verify=9.0).verification_cost == 1.0


def test_sharpening_is_what_the_run_has_seen() -> None:
    made = plan()
    assert made.sharpening == 0.25
    made.sharpened([math.exp(-3)], [math.exp(-1)])
    assert made.sharpening == pytest.approx((0.25 + 1) / (1 + 3))


def test_another_pass_is_made_while_it_pays() -> None:
    # Two unsure slots of 1/16, one of which is committed; the other would sharpen to 1/2. Now 15/16 (1 + 15/16) +
    # 1/16 15/16 = 1.875 further rounds, then 15/16 (1 + 15/16) + 1/16 1/2 = 1.848: saves 0.027 rounds.
    draft = plan().draft(3)
    assert draft.commit(proposed({1: 0.0625, 2: 0.0625})) == ["minimum", "draft"]
    # The other way about: committed is the second, and the first sharpens: 1/2 (1 + 15/16) + 1/2 15/16 = 1.4375.
    # That saves 0.4375 rounds of a pass and a verification.
    unsure = {1: 0.0625, 2: 0.0626}
    assert plan(verify=1.0).draft(3).commit(proposed(unsure)) == ["draft", "minimum"]  # 0.4375 x 2 < 1
    draft = plan(verify=1.5).draft(3)
    assert draft.commit(proposed(unsure)) == [None, "minimum"]  # 0.4375 x 2.5 > 1
    assert draft.passes == 1


def test_what_is_drafted_behind_an_end_does_not_count() -> None:
    unsure = {1: 0.99, 2: 0.98, 3: 0.0625, 4: 0.0625}
    whole = plan(SamplingSettings(threshold=0.9), verify=9.0)
    assert whole.draft(5).commit(proposed(unsure)) == ["threshold", "threshold", None, None]
    ended = plan(SamplingSettings(threshold=0.985), verify=9.0)
    assert ended.draft(5).commit(proposed(unsure, end=2)) == ["threshold", "draft", "draft", "draft"]


def test_what_is_sure_at_once_needs_no_other_pass() -> None:
    draft = plan(SamplingSettings(threshold=0.8), verify=99.0).draft(4)
    assert draft.commit(proposed({1: 0.9, 2: 0.99, 3: 0.85})) == ["threshold"] * 3


def test_a_fixed_number_of_passes_is_kept() -> None:
    draft = plan(SamplingSettings(threshold=1.0, draft_passes=2)).draft(4)
    assert draft.commit(proposed({1: 0.1, 2: 0.2, 3: 0.3})) == [None, None, "minimum"]
    assert draft.commit(proposed({1: 0.1, 2: 0.2})) == ["draft", "minimum"]


def test_a_pass_teaches_how_much_it_sharpens() -> None:
    made = plan(SamplingSettings(threshold=1.0, draft_passes=3))
    draft = made.draft(4)
    draft.commit(proposed({1: 0.5, 2: 0.25, 3: 0.125}))
    draft.commit(proposed({2: 0.5, 3: 0.5}))
    log2 = math.log(2)
    assert made.sharpening == pytest.approx((0.25 + 2 * log2) / (1 + 5 * log2))
