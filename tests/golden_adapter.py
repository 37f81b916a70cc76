"""Our model behind the interface of the golden checks, through the public API alone.

The numbers it is held against came from NVIDIA's own code on the CPU in float32; tests/test_golden.py compares them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from twotower import TwoTower
from twotower.sampling import SamplingSettings, generate
from twotower.sampling.events import BlockOpened, Denoised
from twotower.trace import Trace


def load(checkpoint_dir: str) -> GoldenModel:
    return GoldenModel(TwoTower.from_pretrained(checkpoint_dir, device="cpu", dtype=torch.float32))


class GoldenModel:
    def __init__(self, model: TwoTower) -> None:
        self.model = model

    def prefill_logits(self, ids: Sequence[int]) -> torch.Tensor:
        return self.model.context_logits(ids)[0]

    def ar_greedy(self, ids: Sequence[int], n: int, want_logits: bool = False, eos_token_id: int | None = None):
        tokens = self._run("autoregressive", ids, n, eos_token_id).token_ids
        if not want_logits:
            return tokens
        rows = self.model.context_logits([*ids, *tokens])[0]
        return tokens, rows[len(ids) - 1 : -1]

    def mock_ar(self, ids: Sequence[int], n: int, want_logits: bool = False, eos_token_id: int | None = None):
        tokens = self._run("mock-ar", ids, n, eos_token_id).token_ids
        if not want_logits:
            return tokens
        text = [*ids, *tokens]
        lengths = range(len(ids), len(text))
        rows = [self.model.denoiser_logits(text[: at - 1], text[at - 1 : at], None)[0, 0] for at in lengths]
        return tokens, torch.stack(rows)

    def denoiser_logits(self, ids: Sequence[int], block: Sequence[int], t: float) -> torch.Tensor:
        return self.model.denoiser_logits(ids, block, t)[0]

    def mask_diffusion(
        self,
        ids: Sequence[int],
        max_new_tokens: int,
        block_size: int,
        steps_per_block: int,
        threshold: float,
        eos_token_id: int | None = None,
    ):
        trace = self._run(
            "diffusion",
            ids,
            max_new_tokens,
            eos_token_id,
            block_size=block_size,
            steps_per_block=steps_per_block,
            threshold=threshold,
            finish_block=True,
        )
        # The reference keeps the text after an end token to the end of its block; our trace has it in its slots.
        return list(trace.slots), len(_blocks_before_passes(trace)), _blocks_before_passes(trace)

    def _run(self, lane: str, ids: Sequence[int], n: int, eos_token_id: int | None, **settings) -> Trace:
        ends = () if eos_token_id is None else (eos_token_id,)
        chosen = SamplingSettings(max_new_tokens=n, end_token_ids=ends, **settings)
        return Trace.record(generate(self.model, ids, lane, chosen))


def _blocks_before_passes(trace: Trace) -> list[list[int]]:
    """The block that went into each denoiser pass."""
    blocks: list[list[int]] = []
    block: list[int] = []
    offset = 0
    for event in trace.events:
        if isinstance(event, BlockOpened):
            block, offset = [trace.started.mask_token_id] * event.size, event.offset
        elif isinstance(event, Denoised):
            blocks.append(list(block))
            for proposal in event.committed:
                block[proposal.position - offset] = proposal.id
    return blocks
