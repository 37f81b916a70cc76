"""The autoregressive lane: the context tower alone, cached, one token a pass. The baseline every ratio refers to."""

from __future__ import annotations

from torch import Tensor

from twotower.sampling.choice import most_likely, to_host
from twotower.sampling.events import Finished, Prefilled, TokenDecoded
from twotower.sampling.passes import ARStep, Lane, Prefill
from twotower.sampling.run import Run, demand_finite


def autoregressive(run: Run) -> Lane:
    """Decode until an end token or the length limit. The last token is not read: nothing would follow it."""
    logits, seconds = yield Prefill(run.prompt, run.settings.max_new_tokens)
    yield Prefilled(run.now, len(run.prompt), seconds)
    last = run.settings.max_new_tokens - 1
    seconds = 0.0  # the first token comes from the prefill
    for position in range(last + 1):
        token, decoded = decode_token(run, logits, position, seconds, "AR step")
        yield decoded
        if token in run.end_token_ids or position == last:
            yield Finished(run.now, "end-token" if token in run.end_token_ids else "length", position + 1)
            return
        logits, seconds = yield ARStep(token)


def decode_token(run: Run, logits: Tensor, position: int, seconds: float, where: str) -> tuple[int, TokenDecoded]:
    """Choose one token from logits (1, V); its event says what else was likely."""
    logits = logits.float()
    chosen = run.choose_at(logits, (position,))
    probabilities = logits.softmax(-1)
    (id_,), (probability,) = to_host(chosen, probabilities[0, chosen])
    demand_finite((probability,), where)
    token, time = int(id_), run.now
    with run.recording():
        (candidates,) = most_likely(probabilities, run.settings.candidates)
        decoded = TokenDecoded(time, position, token, probability, candidates, seconds)
    return token, decoded
