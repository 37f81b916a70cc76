"""Text and tasks to batches: nothing lost, answers where blocks begin, and an order that a restart keeps."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from twotower.errors import InputError
from twotower.text import decode
from twotower.training.data import (
    BOS,
    EOS,
    PAD,
    Batch,
    Batches,
    Mixture,
    Rows,
    TaskBatches,
    Windows,
    encode,
    encode_tasks,
    read_documents,
    rows_of,
    train_tokenizer,
)
from twotower.training.tasks import CONTEXT_TURNS, DENOISER_TURNS, TASKS, Instance, instances


def windows(tokens: int = 1000, seed: int = 5) -> Windows:
    """Windows of 16 ids that tell where they stand."""
    return Windows(np.arange(tokens, dtype=np.int32), 16, 4, seed)


def rows(count: int = 22, seed: int = 5) -> Rows:
    """Rows of 16 ids, every third id not counted."""
    ids = np.arange(count * 16, dtype=np.int32).reshape(count, 16)
    return Rows(ids, ids % 3 > 0, 4, seed)


def same(one: Batch, other: Batch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other))


def shown(batches: Batches, epoch: int = 0) -> torch.Tensor:
    """All ids of an epoch."""
    return torch.cat([batches[epoch * batches.distinct + number][0] for number in range(batches.distinct)])


@pytest.fixture(scope="session")
def tasks(tokenizer: PreTrainedTokenizerFast) -> TaskBatches:
    return TaskBatches(tokenizer, 4, seed=4, held_out=False)


def prompts(batches: TaskBatches, count: int) -> list[Instance]:
    """What is asked in the first batches."""
    asked = []
    for number in range(count):
        for ids, counted in zip(*batches[number]):
            read = ids[~counted].tolist()
            asked.append(Instance(decode(batches.tokenizer, read), ""))
    return asked


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


def test_bytes_that_are_no_text_are_named_with_their_place(tmp_path: Path) -> None:
    file = tmp_path / "picture.txt"
    file.write_bytes(b"one\xff")
    with pytest.raises(InputError, match=r"picture\.txt.*byte 3"):
        read_documents([file])


def test_the_tokenizer_keeps_the_released_models_ids(stories: list[str]) -> None:
    tokenizer = train_tokenizer(stories, 300)
    assert tokenizer.convert_ids_to_tokens([0, 1, 2, 3]) == ["<pad>", "<s>", "</s>", "<mask>"]
    assert tokenizer.encode("Tom")[0] == 1
    written = "Zoë 🗼\n\tfound 3."
    assert tokenizer.decode(tokenizer.encode(written), skip_special_tokens=True) == written


def test_the_tokenizer_splits_digits_singly() -> None:
    tokenizer = train_tokenizer(["12 + 12 = 24, 2024 and a1212b", *["1212"] * 50], 300)
    for written in ("1212", " 12 + 1212", "a12b"):
        tokens = tokenizer.tokenize(written)
        assert [token for token in tokens if any(c.isdigit() for c in token)] == [c for c in written if c.isdigit()]


def test_a_vocabulary_without_room_for_every_byte_is_refused(stories: list[str]) -> None:
    with pytest.raises(InputError, match=r"vocab_size is 259.*260"):
        train_tokenizer(stories, 259)


def test_every_document_has_its_beginning_and_its_end(stories: list[str]) -> None:
    tokenizer = train_tokenizer(stories, 300)
    stream = encode(stories, tokenizer).tolist()
    assert stream.count(BOS) == stream.count(EOS) == len(stories)
    assert decode(tokenizer, stream[: stream.index(EOS)]) == stories[0]
    assert decode(tokenizer, stream) == "".join(stories)


def test_every_piece_has_a_row_in_which_its_answer_begins_a_block() -> None:
    order = random.Random(0)
    pieces = [([1000 + n] * order.randint(1, 40), [2000 + n] * order.randint(1, 40)) for n in range(60)]
    ids, counted = rows_of(pieces)
    assert ids.shape == counted.shape
    assert len(ids) == len(pieces)
    for (prompt, answer), row, learnt in zip(pieces, ids.tolist(), counted):
        begin = row.index(answer[0])
        end = begin + -(-len(answer) // 16) * 16
        assert begin % 16 == 0
        assert begin - len(prompt) < 16
        padding = [PAD] * (begin - len(prompt)), [PAD] * (len(row) - begin - len(answer))
        assert row == padding[0] + prompt + answer + padding[1]
        # What follows the end within its block is written at inference, so it is learnt; what is padded on is not.
        assert np.array_equal(np.flatnonzero(learnt), np.arange(begin, end))


@pytest.mark.parametrize(("prompt", "answer", "length"), [(1, 1, 32), (16, 16, 32), (17, 16, 48), (16, 17, 48)])
def test_rows_are_as_long_as_the_longest_piece_in_whole_blocks(prompt: int, answer: int, length: int) -> None:
    ids, _ = rows_of([([5], [6]), ([5] * prompt, [6] * answer)])
    assert ids.shape == (2, length)


@pytest.mark.parametrize("task", TASKS)
def test_a_task_is_read_as_at_inference_and_ends(tokenizer: PreTrainedTokenizerFast, task: str) -> None:
    asked = next(instances(task, 0, held_out=False))
    ((read, written),) = encode_tasks([asked], tokenizer)
    assert read == tokenizer.encode(asked.prompt)
    assert read[0] == BOS
    assert written[-1] == EOS
    assert BOS not in written
    assert decode(tokenizer, written[:-1]) == asked.answer


def test_too_little_text_is_said_so() -> None:
    with pytest.raises(InputError, match="data is '79 tokens'; allowed: at least 80 tokens"):
        windows(79)
    assert windows(80).distinct == 1


@pytest.mark.parametrize("kind", ["windows", "rows", "tasks", "mixture"])
def test_a_batch_is_a_function_of_its_number(tasks: TaskBatches, kind: str) -> None:
    def begun() -> Batches:
        again = replace(tasks)
        return {"windows": windows(), "rows": rows(), "tasks": again, "mixture": Mixture(windows(), again, 0.5)}[kind]

    one, restarted = begun(), begun()
    in_order = [one[number] for number in range(40)]
    for number in (39, 0, 20, 3):
        assert same(restarted[number], in_order[number])
        assert not same(in_order[number], in_order[number - 1])


@pytest.mark.parametrize(("one", "other"), [(windows(), windows(seed=6)), (rows(), rows(seed=6))])
def test_another_seed_is_another_order(one: Batches, other: Batches) -> None:
    assert not same(one[0], other[0])


@pytest.mark.parametrize("epoch", [0, 3])
def test_an_epoch_shows_every_window_once(epoch: int) -> None:
    ids = shown(windows(), epoch)
    assert ids.shape == ((1000 - 16) // 16 // 4 * 4, 16)
    assert len(ids.flatten().unique()) == ids.numel()
    assert (ids[:, 1:] - ids[:, :-1] == 1).all()
    assert windows()[0][1].all()


def test_another_epoch_cuts_running_text_elsewhere_and_shows_it_in_another_order() -> None:
    cuts = [shown(windows(), epoch)[:, 0] for epoch in range(4)]
    assert all(len(set((begins % 16).tolist())) == 1 for begins in cuts)
    assert len({int(begins[0]) % 16 for begins in cuts}) > 1
    assert not torch.equal(cuts[0] // 16, cuts[1] // 16)


def test_an_epoch_of_rows_shows_each_once_as_it_is() -> None:
    order = []
    for epoch in range(2):
        ids = shown(rows(20), epoch)
        assert sorted(ids.flatten().tolist()) == list(range(320))
        assert set((ids[:, 0] % 16).tolist()) == {0}
        order.append(ids[:, 0])
    assert not torch.equal(*order)


def test_rows_that_fill_no_batch_wait_for_another_epoch() -> None:
    batches = rows(22)
    assert batches.distinct == 5
    assert len({int(first) for epoch in range(8) for first in shown(batches, epoch)[:, 0]}) == 22


def test_the_marks_of_what_is_counted_go_with_their_ids() -> None:
    batches = rows()
    for number in (0, batches.distinct):
        ids, counted = batches[number]
        assert torch.equal(counted, ids % 3 > 0)


def test_tasks_come_in_turn_and_never_again(tasks: TaskBatches) -> None:
    asked = [instance.prompt for instance in prompts(tasks, 33)]
    words = (
        "Add: ",
        "Answer: ",
        " lost ",
        "Count",
        "Sort: ",
        "Reverse: ",
        "Say it",
        "days",
        "JSON",
        "table",
        "What do",
    )
    mark = dict(zip(TASKS, words, strict=True))
    names = list(TASKS)
    assert all(mark[names[number % len(names)]] in prompt for number, prompt in enumerate(asked))
    assert len(asked) == len(set(asked)) == 4 * 33


@pytest.mark.parametrize("turns", [CONTEXT_TURNS, DENOISER_TURNS])
def test_what_is_hard_comes_up_more_often(tokenizer: PreTrainedTokenizerFast, turns: tuple[str, ...]) -> None:
    asked = prompts(TaskBatches(tokenizer, len(turns), seed=4, held_out=False, turns=turns), 1)
    assert set(turns) == set(TASKS)
    assert sum(instance.prompt.startswith("Count") for instance in asked) == turns.count("counting")
    assert sum(instance.prompt.startswith("Sort") for instance in asked) == turns.count("sorting") == 3


@pytest.mark.parametrize("held_out", [False, True])
def test_tasks_are_of_the_half_they_are_for(tokenizer: PreTrainedTokenizerFast, held_out: bool) -> None:
    asked = prompts(TaskBatches(tokenizer, 11, seed=0, held_out=held_out), 10)
    assert len(asked) == 110
    assert all(instance.held_out == held_out for instance in asked)


def test_another_seed_asks_other_tasks(tasks: TaskBatches) -> None:
    assert not set(prompts(tasks, 5)) & set(prompts(replace(tasks, seed=5), 5))


def test_a_batch_of_tasks_is_whole_blocks_of_which_the_answers_are_counted(tasks: TaskBatches) -> None:
    ids, counted = tasks[2]
    assert ids.dtype == torch.int64
    assert counted.dtype == torch.bool
    assert ids.shape == counted.shape
    assert ids.shape[0] == 4
    assert ids.shape[1] % 16 == 0
    assert ((ids == EOS) & counted).sum(1).tolist() == [1] * 4


@pytest.mark.parametrize("share", [0.25, 0.5, 0.6, 0.65])
def test_a_mixture_has_its_share_of_tasks_spread_evenly_and_loses_nothing(share: float) -> None:
    text, tasks = list(range(1000)), list(range(-1, -1001, -1))
    mixed = Mixture(text, tasks, share)  # type: ignore[arg-type]
    drawn = [mixed[number] for number in range(200)]
    asked = [number for number in drawn if number < 0]
    assert asked == tasks[: len(asked)]
    assert [number for number in drawn if number >= 0] == text[: 200 - len(asked)]
    for begin in range(0, 200, 20):
        here = sum(number < 0 for number in drawn[begin : begin + 20])
        assert here == pytest.approx(20 * share, abs=1)


def test_a_mixture_is_over_when_its_text_comes_back() -> None:
    mixed = Mixture(rows(20), rows(40), 0.75)
    assert mixed.distinct == 20
    text = [number for number in range(mixed.distinct) if any(same(mixed[number], rows(20)[k]) for k in range(5))]
    assert len(text) == 5
