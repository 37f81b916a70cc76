"""The diffusion lane: block-wise mask diffusion with confidence unmasking (paper, section 3.3).

A block starts as masks. Each denoiser pass proposes a token for every masked slot; the confident ones are committed
and never revised. The finished block goes through the context tower once, and the next one opens.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import count

import torch
from torch import Tensor

from twotower.model.state import ContextState
from twotower.sampling.choice import most_likely
from twotower.sampling.events import BlockOpened, ContextExtended, Denoised, Event, Finished, Prefilled, Proposal
from twotower.sampling.run import Run, demand_finite
from twotower.sampling.unmasking import confidence_unmasking


def mask_diffusion(run: Run) -> Iterator[Event]:
    """Denoise block after block until an end token is committed or the length is reached.

    A last block shorter than the block size opens with the slots that are left. The last block is not read by the
    context tower: nothing would follow it.
    """
    (next_logits, state), seconds = run.clock.timed(run.model.prefill, run.prompt)
    yield Prefilled(run.clock.now, run.prompt.shape[1], seconds)
    offset = 0
    for number in count():
        size = min(run.settings.block_size, run.settings.max_new_tokens - offset)
        yield BlockOpened(run.clock.now, number, offset, size)
        block = yield from denoise_block(run, state, number, offset, size)
        end = _end_of_text(run, block)
        if end < size:
            yield Finished(run.clock.now, "end-token", offset + end + 1)
            return
        offset += size
        if offset == run.settings.max_new_tokens:
            yield Finished(run.clock.now, "length", offset)
            return
        ids = run.ids(*block).unsqueeze(0)
        hidden, seconds = run.clock.timed(run.model.context_pass, ids, state)
        time = run.clock.now
        with run.clock.paused():
            judged, next_logits = _judge(run, ids, hidden, next_logits)
        yield ContextExtended(time, number, size, judged, seconds)


def denoise_block(
    run: Run, state: ContextState, number: int, offset: int, size: int
) -> Generator[Denoised, None, list[int]]:
    """Unmask one block; the generator's return value is its `size` ids.

    Once an end token is committed, the slots after it are no text: they are left as they are, masked or not, unless
    `finish_block` asks for them.
    """
    mask = run.model.config.mask_token_id
    block = [mask] * size
    steps = run.settings.steps_per_block
    for step in range(steps):
        end = size if run.settings.finish_block else _end_of_text(run, block)
        masked = [slot for slot in range(end) if block[slot] == mask]
        if not masked:
            break
        t = block.count(mask) / size
        logits, seconds = run.clock.timed(run.model.denoiser_pass, run.ids(*block).unsqueeze(0), state, t)
        tokens, confidences, probabilities = propose(run, logits[0], masked, number, step)
        demand_finite(confidences, f"denoiser pass of block {number}, step {step},")
        rules = confidence_unmasking(confidences, run.settings.threshold, steps - step)
        for slot, token, rule in zip(masked, tokens, rules):
            if rule is not None:
                block[slot] = token
        time = run.clock.now
        with run.clock.paused():
            candidates = most_likely(probabilities, run.settings.candidates)
        proposals = tuple(
            Proposal(offset + slot, token, confidence, rule, likely)
            for slot, token, confidence, rule, likely in zip(masked, tokens, confidences, rules, candidates)
        )
        yield Denoised(time, number, step, t, proposals, seconds)
    return block


def _end_of_text(run: Run, block: list[int]) -> int:
    """The slot of the first end token; the block's size where there is none."""
    ends = run.end_token_ids - {run.model.config.mask_token_id}  # a masked slot ends nothing, whatever was asked
    return next((slot for slot, token in enumerate(block) if token in ends), len(block))


def propose(
    run: Run, logits: Tensor, masked: list[int], number: int, step: int
) -> tuple[list[int], list[float], Tensor]:
    """A token and its confidence for each of the M masked slots of logits (S, V), and all probabilities (M, V).

    The mask token is forbidden. Confidence is the unscaled probability of the chosen token, whatever temperature
    or filter chose it.
    """
    logits = logits.float()[masked]
    logits[:, run.model.config.mask_token_id] = -torch.inf
    probabilities = logits.softmax(-1)
    tokens = run.choose(logits, number, step)
    confidences = probabilities.gather(1, tokens.unsqueeze(1)).squeeze(1)
    return tokens.tolist(), confidences.tolist(), probabilities


def _judge(run: Run, ids: Tensor, hidden: Tensor, next_logits: Tensor) -> tuple[tuple[float, ...], Tensor]:
    """The AR model's log-probability of each committed token, from the states its pass has left anyway.

    Row j of the pass predicts slot j + 1; slot 0 was predicted by the last row before it, `next_logits` (1, V).
    """
    if run.settings.candidates == 0:
        return (), next_logits
    logits = run.model.context_lm_head(hidden[0])  # (S, V)
    rows = torch.cat((next_logits, logits[:-1])).float().log_softmax(-1)
    return tuple(rows.gather(1, ids[0].unsqueeze(1)).squeeze(1).tolist()), logits[-1:]
