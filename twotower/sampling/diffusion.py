"""The diffusion lane: block-wise mask diffusion with confidence unmasking (paper, section 3.3).

A block starts as masks. Each denoiser pass proposes a token for every masked slot; the confident ones are committed
and never revised. The finished block goes through the context tower once, and the next one opens.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import count

from torch import Tensor

from twotower.sampling.autoregressive import decode_token
from twotower.sampling.denoising import allowed, denoise_step, masked_slots, open_block
from twotower.sampling.events import BlockOpened, ContextExtended, Finished, Prefilled
from twotower.sampling.judging import Logits, is_recorded, judge, rows_of_block
from twotower.sampling.passes import ContextPass, Lane, Prefill, RecordPass
from twotower.sampling.run import Run
from twotower.sampling.unmasking import Unmasking


def mask_diffusion(run: Run) -> Lane:
    """Denoise block after block until an end token is committed or the length is reached.

    A last block shorter than the block size opens with the slots that are left. The last block is not read by the
    context tower: nothing would follow it. With `ar_anchor` the context tower chooses the first token of every block,
    from what it has read before.
    """
    after_prompt, seconds = yield Prefill(run.prompt, run.room)
    yield Prefilled(run.now, len(run.prompt), seconds)
    following: Logits = after_prompt.clone  # of the next token; most runs need them for the record only
    offset = 0
    for number in count():
        opened, block = open_block(run, number, offset)
        yield opened
        if run.settings.ar_anchor and block[0] == run.model.config.mask_token_id:
            logits = allowed(run, following().float(), [offset])
            where = f"context pass before block {number}"
            block[0], anchored = yield from decode_token(run, logits, offset, 0.0, where)
            yield anchored
        yield from denoise_block(run, opened, block)
        end = run.end_of_text(block)
        offset += opened.size
        if end < opened.size or offset == run.settings.max_new_tokens:
            text = block[: end + 1]
            if is_recorded(run):
                hidden, _ = yield RecordPass(tuple(text))
                yield from judge(run, partial(rows_of_block, run, following, hidden), opened.offset, text)
            tokens = min(opened.offset + end + 1, offset)
            yield Finished(run.now, "end-token" if end < opened.size else "length", tokens)
            return
        hidden, seconds = yield ContextPass(tuple(block))
        yield ContextExtended(run.now, number, opened.size, seconds)
        yield from judge(run, partial(rows_of_block, run, following, hidden), opened.offset, block)
        following = partial(run.model.context_lm_head, hidden[-1:])


def denoise_block(run: Run, opened: BlockOpened, block: list[int]) -> Lane:
    """Unmask `block` (ids, changed in place) in at most `steps_per_block` steps."""
    unmasking, steps = Unmasking(run.settings), run.settings.steps_per_block
    for step in range(steps):
        masked = masked_slots(run, block)
        if not masked:
            return
        score = partial(_score, run, (opened.block, step))
        commit = partial(unmasking, steps_left=steps - step)
        yield (yield from denoise_step(run, opened, step, block, masked, score, commit))


def _score(run: Run, key: tuple[int, int], logits: Tensor, slots: Sequence[int]) -> Tensor:
    """With noise of the block and the step: a slot that stays masked is drawn anew."""
    return run.scores(logits, *key)
