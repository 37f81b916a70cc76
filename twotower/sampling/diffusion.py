"""The diffusion lane: block-wise mask diffusion with confidence unmasking (paper, section 3.3).

A block starts as masks. Each denoiser pass proposes a token for every masked slot; the confident ones are committed
and never revised. The finished block goes through the context tower once, and the next one opens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count

from torch import Tensor

from twotower.model.state import ContextState
from twotower.sampling.autoregressive import decode_token
from twotower.sampling.denoising import allowed, denoise_step, masked_slots, open_block
from twotower.sampling.events import BlockOpened, ContextExtended, Denoised, Event, Finished, Prefilled
from twotower.sampling.judging import Logits, judge, rows_of_block, rows_of_last_block
from twotower.sampling.run import Run
from twotower.sampling.unmasking import Unmasking


def mask_diffusion(run: Run) -> Iterator[Event]:
    """Denoise block after block until an end token is committed or the length is reached.

    A last block shorter than the block size opens with the slots that are left. The last block is not read by the
    context tower: nothing would follow it. With `ar_anchor` the context tower chooses the first token of every block,
    from what it has read before.
    """
    (after_prompt, state), seconds = run.clock.timed(run.model.prefill, run.prompt, run.room)
    yield Prefilled(run.clock.now, run.prompt.shape[1], seconds)
    following: Logits = after_prompt.float  # of the next token; most runs need them for the record only
    offset = 0
    for number in count():
        opened, block = open_block(run, number, offset)
        yield opened
        if run.settings.ar_anchor and block[0] == run.model.config.mask_token_id:
            logits = allowed(run, following().float(), [offset])
            block[0], anchored = decode_token(run, logits, offset, 0.0, f"context pass before block {number}")
            yield anchored
        yield from denoise_block(run, state, opened, block)
        end = run.end_of_text(block)
        offset += opened.size
        ids = run.ids(*block[: end + 1]).unsqueeze(0)
        if end < opened.size or offset == run.settings.max_new_tokens:
            rows = partial(rows_of_last_block, run, following, ids, state)
            yield from judge(run, rows, opened.offset, block[: end + 1])
            tokens = min(opened.offset + end + 1, offset)
            yield Finished(run.clock.now, "end-token" if end < opened.size else "length", tokens)
            return
        hidden, seconds = run.clock.timed(run.model.context_pass, ids, state)
        yield ContextExtended(run.clock.now, number, opened.size, seconds)
        yield from judge(run, partial(rows_of_block, run, following, hidden), opened.offset, block)
        following = partial(run.model.context_lm_head, hidden[:, -1])


def denoise_block(run: Run, state: ContextState, opened: BlockOpened, block: list[int]) -> Iterator[Denoised]:
    """Unmask `block` (ids, changed in place) in at most `steps_per_block` steps."""
    unmasking, steps = Unmasking(run.settings), run.settings.steps_per_block
    for step in range(steps):
        masked = masked_slots(run, block)
        if not masked:
            return
        choose = partial(_choose, run, (opened.block, step))
        commit = partial(unmasking, steps_left=steps - step)
        yield denoise_step(run, state, opened, step, block, masked, choose, commit)


def _choose(run: Run, key: tuple[int, int], logits: Tensor, slots: Sequence[int]) -> Tensor:
    """With noise of the block and the step: a slot that stays masked is drawn anew."""
    return run.choose(logits, *key)
