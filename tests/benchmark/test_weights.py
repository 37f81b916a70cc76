"""The sizes are those of the tensors of a built model, to the byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from tests.released import RELEASED
from twotower.benchmark.weights import head_bytes, row_bytes, token_products, tower_bytes
from twotower.model.checkpoint import allocate
from twotower.model.configuration import TwoTowerConfig
from twotower.model.twotower import TwoTower


def nbytes(module: nn.Module) -> int:
    return sum(tensor.nbytes for tensor in module.state_dict().values())


@pytest.mark.parametrize("bits", [None, 8, 4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("config", [RELEASED, None], ids=["released", "tiny"])
def test_all_weights_together_are_the_built_model(
    config: TwoTowerConfig | None, dtype: torch.dtype, bits: int | None, tiny_config: TwoTowerConfig
) -> None:
    config = (config or tiny_config).quantised(bits)
    with torch.device("meta"):
        model = TwoTower(config)
    allocate(model, torch.device("meta"), dtype)
    every = [config.n_routed_experts] * len(config.moe_layers)
    without_embeddings = nbytes(model.context_tower) - nbytes(model.context_tower.embeddings)
    assert tower_bytes(config, dtype.itemsize, every) == without_embeddings
    assert head_bytes(config, dtype.itemsize) == nbytes(model.context_lm_head)
    assert row_bytes(config, dtype.itemsize) * config.vocab_size == nbytes(model.context_tower.embeddings)


@pytest.mark.parametrize("change", [{"use_conv_bias": False}, {"hybrid_override_pattern": "--*"}])
def test_other_shapes_too(make_model: Callable[..., TwoTower], change: dict[str, Any]) -> None:
    model = make_model(**change)
    every = [model.config.n_routed_experts] * len(model.config.moe_layers)
    expected = nbytes(model.context_tower) - nbytes(model.context_tower.embeddings)
    assert tower_bytes(model.config, 4, every) == expected


def test_an_expert_that_is_not_chosen_is_not_read(tiny_config: TwoTowerConfig) -> None:
    size, inner = tiny_config.hidden_size, tiny_config.moe_intermediate_size
    both = [tower_bytes(tiny_config, 2, touched) for touched in ([2, 5], [2, 1])]
    assert tiny_config.moe_layers == (1, 5)
    assert both[0] - both[1] == 4 * (2 * size * inner) * 2


def test_an_expert_that_is_not_chosen_is_not_read_in_codes_either(tiny_config: TwoTowerConfig) -> None:
    size, inner = tiny_config.hidden_size, tiny_config.moe_intermediate_size
    four = tiny_config.quantised(4)
    both = [tower_bytes(four, 2, touched) for touched in ([2, 5], [2, 1])]
    up, down = size * inner // 2 + 2 * size * inner // 8, 2 * size * inner  # groups of 8 divide 40, and none divide 17
    assert both[0] - both[1] == 4 * (up + down)
    assert token_products(four) == token_products(tiny_config)


def test_products_of_a_token_by_hand(tiny_config: TwoTowerConfig) -> None:
    mamba = 40 * (42 + 108 + 6) + 42 * 40 + 108 * 4  # in_proj, out_proj, convolution: 42 inner, 108 = 42 + 2 * 3 * 11
    attention = 40 * 60 * 2 + 40 * 20 * 2
    moe = 5 * 40 + 2 * 2 * 40 * 17 + 2 * 40 * 19
    assert token_products(tiny_config) == 2 * mamba + attention + 2 * moe + 2 * 40 * 23
