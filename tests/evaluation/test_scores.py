"""Scores of texts, worked out by hand."""

from __future__ import annotations

import pytest

from twotower.evaluation.scores import distinct, is_right, mean_log_likelihood, stutter
from twotower.model.twotower import TwoTower


@pytest.mark.parametrize(
    ("text", "answer", "right"),
    [
        (" 4 + 4 = 8", " 4 + 4 = 8", True),
        ("4 + 4 = 8 \n", " 4 + 4 = 8", True),
        ("4 + 4 =  8", "4 + 4 = 8", False),
        ("4 + 4 = 8.", "4 + 4 = 8", False),
        ("4 + 4 = 80", "4 + 4 = 8", False),
        ("A dog", "a dog", False),
        ("", " 8", False),
    ],
)
def test_an_answer_is_right_letter_by_letter(text: str, answer: str, right: bool) -> None:
    assert is_right(text, answer) is right


@pytest.mark.parametrize(
    ("ids", "n", "wanted"),
    [
        ([1, 2, 3, 4, 5], 3, 1.0),
        ([1, 2, 1, 2, 1, 2], 2, 2 / 5),  # 12 21 12 21 12
        ([7, 7, 7, 7, 7], 3, 1 / 3),
        ([1, 2, 3, 1, 2, 3], 3, 3 / 4),  # 123 231 312 123
        ([1, 2], 3, 1.0),
        ([], 3, 1.0),
    ],
)
def test_distinct_is_different_n_grams_over_all(ids: list[int], n: int, wanted: float) -> None:
    assert distinct(ids, n) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("ids", "wanted"),
    [
        ([], 0.0),
        ([5], 0.0),
        ([5, 6, 7, 8], 0.0),
        ([5, 5, 6, 7], 1 / 4),
        ([5, 5, 5, 5], 3 / 4),
        ([5, 6, 5, 6], 1 / 4),  # the pair is said again when its second token comes
        ([5, 6, 5, 6, 5], 2 / 5),
        ([5, 6, 5, 7], 0.0),
        ([5, 6, 7, 5, 6, 7], 0.0),
    ],
)
def test_stutter_is_the_share_that_repeats_the_one_or_two_before(ids: list[int], wanted: float) -> None:
    assert stutter(ids) == pytest.approx(wanted)


@pytest.mark.parametrize("tokens", [[44], [44, 9, 80, 9]])
def test_likelihood_is_the_mean_over_the_text_and_not_over_the_prompt(tiny_model: TwoTower, tokens: list[int]) -> None:
    text, logs = [5, 60, 7], []
    for token in tokens:
        logs.append(float(tiny_model.context_logits(text)[0, -1].log_softmax(-1)[token]))
        text.append(token)
    wanted = sum(logs) / len(logs)
    assert mean_log_likelihood(tiny_model, [5, 60, 7], tokens) == pytest.approx(wanted, abs=1e-4)
