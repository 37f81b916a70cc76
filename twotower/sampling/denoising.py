"""A block opens; in each denoising step a denoiser pass proposes for every masked slot, and a rule commits some."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import torch
from torch import Tensor

from twotower.sampling.choice import indices, most_likely
from twotower.sampling.events import BlockOpened, Denoised, Proposal, Rule
from twotower.sampling.passes import Answer, Choose, DenoiserPass, Request
from twotower.sampling.run import Run, demand_finite
from twotower.sampling.unmasking import Proposed

Score = Callable[[Tensor, Sequence[int]], Tensor]  # float32 logits (M, V) of M slots -> scores (M, V)
Commit = Callable[[Proposed], "list[Rule | None]"]


def open_block(run: Run, number: int, offset: int) -> tuple[BlockOpened, list[int]]:
    """The event of a new block at `offset`, and its ids: masks, and the tokens that are pinned there."""
    size = min(run.settings.block_size, run.settings.max_new_tokens - offset)
    pinned = tuple(pin for pin in run.settings.pins if offset <= pin[0] < offset + size)
    block = [run.model.config.mask_token_id] * size
    for position, token in pinned:
        block[position - offset] = token
    return BlockOpened(run.now, number, offset, size, pinned), block


def denoise_step(
    run: Run,
    opened: BlockOpened,
    step: int,
    block: list[int],
    masked: Sequence[int],
    score: Score,
    commit: Commit,
    beyond: int = 0,
) -> Generator[Request, Answer, Denoised]:
    """Look at `block` (ids, changed in place) once; of the `masked` slots, one at least, fill those `commit` names.

    beyond: masked slots behind the block that the denoiser sees with it, though no text will stand there.
    """
    mask = run.model.config.mask_token_id
    seen = (*block, *(mask,) * beyond)
    t = seen.count(mask) / len(seen)
    logits, seconds = yield DenoiserPass(seen, t)
    rows = (logits if len(masked) == len(seen) else logits.index_select(0, indices(masked, logits))).float()
    rows = allowed(run, rows, [opened.offset + slot for slot in masked])
    # The confidence is unscaled, whatever temperature or filter chose the token.
    (tokens, confidences, _, probabilities), _ = yield Choose(rows, score(rows, masked))
    demand_finite(confidences, f"denoiser pass of block {opened.block}, step {step},")
    rules = commit(Proposed(masked, tokens, confidences, probabilities))
    for slot, token, rule in zip(masked, tokens, rules):
        if rule is not None:
            block[slot] = token
    time = run.now
    with run.recording():
        candidates = most_likely(probabilities, run.settings.candidates)
        proposals = tuple(
            Proposal(opened.offset + slot, token, confidence, rule, likely)
            for slot, token, confidence, rule, likely in zip(masked, tokens, confidences, rules, candidates)
        )
    return Denoised(time, opened.block, step, t, proposals, seconds)


def masked_slots(run: Run, block: Sequence[int]) -> list[int]:
    """The slots that a pass has to propose for; none where the block is finished.

    Once an end token stands, the slots after it are no text: they are left as they are, masked or not, unless
    `finish_block` asks for them.
    """
    end = len(block) if run.settings.finish_block else run.end_of_text(block)
    mask = run.model.config.mask_token_id
    return [slot for slot in range(end) if block[slot] == mask]


def allowed(run: Run, logits: Tensor, positions: Sequence[int]) -> Tensor:
    """Logits (M, V), changed in place: no mask token, and no end of the text before the last token that is pinned."""
    logits[:, run.model.config.mask_token_id] = -torch.inf
    if run.settings.pins:
        last = run.settings.pins[-1][0]
        before = indices([row for row, position in enumerate(positions) if position < last], logits)
        ends = indices([token for token in run.end_token_ids if token < logits.shape[1]], logits)
        logits[before.unsqueeze(1), ends] = -torch.inf
    return logits
