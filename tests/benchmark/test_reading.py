"""What passes read: text where the model has some, else ids that mean nothing and mask nothing."""

from __future__ import annotations

from collections.abc import Callable

from twotower.benchmark.reading import half_masked, ids_to_read, prompt_of, reads_text
from twotower.examples import read_examples
from twotower.model.twotower import TwoTower
from twotower.text import decode


def test_a_model_with_examples_reads_them_again_and_again(embedded_model: TwoTower) -> None:
    assert embedded_model.folder is not None
    examples = read_examples(embedded_model.folder)
    assert examples is not None
    first = examples.prompts[0]
    name, ids = prompt_of(embedded_model)
    assert (name, decode(embedded_model.tokenizer, ids)) == (first.name, first.prompt)
    text = ids_to_read(embedded_model, 600)[0].tolist()
    assert text[: len(ids)] == ids
    again = text.index(ids[0], 100)
    assert any(text[start : start + len(ids)] == ids for start in range(again, 600 - len(ids)))
    assert reads_text(embedded_model)


def test_a_model_without_text_reads_the_same_random_ids_every_time(make_model: Callable[..., TwoTower]) -> None:
    model = make_model(vocab_size=7, max_position_embeddings=40)
    ids = ids_to_read(model, 500)
    assert ids.shape == (1, 500)
    assert ids.equal(ids_to_read(model, 500))
    assert set(ids[0].tolist()) == set(range(7)) - {model.config.mask_token_id}
    assert not reads_text(model)
    name, prompt = prompt_of(model)
    assert (name, len(prompt)) == ("random ids", 20)


def test_every_second_slot_is_masked_and_the_block_itself_is_not(tiny_model: TwoTower) -> None:
    block = ids_to_read(tiny_model, 5)
    mask = tiny_model.config.mask_token_id
    noisy = half_masked(tiny_model, block)
    assert (noisy == mask)[0].tolist() == [True, False, True, False, True]
    assert noisy[0, 1::2].equal(block[0, 1::2])
    assert mask not in block
