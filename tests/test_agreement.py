"""Agreement and the autoregressive model's judgement, worked out by hand."""

from __future__ import annotations

import math

import pytest
from handmade import started
from handmade_runs import diffusion_run, one_by_one

from twotower.agreement import agreement, ar_choice_share, mean_ar_log_probability
from twotower.model.twotower import TwoTower
from twotower.sampling.events import Finished, Judged
from twotower.sampling.generate import LANES, generate
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace


def test_agreement_by_hand() -> None:
    # 10 11 12 13 14 15 2 against 10 11 99 13 14 2: four of the six positions that both have.
    assert agreement(diffusion_run(), one_by_one()) == pytest.approx(4 / 6)
    assert agreement(one_by_one(), diffusion_run()) == pytest.approx(4 / 6)


def test_a_text_agrees_with_itself() -> None:
    assert agreement(one_by_one(), one_by_one()) == 1.0


def test_one_token_more_shifts_everything_behind_it() -> None:
    assert agreement(one_by_one((5, 6, 7)), one_by_one((4, 5, 6, 7), (0.5,) * 4)) == 0.0


def test_what_was_stopped_or_empty_is_not_compared() -> None:
    stopped = Trace((*diffusion_run().events[:4], Finished(0.65, "cancelled", 1)))
    assert agreement(stopped, one_by_one()) is None
    assert agreement(one_by_one(), stopped) is None
    empty = Trace((started("diffusion"), Finished(0.1, "length", 0)))
    assert agreement(empty, one_by_one()) is None


def test_every_token_of_the_text_is_judged() -> None:
    # 0.1 + 0.2 + 0.3 + 1.0 of the first block, 0.2 + 0.4 + 0.2 of the second, over seven tokens.
    assert mean_ar_log_probability(diffusion_run()) == pytest.approx(-2.4 / 7)


def test_the_share_of_autoregressions_own_choices() -> None:
    # AR would have put 99 for 13 and 98 for 15: five of seven.
    assert ar_choice_share(diffusion_run()) == pytest.approx(5 / 7)
    assert ar_choice_share(one_by_one()) == 1.0
    assert ar_choice_share(one_by_one(lane="mock-ar")) is None


def test_autoregression_judges_every_token_of_its_own() -> None:
    # Four halves and two quarters: 4 log 2 + 2 log 4 = 8 log 2 over six tokens.
    assert mean_ar_log_probability(one_by_one()) == pytest.approx(-8 * math.log(2) / 6)


def test_the_probabilities_of_mock_ar_are_not_autoregressions() -> None:
    assert mean_ar_log_probability(one_by_one(lane="mock-ar")) is None


def test_nothing_recorded_is_nothing_judged() -> None:
    unrecorded = [event for event in diffusion_run().events if not isinstance(event, Judged)]
    assert ar_choice_share(Trace(tuple(unrecorded))) is None
    assert mean_ar_log_probability(Trace(tuple(unrecorded))) is None


def test_a_probability_rounded_to_zero_gives_no_mean_rather_than_a_made_up_one() -> None:
    trace = Trace.from_json(one_by_one((5, 6), (0.5, 1e-8)).to_json())
    assert mean_ar_log_probability(trace) is None


def test_both_lanes_are_judged_by_the_same_model(tiny_model: TwoTower) -> None:
    """Nine tokens in blocks of four: of the last block's one token, nothing was read again but for the record."""
    settings = SamplingSettings(max_new_tokens=9, block_size=4, seed=1, temperature=0.7, end_token_ids=())
    prompt = [5, 60, 7]
    for lane in LANES:
        trace = Trace.record(generate(tiny_model, prompt, lane, settings))
        rows = tiny_model.context_logits([*prompt, *trace.token_ids])[0, len(prompt) - 1 : -1].log_softmax(-1)
        wanted = [float(row[token]) for row, token in zip(rows, trace.token_ids)]
        assert mean_ar_log_probability(trace) == pytest.approx(sum(wanted) / 9, abs=1e-3)
