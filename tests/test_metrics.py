"""Numbers of hand-made traces, and the sentence that says who won."""

from __future__ import annotations

import re

import handmade_recording
import pytest
from handmade import started

from twotower.metrics import Factors, Metrics, verdict
from twotower.sampling.events import (
    BlockOpened,
    ContextExtended,
    Denoised,
    Event,
    Finished,
    Prefilled,
    Proposal,
    TokenDecoded,
)
from twotower.trace import Trace


def decoded(time: float, position: int, seconds: float) -> TokenDecoded:
    return TokenDecoded(time, position, 9, 0.5, (), seconds)


def denoised(time: float, step: int, positions: list[int], seconds: float) -> Denoised:
    proposals = tuple(Proposal(position, 9, 0.9, "threshold", ()) for position in positions)
    return Denoised(time, 0, step, 1.0, proposals, seconds)


AR_EVENTS: tuple[Event, ...] = (
    started("autoregressive"),
    Prefilled(1.0, 2, 1.0),
    decoded(1.0, 0, 0.0),
    decoded(1.2, 1, 0.2),
    decoded(1.6, 2, 0.4),
    decoded(1.9, 3, 0.3),
    Finished(2.0, "length", 4),
)
DIFFUSION_EVENTS: tuple[Event, ...] = (
    started("diffusion"),
    Prefilled(1.0, 2, 1.0),
    BlockOpened(1.0, 0, 0, 3),
    denoised(1.3, 0, [0, 2], 0.25),
    denoised(1.5, 1, [1], 0.15),
    ContextExtended(1.7, 0, 3, 0.2),
    BlockOpened(1.7, 1, 3, 3),
    denoised(2.0, 0, [3, 4, 5], 0.25),
    Finished(2.0, "end-token", 5),
)


def test_autoregression_by_hand() -> None:
    metrics = Metrics.of(Trace(AR_EVENTS))
    assert metrics.passes == {"AR step": 3}  # the first token is the prefill's
    assert metrics.tokens == 4
    assert metrics.prefill_seconds == 1.0
    assert metrics.decode_seconds == pytest.approx(1.0)
    assert metrics.tokens_per_second == pytest.approx(4.0)
    assert metrics.tokens_per_pass == pytest.approx(4 / 3)
    assert metrics.tokens_per_denoiser_pass is None
    assert metrics.pass_milliseconds("AR step") == pytest.approx(300)
    assert metrics.share_in_passes == pytest.approx(0.9)


def test_diffusion_by_hand() -> None:
    metrics = Metrics.of(Trace(DIFFUSION_EVENTS))
    assert metrics.passes == {"denoiser pass": 3, "context pass": 1}
    assert metrics.tokens == 5  # the sixth stands after the end token
    assert metrics.tokens_per_pass == pytest.approx(5 / 4)
    assert metrics.tokens_per_denoiser_pass == pytest.approx(5 / 3)
    assert metrics.pass_milliseconds("denoiser pass") == pytest.approx(250)
    assert metrics.pass_milliseconds("AR step") is None


def test_mock_ar_steps_have_a_name_of_their_own() -> None:
    events = (started("mock-ar"), Prefilled(1.0, 1, 1.0), decoded(1.5, 0, 0.5), Finished(1.5, "length", 1))
    assert Metrics.of(Trace(events)).passes == {"mock-AR step": 1}


def test_one_token_of_the_prefill_has_no_speed() -> None:
    events = (started("autoregressive"), Prefilled(1.0, 2, 1.0), decoded(1.0, 0, 0.0), Finished(1.1, "length", 1))
    metrics = Metrics.of(Trace(events))
    assert metrics.tokens_per_second is None
    assert metrics.tokens_per_pass is None
    assert "Too few" in verdict(Metrics.of(Trace((started("diffusion"), *DIFFUSION_EVENTS[1:]))), metrics)


def test_a_run_stopped_before_its_prefill() -> None:
    metrics = Metrics.of(Trace((started("diffusion"), Finished(0.1, "cancelled", 0))))
    assert metrics.all_passes == 0
    assert metrics.tokens_per_second is None


def test_to_json_is_plain_and_complete() -> None:
    values = Metrics.of(Trace(DIFFUSION_EVENTS)).to_json()
    assert values["passes"] == {"denoiser pass": 3, "context pass": 1}
    assert values["pass_milliseconds"] == pytest.approx({"denoiser pass": 250.0, "context pass": 200.0})


def made(lane: str, tokens: int, seconds: float, passes: int) -> Metrics:
    kind = "denoiser pass" if lane == "diffusion" else "AR step"
    return Metrics(lane, tokens, 0.1, seconds, {kind: (seconds / passes,) * passes})


