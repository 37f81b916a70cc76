"""config.json: what is read, what is carried, what is refused and how it is named."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from twotower.errors import CheckpointError
from twotower.model.configuration import TwoTowerConfig


def as_json(config: TwoTowerConfig, **changes: Any) -> str:
    return json.dumps({**json.loads(config.to_json()), **changes})


def test_what_is_written_is_read_again(tiny_config: TwoTowerConfig) -> None:
    assert TwoTowerConfig.from_json(tiny_config.to_json()) == tiny_config


def test_the_infinity_literal_is_read(tiny_config: TwoTowerConfig) -> None:
    assert "Infinity" in tiny_config.to_json()
    assert TwoTowerConfig.from_json(tiny_config.to_json()).time_step_limit == (0.0, math.inf)


def test_unknown_keys_are_carried_along(tiny_config: TwoTowerConfig) -> None:
    config = TwoTowerConfig.from_json(as_json(tiny_config, rope_theta=10000, auto_map={"a": "b"}))
    written = json.loads(config.to_json())
    assert written["rope_theta"] == 10000
    assert written["auto_map"] == {"a": "b"}


def test_several_end_tokens(tiny_config: TwoTowerConfig) -> None:
    assert TwoTowerConfig.from_json(as_json(tiny_config, eos_token_id=[2, 11])).end_token_ids == (2, 11)
    assert tiny_config.end_token_ids == (2,)


def test_sizes_follow_from_heads_and_not_from_the_width(tiny_config: TwoTowerConfig) -> None:
    assert tiny_config.mamba_inner_size == 42
    assert tiny_config.conv_channels == 42 + 2 * 3 * 11


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_type", "llama"),
        ("hybrid_override_pattern", "MXM"),
        ("hybrid_override_pattern", ""),
        ("hybrid_override_pattern", 7),
        ("num_hidden_layers", 3),
        ("attention_bias", True),
        ("mlp_hidden_act", "gelu"),
        ("tie_word_embeddings", True),
        ("n_group", 4),
        ("mamba_num_heads", 0),
        ("mamba_num_heads", 7),
        ("num_key_value_heads", 4),
        ("head_dim", "ten"),
        ("n_routed_experts", 1),
        ("intermediate_size", -1),
    ],
)
def test_what_cannot_be_obeyed_is_refused_by_name(tiny_config: TwoTowerConfig, field: str, value: Any) -> None:
    named = {"num_hidden_layers": "hybrid_override_pattern", "n_routed_experts": "num_experts_per_tok"}
    with pytest.raises(CheckpointError, match=named.get(field, field)):
        TwoTowerConfig.from_json(as_json(tiny_config, **{field: value}))


def test_missing_sizes_are_named(tiny_config: TwoTowerConfig) -> None:
    values = json.loads(tiny_config.to_json())
    del values["vocab_size"]
    with pytest.raises(CheckpointError, match="vocab_size"):
        TwoTowerConfig.from_json(json.dumps(values))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(CheckpointError, match=r"config\.json"):
        TwoTowerConfig.from_json(text)


def test_a_folder_without_one_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"config\.json"):
        TwoTowerConfig.from_folder(tmp_path)


def test_layers_that_are_not_there_need_no_sizes(tiny_config: TwoTowerConfig) -> None:
    only_mamba = replace(tiny_config, hybrid_override_pattern="M", num_attention_heads=0, num_key_value_heads=0)
    assert TwoTowerConfig.from_json(only_mamba.to_json()).num_hidden_layers == 1
