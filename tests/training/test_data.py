"""Text to batches: nothing lost, and an order that a restart keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from twotower.errors import InputError
from twotower.training.data import Batches, encode, read_documents, train_tokenizer

STORIES = [f"One day, {name} found {count} red balls." for name in ("Tom", "Lily", "Max") for count in range(20)]


def test_documents_are_what_stands_between_the_marks(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one\ntwo\n<|endoftext|>\n\nthree\n<|endoftext|>\n", encoding="utf-8")
    assert read_documents([file, file]) == ["one\ntwo", "three"] * 2


@pytest.mark.parametrize("content", ["", "\n<|endoftext|>\n"])
def test_no_document_is_an_error_that_names_the_data(tmp_path: Path, content: str) -> None:
    file = tmp_path / "empty.txt"
    file.write_text(content)
    with pytest.raises(InputError, match="data"):
        read_documents([file])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone"):
        read_documents([tmp_path / "gone.txt"])


def test_the_tokenizer_keeps_the_released_models_ids() -> None:
    tokenizer = train_tokenizer(STORIES, 300)
    assert tokenizer.convert_ids_to_tokens([0, 1, 2, 3]) == ["<pad>", "<s>", "</s>", "<mask>"]
    assert tokenizer.encode("Tom")[0] == 1
    text = "Zoë 🗼\n\tfound 3."
    assert tokenizer.decode(tokenizer.encode(text), skip_special_tokens=True) == text


def test_every_document_has_its_beginning_and_its_end() -> None:
    tokenizer = train_tokenizer(STORIES, 300)
    stream = encode(STORIES, tokenizer)
    assert (stream == 1).sum() == (stream == 2).sum() == len(STORIES)
    assert tokenizer.decode(stream[: list(stream).index(2)].tolist(), skip_special_tokens=True) == STORIES[0]


def test_a_batch_is_a_function_of_its_number() -> None:
    stream = np.arange(1000, dtype=np.int32)
    one, other = (Batches(stream, 16, 4, seed=5) for _ in range(2))
    list(map(one.__getitem__, range(30)))
    for number in (0, 7, 29, 3):
        assert torch.equal(one[number], other[number])


def test_an_epoch_shows_every_window_once_and_the_next_one_others() -> None:
    batches = Batches(np.arange(1000, dtype=np.int32), 16, 4, seed=5)
    first = torch.cat([batches[number] for number in range(batches.per_epoch)])
    assert first.shape[1] == 16
    assert len(first.flatten().unique()) == first.numel()
    assert (first[:, 1:] - first[:, :-1] == 1).all()
    assert not torch.equal(batches[0], batches[batches.per_epoch])


def test_too_little_text_is_said_so() -> None:
    with pytest.raises(InputError, match="data"):
        Batches(np.arange(50, dtype=np.int32), 16, 4, seed=0)
