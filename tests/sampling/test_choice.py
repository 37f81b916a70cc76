"""Choosing tokens: noise by key, filters by definition, frequencies by the softmax."""

from __future__ import annotations

import math

import pytest
import torch

from twotower.sampling.choice import Noise, chosen, keep_likely, most_likely, scores
from twotower.sampling.passes import Choose
from twotower.sampling.settings import SamplingSettings

CPU = torch.device("cpu")
LOGITS = torch.tensor([[2.0, 1.0, 0.5, 0.0, -1.0]])


def kept(logits: torch.Tensor) -> list[int]:
    return torch.isfinite(logits[0]).nonzero().flatten().tolist()


def test_noise_depends_on_seed_and_key_alone() -> None:
    one, other = Noise(7), Noise(7)
    one.gumbel((3,), CPU, 0, 0)
    one.gumbel((5,), CPU, 9)
    assert torch.equal(one.gumbel((4,), CPU, 2, 1), other.gumbel((4,), CPU, 2, 1))


def test_noise_of_a_position_is_drawn_once_while_it_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    noise, drawn = Noise(7), []
    real = noise.gumbel
    monkeypatch.setattr(noise, "gumbel", lambda shape, *key: drawn.append(key) or real(shape, *key))
    rows = [noise.at(position, 5, CPU) for position in (*range(16), *range(16))]
    assert drawn == [(CPU, position) for position in range(16)]
    for position in range(16, 100):
        noise.at(position, 5, CPU)
    assert torch.equal(noise.at(3, 5, CPU), rows[3])  # drawn anew, and the same
    assert len(drawn) == 101
    assert noise.at(3, 4, CPU).shape == (4,)


@pytest.mark.parametrize(("seed", "key"), [(8, (2, 1)), (7, (1, 2)), (7, (2,)), (7, (2, 2))])
def test_another_seed_or_key_is_other_noise(seed: int, key: tuple[int, ...]) -> None:
    assert not torch.equal(Noise(seed).gumbel((4,), CPU, *key), Noise(7).gumbel((4,), CPU, 2, 1))


def test_zero_temperature_scores_by_the_logits() -> None:
    assert scores(LOGITS, SamplingSettings(temperature=0.0), Noise(1), 0) is LOGITS


def test_frequencies_follow_the_softmax_at_the_temperature() -> None:
    settings, noise = SamplingSettings(temperature=0.7), Noise(3)
    drawn = scores(LOGITS.expand(20_000, -1), settings, noise, 0).argmax(-1)
    frequencies = torch.bincount(drawn, minlength=5) / 20_000
    torch.testing.assert_close(frequencies, (LOGITS[0] / 0.7).softmax(-1), atol=0.015, rtol=0)


@pytest.mark.parametrize(("top_k", "wanted"), [(1, [0]), (3, [0, 1, 2]), (0, [0, 1, 2, 3, 4]), (9, [0, 1, 2, 3, 4])])
def test_top_k_keeps_the_k_likeliest(top_k: int, wanted: list[int]) -> None:
    assert kept(keep_likely(LOGITS.clone(), top_k, 1.0)) == wanted


def test_top_p_keeps_the_smallest_set_that_holds_it() -> None:
    probabilities = torch.tensor([[0.1, 0.4, 0.3, 0.2]])
    assert kept(keep_likely(probabilities.log(), 0, 0.65)) == [1, 2]
    assert kept(keep_likely(probabilities.log(), 0, 0.75)) == [1, 2, 3]
    assert kept(keep_likely(probabilities.log(), 0, 1e-6)) == [1]


def test_top_p_counts_within_top_k() -> None:
    probabilities = torch.tensor([[0.4, 0.3, 0.2, 0.1]])
    # Of the two kept, the first holds 4/7: enough for 0.5, where all four would need two.
    assert kept(keep_likely(probabilities.log(), 2, 0.5)) == [0]


def test_filters_bound_what_is_drawn() -> None:
    settings = SamplingSettings(temperature=5.0, top_k=2)
    drawn = scores(LOGITS.expand(500, -1), settings, Noise(0), 0).argmax(-1)
    assert set(drawn.tolist()) == {0, 1}


def test_most_likely_is_sorted_and_may_be_none() -> None:
    probabilities = torch.tensor([[0.1, 0.7, 0.2]])
    (pairs,) = most_likely(probabilities, 2)
    assert [token for token, _ in pairs] == [1, 2]
    assert most_likely(probabilities, 0) == [()]
    assert len(most_likely(probabilities, 9)[0]) == 3


def test_several_requests_come_to_what_each_comes_to_alone() -> None:
    logits = torch.randn(7, 11, generator=torch.Generator().manual_seed(5))
    one, two = logits[:3], logits[3:]
    requests = [Choose(one, one), Choose(two, -two, also=(4, 0, 10, 2))]
    greedy, other = chosen(requests)
    assert greedy.tokens == one.argmax(-1).tolist()
    assert other.tokens == two.argmin(-1).tolist()
    for answer, rows in ((greedy, one), (other, two)):
        torch.testing.assert_close(answer.probabilities, rows.softmax(-1))
        wanted = [float(row[token]) for row, token in zip(rows.softmax(-1), answer.tokens)]
        assert answer.confidences == pytest.approx(wanted)
    assert other.also == pytest.approx([float(row[i]) for row, i in zip(two.softmax(-1), (4, 0, 10, 2))])
    for request, answer in zip(requests, (greedy, other)):
        (alone,) = chosen([request])
        assert alone.tokens == answer.tokens
        assert alone.confidences == answer.confidences


def test_nan_is_seen_in_the_confidences() -> None:
    logits = torch.tensor([[0.0, 1.0], [torch.nan, 0.0], [torch.inf, 0.0]])
    (answer,) = chosen([Choose(logits, logits)])
    assert [math.isfinite(confidence) for confidence in answer.confidences] == [True, False, False]


def test_large_ids_reach_the_host_exactly() -> None:
    logits = torch.zeros(1, 2**17 + 1)
    logits[0, 2**17] = 9.0
    (answer,) = chosen([Choose(logits, logits)])
    assert answer.tokens == [2**17]
