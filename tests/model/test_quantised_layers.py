"""Layers over quantised weights, against the plain ones whose weights they were made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from quantised import WIDTHS, quantised_weights, read_in
from torch import Tensor, nn

from twotower.model import quantised_layers
from twotower.model.configuration import TwoTowerConfig
from twotower.model.experts import Experts, all_experts, chosen_experts
from twotower.model.quantised_layers import QuantisedEmbedding, QuantisedExperts, QuantisedLinear
from twotower.model.twotower import TwoTower

both = pytest.mark.parametrize("bits", [8, 4])
LEAVES = {8: 0.04, 4: 0.4}  # of the logits' size: what rounding may change through embeddings, a layer and a head
Make = Callable[..., TwoTower]


def expanded_by_hand(codes: Tensor, scales: Tensor, bits: int) -> Tensor:
    """A matrix, number by number."""
    rows = []
    for row, held in enumerate(codes.tolist()):
        group = len(held) * 8 // bits // scales.shape[1]
        numbers = []
        for column in range(len(held) * 8 // bits):
            number, within = divmod(column, group)
            if bits == 8:
                code = held[column]
            else:
                byte = held[number * group // 2 + within % (group // 2)]
                code = (byte >> 4 if within >= group // 2 else byte & 15) - 8
            numbers.append(code * float(scales[row, number]))
        rows.append(numbers)
    return torch.tensor(rows)


@both
def test_a_linear_and_an_embedding_by_hand(bits: int) -> None:
    generator = torch.Generator().manual_seed(bits)
    x, ids = torch.randn(2, 3, 48, generator=generator), torch.tensor([[4, 0], [6, 6]])
    for made in (QuantisedLinear(torch.empty(7, 48), bits), QuantisedEmbedding(torch.empty(7, 48), bits)):
        made.weight.rows.copy_(torch.randn(7, 48, generator=generator))
        weight = expanded_by_hand(made.weight.codes, made.weight.scales, bits)
        given, wanted = (made(x), x @ weight.t()) if isinstance(made, QuantisedLinear) else (made(ids), weight[ids])
        torch.testing.assert_close(given, wanted)


def off(given: Tensor, wanted: Tensor) -> float:
    """How far logits are from others, over the size of those: the median over tokens, as one may change its experts."""
    return float(((given - wanted).norm(dim=-1) / wanted.norm(dim=-1)).median())


@both
@pytest.mark.parametrize("pattern", ["M", "*", "E", "-"])
def test_every_kind_of_layer_is_near_the_plain_one(make_model: Make, tmp_path: Path, pattern: str, bits: int) -> None:
    plain = make_model(hybrid_override_pattern=pattern, **WIDTHS)
    given = read_in(plain, tmp_path, bits)
    ids = torch.randint(4, 90, (3, 20), generator=torch.Generator().manual_seed(7))

    def context_and_denoiser() -> tuple[float, float]:
        block = [model.denoiser_logits(ids[:, :12], ids[:, 12:], 0.5) for model in (given, plain)]
        return off(given.context_logits(ids), plain.context_logits(ids)), off(*block)

    assert max(context_and_denoiser()) < LEAVES[bits]
    for _, weight in quantised_weights(given):  # the same groups in another order are far off
        if weight.scales.shape[-1] > 1:
            weight.scales.copy_(weight.scales.roll(1, -1))
    assert min(context_and_denoiser()) > LEAVES[bits]


@both
def test_what_is_quantised_and_what_never_is(make_model: Make, tmp_path: Path, bits: int) -> None:
    model = read_in(make_model(**WIDTHS), tmp_path, bits)
    kept = {"embeddings", "lm_head", "context_lm_head"}
    for name, weight in quantised_weights(model):
        wide = any(part in kept for part in name.split("."))
        assert weight.bits == (8 if wide else bits), name
    quantised = {".".join(name.split(".")[-2:]) for name, _ in quantised_weights(model)}
    assert quantised == {
        "embeddings.weight",
        "lm_head.weight",
        "context_lm_head.weight",
        "in_proj.weight",
        "out_proj.weight",
        "qkv_proj.weight",
        "o_proj.weight",
        "up_proj.weight",
        "down_proj.weight",
        "experts.up_proj",
        "experts.down_proj",
    }
    never = ("gate.", "conv1d", "t_embedder", "t_block", "scale_shift_tables")
    for name, parameter in model.named_parameters():
        assert parameter.dim() < 2 or any(part in name for part in never), name


@both
def test_widths_that_no_group_divides_stay_as_they_are(make_model: Make, tmp_path: Path, bits: int) -> None:
    plain = make_model()  # experts of 17, shared ones of 19, an MLP of 23, a Mamba layer of 42
    model = read_in(plain, tmp_path, bits)
    assert isinstance(model.context_tower.layers[4].mixer.down_proj, nn.Linear)
    assert isinstance(model.context_tower.layers[0].mixer.out_proj, nn.Linear)
    experts = model.context_tower.layers[1].mixer.experts
    assert isinstance(experts.down_proj, nn.Parameter)
    assert torch.equal(experts.down_proj, plain.context_tower.layers[1].mixer.experts.down_proj)
    assert off(model.context_logits([5, 6, 7, 8]), plain.context_logits([5, 6, 7, 8])) < LEAVES[bits]


def routed(config: TwoTowerConfig, bits: int, tokens: int, inner: int) -> tuple[QuantisedExperts, tuple[Tensor, ...]]:
    """Quantised experts, and rows with a random choice of them."""
    config = replace(config, **{**WIDTHS, "moe_intermediate_size": inner, "n_routed_experts": 11})
    generator = torch.Generator().manual_seed(tokens)
    plain = Experts(config).requires_grad_(False)
    made = QuantisedExperts(plain, bits)
    for name in ("up_proj", "down_proj"):
        weight = torch.randn(getattr(plain, name).shape, generator=generator) * 0.3
        held = getattr(made, name)
        held.data.copy_(weight) if isinstance(held, nn.Parameter) else held.rows.copy_(weight)
    x = torch.randn(tokens, config.hidden_size, generator=generator)
    weights, chosen = torch.rand(tokens, 11, generator=generator).topk(config.num_experts_per_tok)
    return made, (x, chosen, weights)


@both
@pytest.mark.parametrize("inner", [40, 17])  # of groups, and of none
@pytest.mark.parametrize("tokens", [1, 2, 5, 40])
def test_every_way_through_the_experts_is_one(tiny_config: TwoTowerConfig, bits: int, inner: int, tokens: int) -> None:
    experts, (x, chosen, weights) = routed(tiny_config, bits, tokens, inner)
    up, down = experts._expanded(torch.float32)
    wanted = torch.zeros_like(x)
    for row, (own, share) in enumerate(zip(chosen, weights)):
        for expert, weight in zip(own, share):
            wanted[row] += weight * (down[expert] @ torch.relu(up[expert] @ x[row]).square())
    for given in (
        experts(x, chosen, weights),
        experts.experts_touched(x, chosen, weights),
        all_experts(x, up, down, chosen, weights),
        chosen_experts(x, up, down, chosen, weights),
        torch.cat([experts.experts_of_one(*(t[row : row + 1] for t in (x, chosen, weights))) for row in range(tokens)]),
    ):
        torch.testing.assert_close(given, wanted, atol=1e-4, rtol=1e-4)


@both
@pytest.mark.parametrize("tokens", [1, 6])
def test_experts_keep_the_dtype_of_the_rows(tiny_config: TwoTowerConfig, bits: int, tokens: int) -> None:
    experts, (x, chosen, weights) = routed(tiny_config, bits, tokens, 40)
    wanted = experts(x, chosen, weights)
    for given in (experts(x.bfloat16(), chosen, weights), experts.experts_touched(x.bfloat16(), chosen, weights)):
        assert given.dtype == torch.bfloat16
        assert float((given.float() - wanted).norm() / wanted.norm()) < 0.02


@both
def test_no_more_experts_are_expanded_than_tokens_went_to(
    tiny_config: TwoTowerConfig, monkeypatch: pytest.MonkeyPatch, bits: int
) -> None:
    monkeypatch.setattr(quantised_layers, "are_small", lambda nbytes: False)
    expanded: list[int] = []
    expand = quantised_layers.Quantised.expand

    def counted(self: object, dtype: torch.dtype, which: Tensor | None = None) -> Tensor:
        given = expand(self, dtype, which)  # type: ignore[arg-type]
        expanded.append(given.shape[0])
        return given

    monkeypatch.setattr(quantised_layers.Quantised, "expand", counted)
    for tokens in (1, 3):
        experts, (x, chosen, weights) = routed(tiny_config, bits, tokens, 40)
        experts(x, chosen, weights)
        assert expanded == [len(chosen.unique())] * 2
        expanded.clear()


@both
def test_small_experts_are_expanded_all(
    tiny_config: TwoTowerConfig, monkeypatch: pytest.MonkeyPatch, bits: int
) -> None:
    experts, given = routed(tiny_config, bits, 3, 40)
    monkeypatch.setattr(QuantisedExperts, "experts_touched", lambda *_: pytest.fail("shapes depend on tokens"))
    experts(*given)
