"""The mock-AR lane: the denoiser tower as a one-token autoregressive model, without time conditioning.

It predicts the next token from the last one and the context tower's state *before* that one: what two towers cost
and give without any diffusion (paper, section 4).
"""

from __future__ import annotations

from functools import partial

from twotower.sampling.autoregressive import decode_token
from twotower.sampling.events import Finished, Prefilled
from twotower.sampling.judging import judge
from twotower.sampling.passes import Lane, MockARStep, ReadPrompt
from twotower.sampling.run import Run


def mock_ar(run: Run) -> Lane:
    """Decode until an end token or the length limit."""
    *before, token = run.prompt
    _, seconds = yield ReadPrompt(tuple(before), run.room)
    yield Prefilled(run.now, len(before), seconds)
    last = run.settings.max_new_tokens - 1
    for position in range(last + 1):
        (logits, hidden), seconds = yield MockARStep(token)
        token, decoded = yield from decode_token(run, logits, position, seconds, "mock-AR step")
        yield decoded
        yield from judge(run, partial(run.model.context_lm_head, hidden), position, [token])
        if token in run.end_token_ids or position == last:
            yield Finished(run.now, "end-token" if token in run.end_token_ids else "length", position + 1)
            return
