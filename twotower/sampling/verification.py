"""The verify lane: the denoiser drafts a block, the context tower verifies it, and the text is autoregression's own.

The context tower *is* the autoregressive model, and it has to read every block anyway: with its head on top, the same
pass says what autoregression would have put at every drafted position. What agrees stays; the first token that does not
is replaced by autoregression's, and the context tower's state is rolled back to what stays. Every round gives at least
one token. The text is that of the autoregressive lane, token for token, up to floating point: where the two likeliest
tokens are nearer than rounding, a pass over a block and one over a token may choose differently.

With a temperature the same holds by sample and match: autoregression's token for a position is drawn with the noise of
that position, which the seed alone decides, and a draft is accepted while it meets it. (The p/q rule of speculative
sampling needs the draft's own probability; a block filled in any order over several passes has none.)
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from itertools import count

from torch import Tensor

from twotower.model.state import ContextState
from twotower.sampling.autoregressive import decode_token
from twotower.sampling.denoising import denoise_step, masked_slots, open_block
from twotower.sampling.drafting import DraftPlan
from twotower.sampling.events import BlockOpened, Event, Finished, Prefilled, Verified
from twotower.sampling.judging import judge
from twotower.sampling.run import Run, demand_finite


def draft_and_verify(run: Run) -> Iterator[Event]:
    """Round after round until an end token is accepted or the length is reached.

    Invariant: the context tower's state holds everything before `offset`, and `token`, autoregression's own, stands
    there. A round drafts what may come behind it.
    """
    (logits, state), seconds = run.clock.timed(run.model.prefill, run.prompt, run.room)
    yield Prefilled(run.clock.now, run.prompt.shape[1], seconds)
    opened, block = open_block(run, 0, 0)
    yield opened
    token, decoded = decode_token(run, logits, 0, 0.0, "prefill pass")
    yield decoded
    plan, offset = DraftPlan(run.settings, run.end_token_ids), 0
    for number in count(1):
        if token in run.end_token_ids or offset == run.settings.max_new_tokens - 1:
            yield Finished(run.clock.now, "end-token" if token in run.end_token_ids else "length", offset + 1)
            return
        drafted = yield from _draft(run, state, opened, [token, *block[1:]], plan)
        verified = yield from _verify(run, state, opened, drafted, plan)
        offset += verified.accepted
        token = drafted[verified.accepted]
        if verified.id is not None:
            offset, token = offset + 1, verified.id
            opened, block = open_block(run, number, offset)
            if token not in run.end_token_ids and offset < run.settings.max_new_tokens - 1:
                yield opened


def _draft(
    run: Run, state: ContextState, opened: BlockOpened, block: list[int], plan: DraftPlan
) -> Generator[Event, None, list[int]]:
    """Fill the slots behind the first one; the generator's return value is the block up to its first end token."""
    draft = plan.draft(opened.size)
    # The first slot is never masked, not even where autoregression has put the mask token there.
    while masked := [slot for slot in masked_slots(run, block) if slot > 0]:
        denoised = denoise_step(
            run,
            state,
            opened,
            draft.passes,
            block,
            masked,
            # With the noise that autoregression will have: a draft is to meet its choice, not to be another sample.
            choose=lambda logits, slots: run.choose_at(logits, [opened.offset + slot for slot in slots]),
            commit=draft.commit,
        )
        plan.drafted(denoised.seconds)
        yield denoised
    return block[: run.end_of_text(block) + 1]


def _verify(
    run: Run, state: ContextState, opened: BlockOpened, drafted: Sequence[int], plan: DraftPlan
) -> Generator[Event, None, Verified]:
    """Read `drafted`, its first token autoregression's own; keep what it accepts. Return value: what came of it."""
    ids, first = run.ids(*drafted).unsqueeze(0), opened.offset + 1
    (logits, ahead), seconds = run.clock.timed(run.model.verify_pass, ids, state)
    rows = logits[0].float()  # (S, V); row j is of position first + j
    with run.clock.paused():
        demand_finite(rows.amax(-1).tolist(), f"verify pass of block {opened.block}")
    chosen = run.choose_at(rows, range(first, first + len(drafted)))
    accepted = _accepted(run, rows, drafted[1:], chosen)
    ended = drafted[accepted] in run.end_token_ids or opened.offset + accepted == run.settings.max_new_tokens - 1
    if not ended:
        _, rolled = run.clock.timed(run.model.take_over, ahead, state, accepted + 1)
        seconds += rolled
    following = None if ended else int(chosen[accepted])
    plan.verified(seconds)
    verified = Verified(run.clock.now, opened.block, tuple(drafted[1:]), accepted, following, seconds)
    yield verified
    kept = [*drafted[1 : accepted + 1], *([] if following is None else [following])]
    yield from judge(run, lambda: rows, first, kept)
    return verified


def _accepted(run: Run, rows: Tensor, drafts: Sequence[int], chosen: Tensor) -> int:
    """How many drafted tokens stay: up to the first that autoregression would neither choose nor let pass."""
    passes = chosen[: len(drafts)] == run.ids(*drafts)
    if run.settings.accept_from < 1:
        given = rows.softmax(-1)[: len(drafts)].gather(1, run.ids(*drafts).unsqueeze(1)).squeeze(1)
        passes = passes | (given >= run.settings.accept_from)
    return int(passes.long().cumprod(0).sum())
