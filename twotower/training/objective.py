"""What the towers are trained to do. Pure functions from a model and ids to a loss.

Everywhere `counted` marks the tokens that are to be learnt: prompts of tasks and padding are read, not written.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from twotower.model.twotower import TwoTower

LEAST_MASKED = 1e-3  # paper, section 3: t is uniform on [1e-3, 1]


def _present(model: TwoTower, ids: Tensor) -> Tensor | None:
    """What is text (B, L): all but the padding in front, which is there to move the blocks and must leave no trace."""
    text = ids != model.config.pad_token_id
    return None if text[:, 0].all() else text.cumsum(1) > 0


def _mean_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of logits (M, V) and targets (M,); 0 for M = 0, when chance left nothing to learn."""
    return F.cross_entropy(logits, targets, reduction="sum") / max(1, len(targets))


def next_token_loss(model: TwoTower, ids: Tensor, counted: Tensor) -> Tensor:
    """Mean cross-entropy of the context tower predicting the counted ids (B, L) from what is before each."""
    hidden = model.context_tower.read(ids[:, :-1], _present(model, ids[:, :-1]))
    learnt = counted[:, 1:]
    return _mean_loss(model.context_lm_head(hidden[learnt]).float(), ids[:, 1:][learnt])


@dataclass(frozen=True)
class NoisyBlocks:
    """A batch as the denoiser sees it: texts cut into blocks, each text masked at its own rate."""

    ids: Tensor  # (B * K, S), masked tokens replaced by the mask id
    masked: Tensor  # (B * K, S) bool
    targets: Tensor  # (B * K, S)
    counted: Tensor  # (B * K, S) bool
    t: Tensor  # (B * K,) the masking rate of each block's text

    @property
    def learnt(self) -> Tensor:
        """(B * K, S): what the loss is over."""
        return self.masked & self.counted


def add_noise(
    ids: Tensor, counted: Tensor, block_size: int, mask_token_id: int, generator: torch.Generator
) -> NoisyBlocks:
    """Mask each token of text b with probability t_b.

    The rates are stratified over the batch (Kingma et al. 2021, appendix I): each is uniform, together they cover
    [1e-3, 1] evenly, which lowers the variance of the loss.
    """
    batch, length = ids.shape
    offsets = torch.rand(batch, generator=generator)
    t = LEAST_MASKED + (1 - LEAST_MASKED) * (torch.randperm(batch, generator=generator) + offsets) / batch
    masked = torch.rand(batch, length, generator=generator) < t.unsqueeze(1)
    t, masked = t.to(ids.device), masked.to(ids.device)
    blocks = length // block_size
    fold = (batch * blocks, block_size)
    noisy = ids.masked_fill(masked, mask_token_id)
    return NoisyBlocks(
        noisy.view(fold), masked.view(fold), ids.view(fold), counted.view(fold), t.repeat_interleave(blocks)
    )


def masked_block_loss(
    model: TwoTower, ids: Tensor, counted: Tensor, block_size: int, generator: torch.Generator
) -> Tensor:
    """Mean cross-entropy of the denoiser over masked tokens of ids (B, K * S), all blocks in one pass.

    Paper, section 3: block b sees the clean context before it through the frozen context tower and its own noisy
    tokens; same-position targets; no 1/t weight.
    """
    noisy = add_noise(ids, counted, block_size, model.config.mask_token_id, generator)
    with torch.no_grad():
        memory = model.context_tower.read_blocks(ids, block_size, _present(model, ids))
    hidden = model.denoiser_tower.denoise_blocks(noisy.ids, memory, model.conditioning(noisy.t))
    return _mean_loss(model.lm_head(hidden[noisy.learnt]).float(), noisy.targets[noisy.learnt])


def parallel_loss(model: TwoTower, ids: Tensor, counted: Tensor, block_size: int, generator: torch.Generator) -> Tensor:
    """Cross-entropy over two steps of the denoiser's own decoding of ids (B, K * S), to make it decode in parallel.

    In the first pass every counted token is masked. The second sees what the first was sure of, which is what the
    sampler would show it, and learns the rest. So the masks it trains on are those it meets, not independent draws
    (certainty-forcing on its own trajectories, Chen et al. 2025, dParallel).
    """
    fold = (-1, block_size)
    targets, learnt = ids.view(fold), counted.view(fold)
    with torch.no_grad():
        memory = model.context_tower.read_blocks(ids, block_size, _present(model, ids))

    def denoised(masked: Tensor) -> tuple[Tensor, Tensor]:
        """Loss over the masked tokens, and the confidence (M,) in each."""
        noisy = targets.masked_fill(masked, model.config.mask_token_id)
        t = masked.float().mean(1)
        hidden = model.denoiser_tower.denoise_blocks(noisy, memory, model.conditioning(t))
        logits = model.lm_head(hidden[masked]).float()
        return _mean_loss(logits, targets[masked]), logits.detach().softmax(-1).amax(-1)

    first, confidence = denoised(learnt)
    threshold = torch.rand(learnt.shape[0], 1, generator=generator).to(ids.device)
    sure = torch.full(learnt.shape, -1.0, device=ids.device).masked_scatter(learnt, confidence)
    shown = (sure > threshold) | (sure == sure.amax(1, keepdim=True))
    still = learnt & ~shown
    if not still.any():
        return first
    second, _ = denoised(still)
    return first + second
