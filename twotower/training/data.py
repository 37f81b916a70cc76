"""Text for training: stories from files, a byte-level tokenizer of our own, batches in an order a restart keeps.

Any text file will do in which every document ends with a line `<|endoftext|>`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from twotower.errors import InputError

DOCUMENT_END = "<|endoftext|>"
SPECIAL_TOKENS = ("<pad>", "<s>", "</s>", "<mask>")  # ids 0 to 3: the released model's conventions
BOS, EOS = 1, 2


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
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
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
    backend = tokenizer.backend_tokenizer
    stream: list[int] = []
    for encoding in backend.encode_batch(list(documents)):
        stream.extend(encoding.ids)
        stream.append(EOS)
    return np.asarray(stream, dtype=np.int32)


class Batches:
    """Windows of `length` tokens cut from a stream. Batch k is a pure function of k and the seed.

    Each epoch shifts the cuts and shuffles the windows anew.
    """

    def __init__(self, stream: np.ndarray, length: int, batch_size: int, seed: int) -> None:
        self.windows = (len(stream) - length) // length
        if self.windows < batch_size:
            raise InputError("data", f"{len(stream)} tokens", f"at least {(batch_size + 1) * length} tokens")
        self.stream, self.length, self.batch_size, self.seed = stream, length, batch_size, seed

    @property
    def per_epoch(self) -> int:
        """Batches in one pass over the stream."""
        return self.windows // self.batch_size

    def __getitem__(self, number: int) -> Tensor:
        """Batch `number` as ids (batch_size, length), int64."""
        epoch, row = divmod(number, self.per_epoch)
        order = np.random.default_rng((self.seed, epoch))
        shift = int(order.integers(self.length))
        chosen = order.permutation(self.windows)[row * self.batch_size : (row + 1) * self.batch_size]
        starts = chosen[:, None] * self.length + shift
        return torch.from_numpy(self.stream[starts + np.arange(self.length)].astype(np.int64))
