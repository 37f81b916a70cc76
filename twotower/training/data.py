"""Text for training: stories from files, a byte-level tokenizer of our own, batches in an order a restart keeps.

Any text file will do in which every document ends with a line `<|endoftext|>`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from twotower.errors import InputError
from twotower.training.tasks import TASKS, Instance, instances

DOCUMENT_END = "<|endoftext|>"
SPECIAL_TOKENS = ("<pad>", "<s>", "</s>", "<mask>")  # ids 0 to 3: the released model's conventions
PAD, BOS, EOS = 0, 1, 2
BLOCK = 16  # the trained block


def read_documents(paths: Iterable[Path]) -> list[str]:
    """The documents of all files, in order, without the end marks."""
    documents: list[str] = []
    for path in paths:
        if not path.is_file():
            raise InputError("data", str(path), "a text file")
        try:
            pieces = path.read_text(encoding="utf-8").split(DOCUMENT_END)
        except UnicodeDecodeError as error:
            raise InputError("data", str(path), f"text in UTF-8 ({error.reason} at byte {error.start})") from error
        documents.extend(piece.strip() for piece in pieces if piece.strip())
    if not documents:
        raise InputError("data", [str(path) for path in paths], "files that hold at least one document")
    return documents


def train_tokenizer(documents: Sequence[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE: every text can be written with it, and every text it reads begins with `<s>`."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    if vocab_size < len(alphabet) + len(SPECIAL_TOKENS):
        least = len(alphabet) + len(SPECIAL_TOKENS)
        raise InputError("vocab_size", vocab_size, f"at least {least}: every byte and the special tokens")
    tokenizer = Tokenizer(models.BPE())
    # A digit is a token: numbers nobody has seen are written with the same ten.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", BOS)])
    pad, bos, eos, mask = SPECIAL_TOKENS
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=pad, bos_token=bos, eos_token=eos, mask_token=mask
    )


def encode(documents: Sequence[str], tokenizer: PreTrainedTokenizerFast) -> np.ndarray:
    """One stream of ids, `<s> document </s>` after another."""
    ids: list[int] = []
    for encoding in tokenizer.backend_tokenizer.encode_batch(list(documents)):
        ids.extend(encoding.ids)
        ids.append(EOS)
    return np.asarray(ids, dtype=np.int32)


def rows_of(pieces: Sequence[tuple[Sequence[int], Sequence[int]]], block: int = BLOCK) -> tuple[np.ndarray, np.ndarray]:
    """(prompt, answer) ids as rows (R, L) of ids and of what is counted: the answer and its block's rest.

    Padded in front so that every answer begins a block, as the first block at inference begins where the prompt ends;
    the losses see to it that this padding leaves no trace. L is the least multiple of the block that fits them all.
    Each piece has a row of its own: with several in a row a tower would have to learn which of them is asked about.
    """
    read = [[PAD] * (-len(prompt) % block) + list(prompt) for prompt, _ in pieces]
    written = [list(answer) + [PAD] * (-len(answer) % block) for _, answer in pieces]
    length = max(len(a) + len(b) for a, b in zip(read, written))
    ids = np.full((len(pieces), length), PAD, dtype=np.int32)
    counted = np.zeros((len(pieces), length), dtype=bool)
    for row, (a, b) in enumerate(zip(read, written)):
        ids[row, : len(a) + len(b)] = a + b
        counted[row, len(a) : len(a) + len(b)] = True
    return ids, counted


Batch = tuple[Tensor, Tensor]  # ids (B, L) int64, and which of them are counted (B, L) bool


class Batches(Protocol):
    """Batches by number; batch k is a pure function of k and a seed, so a restart goes on with the same ones."""

    @property
    def distinct(self) -> int:
        """Batches before the first comes back."""

    def __getitem__(self, number: int) -> Batch: ...


class Windows:
    """Windows of `length` tokens of running text. Each epoch shifts the cuts and shuffles the windows anew."""

    def __init__(self, ids: np.ndarray, length: int, batch_size: int, seed: int) -> None:
        self._ids, self._length, self._batch_size, self._seed = ids, length, batch_size, seed
        self._windows = (len(ids) - length) // length
        if self._windows < batch_size:
            raise InputError("data", f"{len(ids)} tokens", f"at least {(batch_size + 1) * length} tokens")
        self.distinct = self._windows // batch_size

    def __getitem__(self, number: int) -> Batch:
        """Batch `number`, every token counted."""
        epoch, row = divmod(number, self.distinct)
        order = np.random.default_rng((self._seed, epoch))
        shift = int(order.integers(self._length))
        chosen = order.permutation(self._windows)[row * self._batch_size : (row + 1) * self._batch_size]
        places = chosen[:, None] * self._length + shift + np.arange(self._length)
        ids = torch.from_numpy(self._ids[places].astype(np.int64))
        return ids, torch.ones_like(ids, dtype=torch.bool)


class Rows:
    """Given rows (R, L) with what is counted in them, shuffled anew each epoch."""

    def __init__(self, ids: np.ndarray, counted: np.ndarray, batch_size: int, seed: int) -> None:
        self._ids, self._counted, self._batch_size, self._seed = ids, counted, batch_size, seed
        self.distinct = len(ids) // batch_size

    def __getitem__(self, number: int) -> Batch:
        """Batch `number`."""
        epoch, row = divmod(number, self.distinct)
        order = np.random.default_rng((self._seed, epoch)).permutation(len(self._ids))
        chosen = order[row * self._batch_size : (row + 1) * self._batch_size]
        return torch.from_numpy(self._ids[chosen].astype(np.int64)), torch.from_numpy(self._counted[chosen])


@dataclass(frozen=True)
class TaskBatches:
    """`batch_size` new instances a batch, tasks taking `turns`: `<s> prompt answer </s>`, only answers counted."""

    tokenizer: PreTrainedTokenizerFast
    batch_size: int
    seed: int
    held_out: bool
    turns: Sequence[str] = tuple(TASKS)
    block: int = BLOCK
    distinct: int = sys.maxsize

    def __getitem__(self, number: int) -> Batch:
        """Batch `number`."""
        first = number * self.batch_size
        asked = [
            next(instances(self.turns[k % len(self.turns)], f"{self.seed}/{k}", self.held_out))
            for k in range(first, first + self.batch_size)
        ]
        ids, counted = rows_of(encode_tasks(asked, self.tokenizer), self.block)
        return torch.from_numpy(ids.astype(np.int64)), torch.from_numpy(counted)


def encode_tasks(asked: Sequence[Instance], tokenizer: PreTrainedTokenizerFast) -> list[tuple[list[int], list[int]]]:
    """(`<s> prompt`, `answer </s>`) ids of each instance."""
    backend = tokenizer.backend_tokenizer
    prompts = backend.encode_batch([instance.prompt for instance in asked])
    answers = backend.encode_batch([instance.answer for instance in asked], add_special_tokens=False)
    return [(prompt.ids, [*answer.ids, EOS]) for prompt, answer in zip(prompts, answers)]


@dataclass(frozen=True)
class Mixture:
    """Batches of text and of tasks, spread evenly: `share` of all batches are tasks."""

    text: Batches
    tasks: Batches
    share: float

    @property
    def distinct(self) -> int:
        """Batches before text comes back."""
        return math.floor(self.text.distinct / (1 - self.share))

    def __getitem__(self, number: int) -> Batch:
        """Batch `number`."""
        before, through = math.floor(number * self.share), math.floor((number + 1) * self.share)
        return self.tasks[before] if through > before else self.text[number - before]
