"""Summing up, by hand."""

from __future__ import annotations

import pytest

from twotower.evaluation.arms import BASELINE
from twotower.evaluation.evaluate import STORIES, Outcome
from twotower.evaluation.summary import ALL_TASKS, Row, summarise
from twotower.metrics import CONTEXT_PASS, DENOISER_PASS, VERIFY_PASS, Metrics


def outcome(
    arm: str, tokens: int, seconds: float, *, subject: str = "sums", number: int = 0, **scores: object
) -> Outcome:
    """Autoregression: a pass a token but the first. Diffusion: two denoiser passes and one context pass."""
    if arm == BASELINE:
        passes = {"AR step": (0.1,) * (tokens - 1)}
    else:
        passes = {DENOISER_PASS: (0.1, 0.1), CONTEXT_PASS: (0.1,)}
    lane = "autoregressive" if arm == BASELINE else "diffusion"
    return Outcome(subject, number, arm, Metrics(lane, tokens, 0.5, seconds, passes), **scores)  # type: ignore[arg-type]


def row(rows: list[Row], subject: str, arm: str) -> Row:
    (found,) = [each for each in rows if (each.subject, each.arm) == (subject, arm)]
    return found


def test_speed_is_of_all_prompts_together() -> None:
    rows = summarise(
        [
            outcome(BASELINE, 10, 1.0),
            outcome("fast", 8, 1.0),
            outcome(BASELINE, 20, 4.0, number=1),
            outcome("fast", 22, 1.0, number=1),
        ]
    )
    base, fast = row(rows, "sums", BASELINE), row(rows, "sums", "fast")
    assert (base.prompts, base.tokens_per_second, base.speed_up) == (2, 6.0, 1.0)  # 30 tokens in 5 seconds
    assert (fast.prompts, fast.tokens_per_second, fast.speed_up) == (2, 15.0, 2.5)  # 30 tokens in 2 seconds


def test_quartiles_are_of_the_prompts_one_by_one() -> None:
    outcomes = []
    for number, ratio in enumerate((3, 1, 4, 2, 7, 5, 6)):
        outcomes += [outcome(BASELINE, 10, 1.0, number=number), outcome("fast", 10 * ratio, 1.0, number=number)]
    rows = summarise(outcomes)
    assert row(rows, "sums", BASELINE).speed_up_quartiles == (1.0, 1.0)
    low, high = row(rows, "sums", "fast").speed_up_quartiles or (0, 0)
    assert (low, high) == (2.5, 5.5)
    assert row(rows, "sums", "fast").speed_up == 4.0


def test_quartiles_of_two_prompts_lie_between_them() -> None:
    outcomes = []
    for number, ratio in enumerate((1, 2)):
        outcomes += [outcome(BASELINE, 10, 1.0, number=number), outcome("fast", 10 * ratio, 1.0, number=number)]
    low, high = row(summarise(outcomes), "sums", "fast").speed_up_quartiles or (0, 0)
    assert 1 <= low <= high <= 2


def test_one_prompt_has_no_quartiles() -> None:
    assert row(summarise([outcome(BASELINE, 10, 1.0), outcome("fast", 20, 1.0)]), "sums", "fast") == Row(
        subject="sums",
        arm="fast",
        prompts=1,
        tokens_per_second=20.0,
        speed_up=2.0,
        speed_up_quartiles=None,
        tokens_per_pass=20 / 3,
        tokens_per_denoiser_pass=10.0,
        passes_per_token=3 / 20,
        accepted_per_round=None,
        same_as_ar=1.0,
        accuracy=None,
        kept=None,
        log_likelihood=None,
        distinct_3=None,
        stutter=None,
    )


def test_a_prompt_the_baseline_left_without_a_speed_is_in_no_quartile() -> None:
    outcomes = [outcome(BASELINE, 1, 0.1), outcome("fast", 90, 1.0)]  # one token, and that the prefill's: no pass
    for number in (1, 2, 3):
        outcomes += [outcome(BASELINE, 10, 1.0, number=number), outcome("fast", 10 * number, 1.0, number=number)]
    assert row(summarise(outcomes), "sums", "fast").speed_up_quartiles == (1.5, 2.5)


def test_without_a_baseline_nothing_is_relative() -> None:
    (only,) = [each for each in summarise([outcome("fast", 10, 1.0, right=True)]) if each.subject == "sums"]
    assert (only.speed_up, only.speed_up_quartiles, only.kept) == (None, None, None)
    assert only.accuracy == 1.0


def test_tokens_per_pass_are_of_all_passes_and_of_the_denoisers() -> None:
    rows = summarise([outcome("fast", 10, 1.0), outcome("fast", 20, 1.0, number=1), outcome(BASELINE, 10, 1.0)])
    assert row(rows, "sums", "fast").tokens_per_pass == 30 / 6
    assert row(rows, "sums", "fast").tokens_per_denoiser_pass == 30 / 4
    assert row(rows, "sums", BASELINE).tokens_per_denoiser_pass is None


