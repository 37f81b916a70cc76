"""What the towers are trained to do. Pure functions from a model and ids to a loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from twotower.model.twotower import TwoTower

LEAST_MASKED = 1e-3  # paper, section 3: t is uniform on [1e-3, 1]


def next_token_loss(model: TwoTower, ids: Tensor) -> Tensor:
    """Mean cross-entropy of the context tower predicting ids (B, L) from what is before each."""
    logits = model.context_lm_head(model.context_tower.read(ids[:, :-1]))
    return F.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())


@dataclass(frozen=True)
class NoisyBlocks:
    """A batch as the denoiser sees it: texts cut into blocks, each text masked at its own rate."""

    ids: Tensor  # (B * K, S), masked tokens replaced by the mask id
    masked: Tensor  # (B * K, S) bool
    targets: Tensor  # (B * K, S)
    t: Tensor  # (B * K,) the masking rate of each block's text


def add_noise(ids: Tensor, block_size: int, mask_token_id: int, generator: torch.Generator) -> NoisyBlocks:
    """Mask each token of text b with probability t_b.

    The rates are stratified over the batch (Kingma et al. 2021, appendix I): each is uniform, together they cover
    [1e-3, 1] evenly, which lowers the variance of the loss.
    """
    batch, length = ids.shape
    offsets = torch.rand(batch, generator=generator)
    t = LEAST_MASKED + (1 - LEAST_MASKED) * (torch.randperm(batch, generator=generator) + offsets) / batch
    masked = torch.rand(batch, length, generator=generator) < t.unsqueeze(1)
    t, masked = t.to(ids.device), masked.to(ids.device)
    noisy = ids.masked_fill(masked, mask_token_id)
    blocks = length // block_size
    fold = (batch * blocks, block_size)
    return NoisyBlocks(noisy.view(fold), masked.view(fold), ids.view(fold), t.repeat_interleave(blocks))


def masked_block_loss(model: TwoTower, ids: Tensor, block_size: int, generator: torch.Generator) -> Tensor:
    """Mean cross-entropy of the denoiser over masked tokens of ids (B, K * S), all blocks in one pass.

    Paper, section 3: block b sees the clean context before it through the frozen context tower and its own noisy
    tokens; same-position targets; no 1/t weight.
    """
    noisy = add_noise(ids, block_size, model.config.mask_token_id, generator)
    with torch.no_grad():
        memory = model.context_tower.read_blocks(ids, block_size)
    hidden = model.denoiser_tower.denoise(noisy.ids, memory, model.conditioning(noisy.t))
    logits = model.lm_head(hidden[noisy.masked])
    return F.cross_entropy(logits.float(), noisy.targets[noisy.masked])
