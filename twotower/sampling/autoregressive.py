"""The autoregressive lane: the context tower alone, cached, one token a pass. The baseline every ratio refers to."""

from __future__ import annotations

from collections.abc import Generator

from torch import Tensor

from twotower.sampling.choice import most_likely
from twotower.sampling.events import Finished, Prefilled, TokenDecoded
from twotower.sampling.passes import Answer, ARStep, Choose, Lane, Prefill, Request
from twotower.sampling.run import Run, demand_finite


def autoregressive(run: Run) -> Lane:
    """Decode until an end token or the length limit. The last token is not read: nothing would follow it."""
    logits, seconds = yield Prefill(run.prompt, run.room)
    yield Prefilled(run.now, len(run.prompt), seconds)
    last = run.settings.max_new_tokens - 1
    seconds = 0.0  # the first token comes from the prefill
    for position in range(last + 1):
        token, decoded = yield from decode_token(run, logits, position, seconds, "AR step")
        yield decoded
        if token in run.end_token_ids or position == last:
            yield Finished(run.now, "end-token" if token in run.end_token_ids else "length", position + 1)
            return
        logits, seconds = yield ARStep(token)


def decode_token(
    run: Run, logits: Tensor, position: int, seconds: float, where: str
) -> Generator[Request, Answer, tuple[int, TokenDecoded]]:
    """Choose one token from logits (1, V); its event says what else was likely."""
    logits = logits.float()
    chosen, _ = yield Choose(logits, run.scores_at(logits, (position,)))
    demand_finite(chosen.confidences, where)
    (token,), (probability,), time = chosen.tokens, chosen.confidences, run.now
    with run.recording():
        (candidates,) = most_likely(chosen.probabilities, run.settings.candidates)
        decoded = TokenDecoded(time, position, token, probability, candidates, seconds)
    return token, decoded
