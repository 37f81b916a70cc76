"""What the autoregressive model says of a text: recorded for the viewer, off the clock, where anything is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from twotower.sampling.choice import indices, most_likely
from twotower.sampling.events import Judged
from twotower.sampling.run import Run

Logits = Callable[[], Tensor]  # called where they are needed only: a head costs as much as some layers


def is_recorded(run: Run) -> bool:
    """Whether the run records anything beside its text."""
    return run.settings.candidates > 0


def judge(run: Run, rows: Logits, position: int, tokens: Sequence[int]) -> Iterator[Judged]:
    """One event on the tokens from `position` on; none in a run that records no candidates.

    rows() gives the context tower's logits (R >= len(tokens), V), row j those of token j given everything before it; it
    is called only where they are needed. `choices` are what autoregression would have put there, its own noise
    included.
    """
    if not is_recorded(run) or not tokens:
        return
    with run.recording():
        logits = rows()[: len(tokens)].float()
        log_probabilities = logits.log_softmax(-1)
        given = log_probabilities.gather(1, indices(tokens, log_probabilities).unsqueeze(1)).squeeze(1)
        judged = Judged(
            time=run.now,
            position=position,
            log_probabilities=tuple(given.tolist()),
            choices=tuple(run.scores_at(logits, range(position, position + len(tokens))).argmax(-1).tolist()),
            candidates=tuple(most_likely(log_probabilities.exp(), run.settings.candidates)),
        )
    yield judged


def rows_of_block(run: Run, before: Logits, hidden: Tensor) -> Tensor:
    """Logits (S, V) of every slot of a block that the context tower has read: hidden (S, D).

    Row j of the pass predicts slot j + 1; slot 0 was predicted by the last row before it, before() (1, V).
    """
    return torch.cat((before(), run.model.context_lm_head(hidden[:-1])))
