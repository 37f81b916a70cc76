"""Norms by their definitions."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from twotower.model.norms import GatedGroupRMSNorm, RMSNorm


def test_rms_norm_is_its_formula() -> None:
    norm = RMSNorm(6, 1e-5)
    norm.weight.data = torch.arange(1.0, 7.0)
    x = torch.randn(3, 6, generator=torch.Generator().manual_seed(0))
    wanted = x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt() * norm.weight
    torch.testing.assert_close(norm(x), wanted)


def test_the_gated_norm_is_taken_group_by_group() -> None:
    norm = GatedGroupRMSNorm(6, 2, 1e-5)
    norm.weight.data = torch.arange(1.0, 7.0)
    g = torch.Generator().manual_seed(0)
    x, gate = torch.randn(3, 6, generator=g), torch.randn(3, 6, generator=g)
    gated = x * F.silu(gate)
    halves = [half / (half.square().mean(-1, keepdim=True) + 1e-5).sqrt() for half in gated.split(3, -1)]
    torch.testing.assert_close(norm(x, gate), torch.cat(halves, -1) * norm.weight)


def test_bfloat16_in_bfloat16_out() -> None:
    x = torch.randn(2, 6).bfloat16()
    assert RMSNorm(6, 1e-5)(x).dtype == torch.bfloat16
    assert GatedGroupRMSNorm(6, 2, 1e-5)(x, x).dtype == torch.bfloat16
