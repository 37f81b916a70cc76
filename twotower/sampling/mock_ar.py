"""The mock-AR lane: the denoiser tower as a one-token autoregressive model, without time conditioning.

It predicts the next token from the last one and the context tower's state *before* that one: what two towers cost
and give without any diffusion (paper, section 4).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from torch import Tensor

from twotower.model.state import ContextState
from twotower.sampling.autoregressive import decode_token
from twotower.sampling.events import Event, Finished, Prefilled
from twotower.sampling.judging import judge
from twotower.sampling.run import Run


def mock_ar(run: Run) -> Iterator[Event]:
    """Decode until an end token or the length limit."""
    model, last = run.model, run.settings.max_new_tokens - 1

    def read_all_but_last() -> ContextState:
        if run.prompt.shape[1] == 1:
            return model.empty_state(1, run.room)
        _, state = model.prefill(run.prompt[:, :-1], run.room + 1)
        return state

    def step(token: Tensor, state: ContextState) -> tuple[Tensor, Tensor]:
        logits = model.denoiser_pass(token.unsqueeze(0), state, None)[:, 0]
        return logits, model.context_step(token, state)

    state, seconds = run.clock.timed(read_all_but_last)
    yield Prefilled(run.clock.now, run.prompt.shape[1] - 1, seconds)
    token = int(run.prompt[0, -1])
    for position in range(last + 1):
        (logits, hidden), seconds = run.clock.timed(step, run.ids(token), state)
        token, decoded = decode_token(run, logits, position, seconds, "mock-AR step")
        yield decoded
        yield from judge(run, partial(model.context_lm_head, hidden), position, [token])
        if token in run.end_token_ids or position == last:
            yield Finished(run.clock.now, "end-token" if token in run.end_token_ids else "length", position + 1)
            return
