"""Beginnings of stories, gone on with greedily by the context tower, and packed into rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from transformers import PreTrainedTokenizerFast

from twotower.model.twotower import TwoTower
from twotower.sampling import SamplingSettings, generate
from twotower.text import decode
from twotower.trace import Trace
from twotower.training.data import BOS, EOS, PAD
from twotower.training.retelling import retell

COUNT, LENGTH = 10, 64


Retold = tuple[np.ndarray, np.ndarray]


class Piece(NamedTuple):
    """A beginning, and what was written after it with the rest of its block."""

    prompt: list[int]
    written: list[int]


@pytest.fixture(scope="module")
def model(make_model: Callable[..., TwoTower], tokenizer: PreTrainedTokenizerFast) -> TwoTower:
    """A model that ends some of its texts."""
    model = make_model(vocab_size=len(tokenizer))
    model.context_lm_head.weight[EOS] *= 1.6
    return model


@pytest.fixture(scope="module")
def retold(model: TwoTower, stories: list[str], tokenizer: PreTrainedTokenizerFast) -> Retold:
    return retell(model, stories, tokenizer, COUNT, LENGTH, seed=1)


def pieces(retold: Retold) -> list[Piece]:
    """Row by row what was read, without the padding before it, and what is counted."""
    found = []
    for ids, counted in zip(*retold):
        read = ids[: counted.argmax()].tolist()
        found.append(Piece(read[read.index(BOS) :], ids[counted].tolist()))
    return found


def room(prompt: list[int]) -> int:
    return LENGTH - -(-len(prompt) // 16) * 16


def test_each_is_what_the_autoregressive_lane_writes(model: TwoTower, retold: Retold) -> None:
    ended = []
    for prompt, written in pieces(retold):
        settings = SamplingSettings(max_new_tokens=room(prompt), candidates=0)
        wanted = Trace.record(generate(model, prompt, "autoregressive", settings))
        said = list(wanted.token_ids)
        assert written[: len(said)] == said
        assert written[len(said) :] == [PAD] * (-len(said) % 16)
        ended.append(wanted.finished.reason == "end-token")
    assert any(ended)
    assert not all(ended)


def test_nothing_is_written_after_an_end_and_a_text_without_one_fills_its_row(retold: Retold) -> None:
    for prompt, written in pieces(retold):
        if EOS in written:
            assert set(written[written.index(EOS) + 1 :]) <= {PAD}
        else:
            assert len(written) == room(prompt)


def test_there_are_as_many_rows_as_asked_for_written_from_a_block_on(retold: Retold) -> None:
    ids, counted = retold
    assert ids.shape == counted.shape == (COUNT, LENGTH)
    assert set((counted.argmax(1) % 16).tolist()) == {0}
    assert all(len(written) % 16 == 0 for _, written in pieces(retold))


def test_every_beginning_is_a_documents(retold: Retold, stories: list[str], tokenizer: PreTrainedTokenizerFast) -> None:
    encoded = [tokenizer.encode(story) for story in stories]
    prompts = [piece.prompt for piece in pieces(retold)]
    assert all(any(ids[: len(prompt)] == prompt for ids in encoded) for prompt in prompts)
    assert all(4 <= len(prompt) <= LENGTH // 2 for prompt in prompts)
    assert len({decode(tokenizer, prompt) for prompt in prompts}) > 2


def test_documents_shorter_than_a_beginning_are_passed_over(
    model: TwoTower, stories: list[str], tokenizer: PreTrainedTokenizerFast
) -> None:
    short = ["!"] * 20
    prompts = [
        decode(tokenizer, piece.prompt)
        for piece in pieces(retell(model, [*short, stories[0]], tokenizer, 3, LENGTH, seed=0))
    ]
    assert len(prompts) == 3
    assert all(stories[0].startswith(prompt) for prompt in prompts)


def test_the_same_seed_retells_the_same(
    model: TwoTower, retold: Retold, stories: list[str], tokenizer: PreTrainedTokenizerFast
) -> None:
    again, other = (retell(model, stories, tokenizer, COUNT, LENGTH, seed) for seed in (1, 2))
    assert all(np.array_equal(part, wanted) for part, wanted in zip(again, retold))
    assert not np.array_equal(other[0], retold[0])


def test_the_model_can_still_be_trained(model: TwoTower, retold: Retold) -> None:
    assert not any(parameter.is_inference() for parameter in model.parameters())