@pytest.mark.parametrize(
    ("diffusion", "autoregressive", "begins"),
    [
        (made("diffusion", 100, 1.0, 40), made("autoregressive", 100, 2.0, 100), "Diffusion won, 2.00 times"),
        (made("diffusion", 100, 3.0, 90), made("autoregressive", 100, 2.0, 100), "AR won, 1.50 times"),
        (made("diffusion", 100, 1.0, 40), made("autoregressive", 100, 1.02, 100), "Even"),
        (made("diffusion", 50, 1.0, 40), made("autoregressive", 100, 1.0, 100), "AR won, 2.00 times"),
    ],
)
def test_the_verdict_says_who_won(diffusion: Metrics, autoregressive: Metrics, begins: str) -> None:
    assert verdict(diffusion, autoregressive).startswith(begins)


@pytest.mark.parametrize(
    ("seconds", "begins"), [(1.029, "Even"), (1.031, "Diffusion won"), (0.971, "Even"), (0.969, "AR won")]
)
def test_even_is_within_three_percent(seconds: float, begins: str) -> None:
    fast, base = made("diffusion", 100, 1.0, 40), made("autoregressive", 100, seconds, 100)
    assert verdict(fast, base).startswith(begins)


@pytest.mark.parametrize(
    ("tokens", "seconds", "passes", "winner"), [(96, 0.7, 37, "Diffusion"), (96, 4.3, 37, "AR"), (40, 1.3, 90, "AR")]
)
def test_the_two_factors_of_the_sentence_multiply_to_the_ratio(
    tokens: int, seconds: float, passes: int, winner: str
) -> None:
    sentence = verdict(made("diffusion", tokens, seconds, passes), made("autoregressive", 128, 2.9, 127))
    won, per_pass, cost = (float(number) for number in re.findall(r"(\d+\.\d+) times", sentence))
    assert sentence.startswith(f"{winner} won")
    assert won > 1
    assert per_pass / cost == pytest.approx(won if winner == "Diffusion" else 1 / won, rel=0.03)  # two digits are shown


def test_a_stopped_run_counts_its_passes_and_the_tokens_that_can_be_read() -> None:
    metrics = Metrics.of(Trace((*DIFFUSION_EVENTS[:4], Finished(1.35, "cancelled", 1))))  # slot 1 is still masked
    assert (metrics.tokens, metrics.passes) == (1, {"denoiser pass": 1})
    assert metrics.decode_seconds == pytest.approx(0.35)
    assert metrics.tokens_per_second == pytest.approx(1 / 0.35)


@pytest.mark.parametrize("lane", ["diffusion", "autoregressive"])
def test_a_run_stopped_before_its_first_readable_token_has_a_verdict_too(lane: str) -> None:
    full = {each: made(each, 100, 1.0, 50) for each in ("diffusion", "autoregressive")}
    full[lane] = made(lane, 0, 0.2, 3)  # passes ran, yet the first slot is still masked
    assert verdict(full["diffusion"], full["autoregressive"]).startswith("Too few")


def test_the_factors_of_a_speed_up_by_hand() -> None:
    # Three tokens a pass of 1/16 s against one a pass of 1/32 s.
    factors = Factors.of(made("diffusion", 96, 2.0, 32), made("autoregressive", 128, 4.0, 128))
    assert factors == Factors(tokens=3.0, cost=2.0, tokens_per_pass=3.0)
    assert factors.speed_up == 1.5
    assert factors.break_even == 2.0


def test_break_even_counts_autoregressions_own_tokens_per_pass() -> None:
    # The prefill gave one of its four tokens: 4/3 a pass, so diffusion's passes, twice as long, must bring 8/3.
    factors = Factors.of(made("diffusion", 96, 2.0, 32), made("autoregressive", 4, 3 / 32, 3))
    assert factors is not None
    assert factors.break_even == pytest.approx(8 / 3)
    assert factors.speed_up == pytest.approx(3 / (8 / 3))


@pytest.mark.parametrize("short", [made("autoregressive", 0, 0.2, 3), Metrics("autoregressive", 1, 0.1, 0.0, {})])
def test_a_lane_without_a_speed_has_no_factors(short: Metrics) -> None:
    assert Factors.of(made("diffusion", 96, 2.0, 32), short) is None


def test_rounds_of_draft_and_verify() -> None:
    metrics = Metrics.of(handmade_recording.verify())
    assert metrics.passes == {"denoiser pass": 2, "verify pass": 2}
    assert (metrics.rounds, metrics.drafted, metrics.accepted) == (2, 2, 1)
    assert metrics.accepted_per_round == 0.5
    assert metrics.tokens_per_pass == 1.0  # four tokens; the first one is the prefill's
    assert Metrics.of(handmade_recording.diffusion()).accepted_per_round is None


@pytest.mark.parametrize(
    ("tokens", "begins"),
    [(200, "Draft and verify won, 2.00 times as fast"), (100, "Even: draft and verify"), (50, "AR won, 2.00 times")],
)
def test_draft_and_verify_is_judged_as_plainly(tokens: int, begins: str) -> None:
    sentence = verdict(made("verify", tokens, 1.0, 20), made("autoregressive", 100, 1.0, 100))
    assert sentence.startswith(begins)
    assert "A pass of draft and verify brought" in sentence
