"""What a layer remembers: text in front, tokens read ahead behind it, a noisy block aside."""

from __future__ import annotations

import torch

from twotower import TwoTower
from twotower.model.memory import KVCache

TEXT = [5, 60, 7, 33]


def test_what_stands_behind_the_text_has_no_influence(tiny_model: TwoTower) -> None:
    outcomes = []
    for filled in (0.0, 50.0):
        _, state = tiny_model.prefill(torch.tensor([TEXT]), room=20)
        for memory in state.layers:
            if isinstance(memory, KVCache):
                memory.buffer[:, 4:] = filled
        outcomes.append(
            (tiny_model.denoiser_pass(torch.tensor([[9, 3]]), state, 0.5), tiny_model.ar_step(torch.tensor([9]), state))
        )
    for zeros, others in zip(*outcomes):
        torch.testing.assert_close(zeros, others)


@torch.inference_mode()
def test_a_look_stands_aside_of_what_was_read_ahead(tiny_model: TwoTower) -> None:
    _, state = tiny_model.prefill(torch.tensor([TEXT]), room=20)
    caches = [memory for memory in state.layers if isinstance(memory, KVCache)]
    tiny_model.verify_pass(torch.tensor([[9, 10, 11]]), state)
    ahead = [cache.buffer[:, : cache.capacity].clone() for cache in caches]
    assert all(rows[:, 4:7].any() and not rows[:, 7:].any() for rows in ahead)
    tiny_model.denoiser_pass(torch.tensor([[3, 3, 3, 3]]), state, 1.0)
    for cache, rows in zip(caches, ahead, strict=True):
        assert torch.equal(cache.buffer[:, : cache.capacity], rows)
        assert cache.buffer[:, cache.capacity : cache.capacity + 4].any()
