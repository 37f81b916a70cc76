"""Scores of texts: right or wrong for tasks; likelihood, variety and repetition for stories. Pure but for a model."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from twotower.model.twotower import TwoTower


def is_right(text: str, answer: str) -> bool:
    """Letter by letter, white space at the ends aside."""
    return text.strip() == answer.strip()


def mean_log_likelihood(model: TwoTower, prompt_ids: Sequence[int], token_ids: Sequence[int]) -> float:
    """Mean log-probability (nats a token) that the context tower, the autoregressive model, gives the tokens."""
    ids = [*prompt_ids, *token_ids]
    rows = model.context_logits(ids)[0, len(prompt_ids) - 1 : -1].float().log_softmax(-1)
    targets = torch.tensor(list(token_ids), device=rows.device)
    return float(rows.gather(1, targets.unsqueeze(1)).mean())


def distinct(token_ids: Sequence[int], n: int) -> float:
    """Different n-grams over all n-grams (Li et al. 2016); 1 where there are none."""
    grams = [tuple(token_ids[i : i + n]) for i in range(len(token_ids) - n + 1)]
    return len(set(grams)) / len(grams) if grams else 1.0


def stutter(token_ids: Sequence[int]) -> float:
    """The share of tokens that repeat the one or the two before them: what collapsed blocks look like."""
    repeats = sum(
        (i >= 1 and token_ids[i] == token_ids[i - 1])
        or (i >= 3 and tuple(token_ids[i - 1 : i + 1]) == tuple(token_ids[i - 3 : i - 1]))
        for i in range(len(token_ids))
    )
    return repeats / len(token_ids) if token_ids else 0.0
