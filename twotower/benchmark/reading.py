"""What the passes read: the model's own example prompts, again and again, or random ids where there are none."""

from __future__ import annotations

from itertools import cycle, islice

import torch
from torch import Tensor

from twotower.examples import find_examples
from twotower.model.twotower import TwoTower
from twotower.text import encode_prompt

LONGEST_RANDOM_PROMPT = 32


def ids_to_read(model: TwoTower, count: int) -> Tensor:
    """(1, count) ids, always the same ones. They decide which experts a pass touches, and nothing else of its cost."""
    prompts = _prompts(model)
    if prompts:
        text = [token for prompt in prompts.values() for token in prompt]
        return torch.tensor([list(islice(cycle(text), count))], device=model.device)
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(model.config.vocab_size, (1, count), generator=generator)
    unmasked = (model.config.mask_token_id + 1) % model.config.vocab_size
    return ids.masked_fill(ids == model.config.mask_token_id, unmasked).to(model.device)


def half_masked(model: TwoTower, block: Tensor) -> Tensor:
    """A block (1, S) with every second slot masked: what a denoiser pass sees midway."""
    noisy = block.clone()
    noisy[:, ::2] = model.config.mask_token_id
    return noisy


def prompt_of(model: TwoTower) -> tuple[str, list[int]]:
    """A name and ids of one prompt: the model's first example, else random ids."""
    for name, ids in _prompts(model).items():
        return name, ids
    length = min(LONGEST_RANDOM_PROMPT, model.config.max_position_embeddings // 2)
    return "random ids", ids_to_read(model, length)[0].tolist()


def prompts_of(model: TwoTower, count: int) -> list[list[int]]:
    """So many prompts, not all of one length: the model's examples in turn, else random ids."""
    examples = list(_prompts(model).values())
    if examples:
        return list(islice(cycle(examples), count))
    _, prompt = prompt_of(model)
    return [prompt[: max(1, len(prompt) - number % len(prompt))] for number in range(count)]


def reads_text(model: TwoTower) -> bool:
    """Whether it is text that the passes read."""
    return bool(_prompts(model))


def _prompts(model: TwoTower) -> dict[str, list[int]]:
    examples = find_examples(model.folder, model.config) if model.folder is not None else None
    if examples is None:
        return {}
    return {example.name: encode_prompt(model, example.prompt) for example in examples.prompts}
