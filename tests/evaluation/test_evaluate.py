"""Every arm on every prompt, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from twotower import TwoTower
from twotower.evaluation import evaluate
from twotower.evaluation.arms import BASELINE, Arm
from twotower.evaluation.evaluate import STORIES, answer_tasks, continue_prompts, tell_stories
from twotower.evaluation.scores import distinct, mean_log_likelihood, stutter
from twotower.sampling.settings import SamplingSettings
from twotower.text import decode, encode_prompt
from twotower.trace import Trace
from twotower.training.tasks import Instance

SHORT = SamplingSettings(max_new_tokens=6, block_size=4, steps_per_block=1, seed=0, end_token_ids=())
ARMS = [Arm(BASELINE, "autoregressive", SHORT), Arm("T=1", "diffusion", SHORT)]


def test_every_arm_answers_every_instance_of_every_task(embedded: TwoTower) -> None:
    asked = {"sums": [Instance("Add: 1 + 1\nAnswer:", " 2"), Instance("Add: 1 + 2\nAnswer:", " 3")], "facts": []}
    asked["facts"] = [Instance("Tom has a hat. What has Tom?\nAnswer:", " A hat.")]
    outcomes = list(answer_tasks(embedded, ARMS, asked))
    wanted = [(task, number) for task, prompts in asked.items() for number in range(len(prompts))]
    for arm in ARMS:
        assert [(each.subject, each.number) for each in outcomes if each.arm == arm.name] == wanted
    assert {each.metrics.lane for each in outcomes if each.arm == "T=1"} == {"diffusion"}
    assert all(each.metrics.tokens == len(each.token_ids) == 6 for each in outcomes)


def test_an_outcome_keeps_the_text_it_was_judged_by(embedded: TwoTower) -> None:
    prompt = encode_prompt(embedded, "Tom had a boat.")
    wanted = [Trace.record(arm.run(embedded, prompt)).token_ids for arm in ARMS]
    asked = {"told": [Instance("Tom had a boat.", " x")]}
    found = [answer_tasks(embedded, ARMS, asked), tell_stories(embedded, ARMS, ["Tom had a boat."])]
    found.append(continue_prompts(embedded, ARMS, ["Tom had a boat."], 1))
    for outcomes in found:
        assert [each.token_ids for each in outcomes] == wanted
    assert wanted[0] != wanted[1]


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
