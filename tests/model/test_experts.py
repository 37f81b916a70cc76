"""The mixture of experts against a loop over tokens and experts."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from twotower.model import experts as experts_module
from twotower.model.configuration import TwoTowerConfig
from twotower.model.experts import Experts, MoE, all_experts, chosen_experts, grouped_linear


@pytest.fixture
def moe(tiny_config: TwoTowerConfig) -> MoE:
    module = MoE(tiny_config)
    generator = torch.Generator().manual_seed(1)
    for parameter in module.parameters():
        parameter.data.normal_(0, 0.3, generator=generator)
    module.gate.e_score_correction_bias.copy_(torch.tensor([0.5, -0.5, 0.0, 0.2, -0.1]))
    return module.requires_grad_(False)


def by_hand(moe: MoE, token: Tensor, config: TwoTowerConfig) -> Tensor:
    scores = torch.sigmoid(moe.gate.weight @ token)
    chosen = (scores + moe.gate.e_score_correction_bias).topk(config.num_experts_per_tok).indices
    weights = scores[chosen] / scores[chosen].sum() * config.routed_scaling_factor
    out = moe.shared_experts(token)
    for expert, weight in zip(chosen, weights):
        inner = torch.relu(moe.experts.up_proj[expert] @ token).square()
        out = out + weight * (moe.experts.down_proj[expert] @ inner)
    return out


@pytest.mark.parametrize("tokens", [1, 2, 16, 40])
def test_every_token_gets_its_experts(moe: MoE, tiny_config: TwoTowerConfig, tokens: int) -> None:
    x = torch.randn(tokens, tiny_config.hidden_size, generator=torch.Generator().manual_seed(tokens))
    wanted = torch.stack([by_hand(moe, token, tiny_config) for token in x])
    torch.testing.assert_close(moe(x), wanted, atol=1e-5, rtol=1e-4)


def routed(config: TwoTowerConfig, tokens: int, **changes: int) -> tuple[Experts, Tensor, Tensor, Tensor]:
    """Experts of a changed configuration, and rows with a random choice of them."""
    config = replace(config, **changes)
    generator = torch.Generator().manual_seed(tokens)
    experts = Experts(config).requires_grad_(False)
    for parameter in experts.parameters():
        parameter.normal_(0, 0.3, generator=generator)
    x = torch.randn(tokens, config.hidden_size, generator=generator)
    scores = torch.rand(tokens, config.n_routed_experts, generator=generator)
    weights, chosen = scores.topk(config.num_experts_per_tok)
    return experts, x, chosen, weights


def both_ways(experts: Experts, x: Tensor, chosen: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """All of them, and those that were chosen."""
    stacks = experts.up_proj, experts.down_proj
    return all_experts(x, *stacks, chosen, weights), chosen_experts(x, *stacks, chosen, weights)


@pytest.mark.parametrize("tokens", [1, 2, 16, 40])
@pytest.mark.parametrize("inner", [16, 17])  # of a width that torch's grouped product takes, and of one it does not
def test_all_experts_and_chosen_experts_agree(tiny_config: TwoTowerConfig, tokens: int, inner: int) -> None:
    experts, *given = routed(tiny_config, tokens, moe_intermediate_size=inner)
    one, other = both_ways(experts, *given)
    torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_both_ways_keep_the_dtype_of_the_rows(tiny_config: TwoTowerConfig) -> None:
    experts, x, chosen, weights = routed(tiny_config, 6, moe_intermediate_size=16)
    experts, x = experts.to(torch.bfloat16), x.to(torch.bfloat16)
    one, other = both_ways(experts, x, chosen, weights)
    assert one.dtype == other.dtype == torch.bfloat16
    torch.testing.assert_close(one, other, atol=0.1, rtol=0.05)


@pytest.mark.parametrize(
    ("count", "inner", "way"),
    [(8, 64, "all_experts"), (102, 64, "all_experts"), (103, 64, "chosen_experts"), (4, 1640, "chosen_experts")],
)
def test_small_experts_are_all_computed_and_large_ones_are_not(
    tiny_config: TwoTowerConfig, monkeypatch: pytest.MonkeyPatch, count: int, inner: int, way: str
) -> None:
    experts, *given = routed(tiny_config, 3, n_routed_experts=count, moe_intermediate_size=inner)
    taken: list[str] = []
    for name in ("all_experts", "chosen_experts"):
        monkeypatch.setattr(experts_module, name, lambda *_, name=name: taken.append(name))
    experts(*given)
    assert taken == [way]


def test_the_bias_chooses_but_does_not_weigh(moe: MoE, tiny_config: TwoTowerConfig) -> None:
    x = torch.randn(8, tiny_config.hidden_size, generator=torch.Generator().manual_seed(3))
    moe.gate.e_score_correction_bias.zero_()
    before, _ = moe.gate(x)
    moe.gate.e_score_correction_bias[1] = 10.0
    experts, weights = moe.gate(x)
    assert (experts == 1).any(1).all()
    assert not (before == 1).any(1).all()
    torch.testing.assert_close(weights.sum(1), torch.full((8,), tiny_config.routed_scaling_factor))


def test_the_router_computes_in_float32_under_autocast(moe: MoE, tiny_config: TwoTowerConfig) -> None:
    x = torch.randn(8, tiny_config.hidden_size, generator=torch.Generator().manual_seed(4))
    exact = moe.gate(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = moe.gate(x)
    assert torch.equal(exact[0], mixed[0])
    assert torch.equal(exact[1], mixed[1])


@pytest.mark.parametrize(("size", "inner"), [(8, 16), (7, 16), (8, 3)])
@pytest.mark.parametrize("counts", [[2, 0, 3], [0, 0, 5], [5, 0, 0]])
def test_grouped_linear_is_one_product_an_expert(size: int, inner: int, counts: list[int]) -> None:
    g = torch.Generator().manual_seed(0)
    rows, weights = torch.randn(5, size, generator=g), torch.randn(3, inner, size, generator=g)
    expert_of_row = torch.repeat_interleave(torch.arange(3), torch.tensor(counts))
    wanted = torch.stack([weights[expert] @ row for expert, row in zip(expert_of_row, rows)])
    torch.testing.assert_close(grouped_linear(rows, weights, torch.tensor(counts)), wanted, atol=1e-5, rtol=1e-4)
