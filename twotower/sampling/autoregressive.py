"""The autoregressive lane: the context tower alone, cached, one token a pass. The baseline every ratio refers to."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from twotower.sampling.choice import most_likely
from twotower.sampling.events import Event, Finished, Prefilled, TokenDecoded
from twotower.sampling.run import Run, demand_finite


def autoregressive(run: Run) -> Iterator[Event]:
    """Decode until an end token or the length limit. The last token is not read: nothing would follow it."""
    (logits, state), seconds = run.clock.timed(run.model.prefill, run.prompt, run.room)
    yield Prefilled(run.clock.now, run.prompt.shape[1], seconds)
    last = run.settings.max_new_tokens - 1
    seconds = 0.0  # the first token comes from the prefill
    for position in range(last + 1):
        token, decoded = decode_token(run, logits, position, seconds, "AR step")
        yield decoded
        if token in run.end_token_ids or position == last:
            yield Finished(run.clock.now, "end-token" if token in run.end_token_ids else "length", position + 1)
            return
        logits, seconds = run.clock.timed(run.model.ar_step, run.ids(token), state)


def decode_token(run: Run, logits: Tensor, position: int, seconds: float, where: str) -> tuple[int, TokenDecoded]:
    """Choose one token from logits (1, V) and record what else was likely, off the clock."""
    logits = logits.float()
    chosen = run.choose_at(logits, [position])
    token = int(chosen)
    time = run.clock.now
    with run.clock.paused():
        probabilities = logits.softmax(-1)
        probability = float(probabilities[0, token])
        demand_finite([probability], where)
        (candidates,) = most_likely(probabilities, run.settings.candidates)
    return token, TokenDecoded(time, position, token, probability, candidates, seconds)
