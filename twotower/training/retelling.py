"""Text that the context tower writes itself: what the denoiser has to foresee when it decodes in parallel.

Greedy text of one model has fewer ways to go on than text of many authors (sequence-level distillation, Kim & Rush
2016), so more of a block can be known at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm
from transformers import PreTrainedTokenizerFast

from twotower.errors import InputError
from twotower.model.twotower import TwoTower
from twotower.training.data import EOS, rows_of

_AT_ONCE = 128
_SHORTEST, _LONGEST = 4, 48  # tokens of a beginning


def retell(
    model: TwoTower, documents: Sequence[str], tokenizer: PreTrainedTokenizerFast, count: int, length: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """`count` beginnings of documents, each gone on with by the context tower: rows of up to `length`, what it wrote.

    Raises InputError where no document is as long as the shortest beginning.
    """
    order = np.random.default_rng(seed)
    longest = min(_LONGEST, length // 2)
    encoded = [encoding.ids for encoding in tokenizer.backend_tokenizer.encode_batch(list(documents))]
    texts = [ids for ids in encoded if len(ids) >= _SHORTEST]
    if not texts:
        raise InputError("data", f"documents of up to {max(map(len, encoded))} tokens", f"some of at least {_SHORTEST}")
    pieces: list[tuple[list[int], list[int]]] = []
    with tqdm(total=count, desc="retelling", unit="text") as bar:
        while len(pieces) < count:
            size = int(order.integers(_SHORTEST, longest + 1))
            chosen = order.integers(len(texts), size=min(_AT_ONCE, count - len(pieces)))
            prompts = [texts[i][:size] for i in chosen if len(texts[i]) >= size]
            if not prompts:
                continue
            room = length - size - (-size % model.config.trained_block_size)
            written = torch.stack(list(_continuations(model, prompts, room)), 1).tolist()
            pieces += [(prompt, _ended(text)) for prompt, text in zip(prompts, written)]
            bar.update(len(prompts))
    return rows_of(pieces, model.config.trained_block_size)


@torch.inference_mode()
def _continuations(model: TwoTower, prompts: Sequence[Sequence[int]], count: int) -> Iterator[Tensor]:
    """Greedy tokens (B,), `count` times, after prompts of one length."""
    logits, state = model.prefill(torch.tensor(prompts, device=model.device), room=count)
    for _ in range(count):
        token = logits.argmax(-1)
        yield token
        logits = model.ar_step(token, state)


def _ended(text: list[int]) -> list[int]:
    """Up to and with the end token."""
    return text[: text.index(EOS) + 1] if EOS in text else text
