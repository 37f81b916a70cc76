"""How each token came to stand, against runs whose every token is known."""

from __future__ import annotations

import math

import pytest
from handmade_runs import diffusion_run, one_by_one, pinned_run, verify_run

from twotower.trace import Trace
from twotower.views.origins import Origins


def origins(trace: Trace, events: int | None = None) -> Origins:
    made = Origins()
    for event in trace.events[:events]:
        made.apply(event)
    return made


def test_rounds_by_hand() -> None:
    made = origins(verify_run())
    assert [made.origin[position] for position in range(9)] == [
        "", "accepted", "replaced", "accepted", "lenient", "accepted", "bonus", "accepted", "accepted"
    ]  # fmt: skip
    assert made.confidence[2] == pytest.approx(math.exp(-0.2))  # autoregression's own, of its own token
    assert made.confidence[6] == pytest.approx(math.exp(-0.3))
    assert made.confidence[4] == 0.9  # the denoiser's, of its draft


def test_before_the_judgement_nothing_is_known_of_what_replaces_a_draft() -> None:
    made = origins(verify_run(), 7)
    assert (made.origin[1], made.origin[2]) == ("accepted", "replaced")
    assert 2 not in made.confidence


def test_pins_and_anchors_by_hand() -> None:
    made = origins(pinned_run())
    assert [made.origin[position] for position in range(7)] == ["anchor", "", "pinned", "", "anchor", "pinned", ""]
    assert {2, 5} & made.confidence.keys() == set()
    assert made.confidence[0] == 0.7


@pytest.mark.parametrize("trace", [diffusion_run(), one_by_one()])
def test_what_a_pass_committed_has_no_word_of_its_own(trace: Trace) -> None:
    assert set(origins(trace).origin.values()) == {""}