def test_kept_is_accuracy_over_the_baselines() -> None:
    answers = {BASELINE: (True, True, False, True), "fast": (True, False, False, True)}
    rows = summarise(
        [
            outcome(arm, 10, 1.0, number=number, right=right)
            for arm, given in answers.items()
            for number, right in enumerate(given)
        ]
    )
    assert row(rows, "sums", BASELINE).accuracy == 0.75
    assert row(rows, "sums", "fast").accuracy == 0.5
    assert row(rows, "sums", "fast").kept == pytest.approx(2 / 3)


def test_nothing_is_kept_of_nothing() -> None:
    rows = summarise([outcome(BASELINE, 10, 1.0, right=False), outcome("fast", 10, 1.0, right=True)])
    assert row(rows, "sums", "fast").kept is None
    assert row(rows, "sums", BASELINE).accuracy == 0.0


def test_all_tasks_are_every_task_and_no_story() -> None:
    rows = summarise(
        [
            outcome(arm, 10, seconds, subject=subject, **score)
            for subject, score in (("sums", {"right": True}), ("facts", {"right": False}), (STORIES, {"stutter": 0.5}))
            for arm, seconds in ((BASELINE, 1.0), ("fast", 0.5))
        ]
    )
    assert {each.subject for each in rows} == {"sums", "facts", STORIES, ALL_TASKS}
    together = row(rows, ALL_TASKS, "fast")
    assert (together.prompts, together.accuracy, together.kept, together.speed_up) == (2, 0.5, 1.0, 2.0)
    assert together.speed_up_quartiles == (2.0, 2.0)  # the same number in two tasks is two prompts


def test_scores_of_stories_are_means_over_prompts() -> None:
    rows = summarise(
        [
            outcome("fast", tokens, 1.0, subject=STORIES, log_likelihood=log, distinct_3=variety, stutter=repeats)
            for tokens, log, variety, repeats in ((10, -1.0, 1.0, 0.0), (30, -2.0, 0.5, 0.25))
        ]
    )
    assert row(rows, STORIES, "fast").log_likelihood == -1.5
    assert row(rows, STORIES, "fast").distinct_3 == 0.75
    assert row(rows, STORIES, "fast").stutter == 0.125
    assert row(rows, STORIES, "fast").accuracy is None


def verified(rounds: int, drafted: int, accepted: int, tokens: int, number: int = 0) -> Outcome:
    """A denoiser pass and a verify pass a round."""
    passes = {DENOISER_PASS: (0.1,) * rounds, VERIFY_PASS: (0.1,) * rounds}
    metrics = Metrics("verify", tokens, 0.5, 1.0, passes, drafted, accepted)
    return Outcome("sums", number, "verify", metrics)


def test_accepted_per_round_and_passes_per_token_are_over_all_prompts_together() -> None:
    rows = summarise([verified(2, 20, 9, 12), verified(6, 50, 23, 30, number=1), outcome(BASELINE, 10, 1.0)])
    both = row(rows, "sums", "verify")
    assert both.accepted_per_round == 4.0  # 32 tokens stayed in 8 rounds
    assert both.passes_per_token == pytest.approx(16 / 42)
    assert both.tokens_per_denoiser_pass == 42 / 8
    base = row(rows, "sums", BASELINE)
    assert (base.accepted_per_round, base.passes_per_token) == (None, 0.9)


def test_the_same_text_is_all_of_it_on_the_same_prompt() -> None:
    """Four prompts: equal; one token differs; the beginning of AR's text; AR's text of another prompt."""
    written = {
        BASELINE: [(4, 5, 2), (6, 7, 2), (8, 9, 2), (4, 4, 2)],
        "fast": [(4, 5, 2), (6, 8, 2), (8, 9), (4, 5, 2)],
    }
    rows = summarise(
        [
            outcome(arm, 3, 1.0, number=number, token_ids=ids)
            for arm, texts in written.items()
            for number, ids in enumerate(texts)
        ]
    )
    assert row(rows, "sums", "fast").same_as_ar == 0.25
    assert row(rows, "sums", BASELINE).same_as_ar == 1.0


def test_the_same_number_in_another_task_is_another_prompt() -> None:
    texts = {
        ("sums", BASELINE): (4, 2),
        ("sums", "fast"): (5, 2),
        ("facts", BASELINE): (5, 2),
        ("facts", "fast"): (5, 2),
    }
    rows = summarise(
        [outcome(arm, 2, 1.0, subject=task, token_ids=ids, right=True) for (task, arm), ids in texts.items()]
    )
    assert [row(rows, subject, "fast").same_as_ar for subject in ("sums", "facts", ALL_TASKS)] == [0.0, 1.0, 0.5]


def test_a_prompt_the_baseline_did_not_run_on_is_not_compared() -> None:
    texts = [outcome("fast", 2, 1.0, number=number, token_ids=(4, 2)) for number in (0, 1)]
    rows = summarise([outcome(BASELINE, 2, 1.0, token_ids=(4, 2)), *texts])
    assert row(rows, "sums", "fast").same_as_ar == 1.0
    assert row(summarise(texts), "sums", "fast").same_as_ar is None
