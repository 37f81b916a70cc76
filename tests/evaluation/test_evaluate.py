"""Summing up by hand, and every arm on every prompt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from twotower import TwoTower
from twotower.evaluation import evaluate
from twotower.evaluation.arms import BASELINE, Arm
from twotower.evaluation.evaluate import (
    ALL_TASKS,
    STORIES,
    Outcome,
    Row,
    answer_tasks,
    continue_prompts,
    summarise,
    tell_stories,
)
from twotower.evaluation.scores import distinct, mean_log_likelihood, stutter
from twotower.metrics import CONTEXT_PASS, DENOISER_PASS, Metrics
from twotower.sampling.settings import SamplingSettings
from twotower.text import decode, encode_prompt
from twotower.trace import Trace
from twotower.training.tasks import Instance

SHORT = SamplingSettings(max_new_tokens=6, block_size=4, steps_per_block=1, seed=0, end_token_ids=())
ARMS = [Arm(BASELINE, "autoregressive", SHORT), Arm("T=1", "diffusion", SHORT)]


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


def test_every_arm_answers_every_instance_of_every_task(embedded: TwoTower) -> None:
    asked = {"sums": [Instance("Add: 1 + 1\nAnswer:", " 2"), Instance("Add: 1 + 2\nAnswer:", " 3")], "facts": []}
    asked["facts"] = [Instance("Tom has a hat. What has Tom?\nAnswer:", " A hat.")]
    outcomes = list(answer_tasks(embedded, ARMS, asked))
    wanted = [(task, number) for task, prompts in asked.items() for number in range(len(prompts))]
    for arm in ARMS:
        assert [(each.subject, each.number) for each in outcomes if each.arm == arm.name] == wanted
    assert {each.metrics.lane for each in outcomes if each.arm == "T=1"} == {"diffusion"}
    assert all(each.metrics.tokens == 6 for each in outcomes)


def test_an_answer_is_right_once_it_is_given_and_ended(embedded: TwoTower) -> None:
    prompt = "Once upon a time, there was a"
    written = Trace.record(ARMS[0].run(embedded, encode_prompt(embedded, prompt))).token_ids
    end = written[-1]
    answer = decode(embedded.tokenizer, written[: written.index(end) + 1])
    settings = {"ended": replace(SHORT, end_token_ids=(end,)), "cut": SHORT}
    arms = [Arm(name, "autoregressive", given) for name, given in settings.items()]
    asked = {"told": [Instance(prompt, answer), Instance(prompt, answer + " x")]}
    right = {(each.arm, each.number): each.right for each in answer_tasks(embedded, arms, asked)}
    assert right == {("ended", 0): True, ("cut", 0): False, ("ended", 1): False, ("cut", 1): False}


def test_every_story_is_scored_as_its_ids_are(embedded: TwoTower) -> None:
    beginnings = ["Tom had a boat.", "The moon was"]
    outcomes = list(tell_stories(embedded, ARMS, beginnings))
    assert [(each.subject, each.number, each.arm) for each in outcomes] == [
        (STORIES, number, arm.name) for number in range(2) for arm in ARMS
    ]
    for each in outcomes:
        arm = next(arm for arm in ARMS if arm.name == each.arm)
        prompt = encode_prompt(embedded, beginnings[each.number])
        ids = Trace.record(arm.run(embedded, prompt)).token_ids
        assert each.log_likelihood == pytest.approx(mean_log_likelihood(embedded, prompt, ids), abs=1e-5)
        assert (each.distinct_3, each.stutter, each.right) == (distinct(ids, 3), stutter(ids), None)


def test_every_prompt_is_continued_by_every_arm_in_turn(embedded: TwoTower) -> None:
    outcomes = list(continue_prompts(embedded, ARMS, ["Tom", "Lily"], 3))
    there, back = [BASELINE, "T=1"], ["T=1", BASELINE]
    assert [each.arm for each in outcomes] == [*there, *there, *back, *back, *there, *there]
    assert [each.subject for each in outcomes] == ["Tom", "Tom", "Lily", "Lily"] * 3
    assert [each.number for each in outcomes] == [0] * 4 + [1] * 4 + [2] * 4


def test_every_arm_is_warmed_up_in_its_lane(embedded: TwoTower, monkeypatch: pytest.MonkeyPatch) -> None:
    warmed: list[tuple] = []
    monkeypatch.setattr(evaluate, "warm_up", lambda model, settings, ids, lanes: warmed.append((settings, *lanes)))
    evaluate.warm(embedded, ARMS)
    assert warmed == [(SHORT, "autoregressive"), (SHORT, "diffusion")]
