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

from collections.abc import Generator, Sequence
from itertools import count

from twotower.sampling.autoregressive import decode_token
from twotower.sampling.denoising import denoise_step, masked_slots, open_block
from twotower.sampling.drafting import DraftPlan
from twotower.sampling.events import BlockOpened, Event, Finished, Prefilled, Verified
from twotower.sampling.judging import judge
from twotower.sampling.passes import Answer, Choose, Chosen, Lane, Prefill, Request, TakeOver, VerifyPass
from twotower.sampling.run import Run, demand_finite


def draft_and_verify(run: Run) -> Lane:
    """Round after round until an end token is accepted or the length is reached.

    Invariant: the context tower has read everything before `offset`, and `token`, autoregression's own, stands there. A
    round drafts what may come behind it.
    """
    logits, seconds = yield Prefill(run.prompt, run.room)
    yield Prefilled(run.now, len(run.prompt), seconds)
    opened, block = open_block(run, 0, 0)
    yield opened
    token, decoded = yield from decode_token(run, logits, 0, 0.0, "prefill pass")
    yield decoded
    plan, offset = DraftPlan(run.settings, run.end_token_ids), 0
    for number in count(1):
        if token in run.end_token_ids or offset == run.settings.max_new_tokens - 1:
            yield Finished(run.now, "end-token" if token in run.end_token_ids else "length", offset + 1)
            return
        drafted = yield from _draft(run, opened, [token, *block[1:]], plan)
        verified = yield from _verify(run, opened, drafted, plan)
        offset += verified.accepted
        token = drafted[verified.accepted]
        if verified.id is not None:
            offset, token = offset + 1, verified.id
            opened, block = open_block(run, number, offset)
            if token not in run.end_token_ids and offset < run.settings.max_new_tokens - 1:
                yield opened


def _draft(
    run: Run, opened: BlockOpened, block: list[int], plan: DraftPlan
) -> Generator[Event | Request, Answer, list[int]]:
    """Fill the slots behind the first one; the generator's return value is the block up to its first end token."""
    draft = plan.draft(opened.size)
    # The first slot is never masked, not even where autoregression has put the mask token there.
    while masked := [slot for slot in masked_slots(run, block) if slot > 0]:
        denoised = yield from denoise_step(
            run,
            opened,
            draft.passes,
            block,
            masked,
            # With the noise that autoregression will have: a draft is to meet its choice, not to be another sample.
            score=lambda logits, slots: run.scores_at(logits, [opened.offset + slot for slot in slots]),
            commit=draft.commit,
            # Rounds end anywhere, so what is left of the length may be of any size: a pass is of one.
            beyond=run.settings.block_size - opened.size,
        )
        plan.drafted(denoised.seconds)
        yield denoised
    return block[: run.end_of_text(block) + 1]


def _verify(
    run: Run, opened: BlockOpened, drafted: Sequence[int], plan: DraftPlan
) -> Generator[Event | Request, Answer, Verified]:
    """Read `drafted`, its first token autoregression's own; keep what it accepts. Return value: what came of it."""
    logits, seconds = yield VerifyPass(tuple(drafted))
    rows, first = logits.float(), opened.offset + 1  # (S, V); row j is of position first + j
    also = (*drafted[1:], drafted[0]) if run.settings.accept_from < 1 else None  # behind the last nothing is drafted
    chosen, _ = yield Choose(rows, run.scores_at(rows, range(first, first + len(drafted))), also)
    demand_finite(chosen.confidences, f"verify pass of block {opened.block}")
    accepted = _accepted(run, drafted[1:], chosen)
    ended = drafted[accepted] in run.end_token_ids or opened.offset + accepted == run.settings.max_new_tokens - 1
    if not ended:
        _, rolled = yield TakeOver(accepted + 1)
        seconds += rolled
    following = None if ended else chosen.tokens[accepted]
    plan.verified(seconds)
    verified = Verified(run.now, opened.block, tuple(drafted[1:]), accepted, following, seconds)
    yield verified
    kept = [*drafted[1 : accepted + 1], *([] if following is None else [following])]
    yield from judge(run, lambda: rows, first, kept)
    return verified


def _accepted(run: Run, drafts: Sequence[int], chosen: Chosen) -> int:
    """How many drafted tokens stay: up to the first that autoregression would neither choose nor let pass."""
    least = run.settings.accept_from
    stays = [draft == choice for draft, choice in zip(drafts, chosen.tokens)]
    if least < 1:
        stays = [same or probability >= least for same, probability in zip(stays, chosen.also)]
    return [*stays, False].index(False)
