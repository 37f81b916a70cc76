"""Time conditioning by its formula, and where it goes in a layer."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from twotower.model.twotower import TwoTower


def modulation_by_hand(model: TwoTower, t: float) -> Tensor:
    """Shift, gain and gate, (layers, 3, hidden), with plain loops."""
    conditioning = model.conditioning
    first, second = conditioning.t_embedder.mlp[0], conditioning.t_embedder.mlp[2]
    angles = [1000 * t * math.exp(-math.log(10_000) * i / 128) for i in range(128)]
    waves = torch.tensor([math.cos(a) for a in angles] + [math.sin(a) for a in angles])
    embedded = second(torch.nn.functional.silu(first(waves)))
    shared = conditioning.t_block[1](torch.nn.functional.silu(embedded)).view(3, -1)
    gain = torch.tensor([[0.0], [1.0], [0.0]])  # the scale that is learnt is counted from 1
    return torch.stack([table + shared + gain for table in conditioning.scale_shift_tables])


@pytest.mark.parametrize("t", [1.0, 0.5, 1 / 16, 0.0])
def test_one_t_is_the_formula(tiny_model: TwoTower, t: float) -> None:
    ours = tiny_model.conditioning.at(t)[:, :, 0, 0]
    torch.testing.assert_close(ours, modulation_by_hand(tiny_model, t), atol=1e-4, rtol=1e-4)


def test_a_batch_of_t_is_each_t(tiny_model: TwoTower) -> None:
    several = tiny_model.conditioning(torch.tensor([0.25, 0.75]))
    assert torch.equal(tiny_model.conditioning.at([0.25, 0.75])[:, :, 1:], tiny_model.conditioning.at(0.75))
    for row, t in enumerate((0.25, 0.75)):
        torch.testing.assert_close(several[:, :, row : row + 1], tiny_model.conditioning.at(t), atol=1e-4, rtol=1e-4)


def test_a_t_is_computed_once(tiny_model: TwoTower) -> None:
    assert tiny_model.conditioning.at(0.375) is tiny_model.conditioning.at(0.375)


@pytest.mark.parametrize(("pattern", "before_norm"), [("M", True), ("*", True), ("E", False), ("-", False)])
def test_where_a_layer_modulates(tiny_model: TwoTower, pattern: str, before_norm: bool) -> None:
    layer = next(layer for layer in tiny_model.denoiser_tower.layers if layer.kind == pattern)
    g = torch.Generator().manual_seed(0)
    x, shift, scale = (torch.randn(1, 4, 40, generator=g) for _ in range(3))
    wanted = layer.norm(x * (1 + scale) + shift) if before_norm else layer.norm(x) * (1 + scale) + shift
    torch.testing.assert_close(layer.modulated(x, shift, 1 + scale), wanted)


def test_no_t_is_no_modulation(tiny_model: TwoTower, make_model) -> None:
    # Identity modulation (shift 0, scale 0, gate 1) must equal none at all.
    model = make_model()
    for table in model.conditioning.scale_shift_tables:
        table.zero_()
        table[2] = 1.0
    model.conditioning.t_block[1].weight.zero_()
    model.conditioning.t_block[1].bias.zero_()
    context, block = [5, 6, 7], [8, 3, 9, 3]
    identity, none = model.denoiser_logits(context, block, 0.5), model.denoiser_logits(context, block, None)
    torch.testing.assert_close(identity, none, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(tiny_model.denoiser_logits(context, block, 0.5), none)
