"""The drawing of the towers: order, folding, what crosses, and totals that are the model's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from released import RELEASED

from twotower import DEFAULT_MODEL
from twotower.model.checkpoint import allocate
from twotower.model.configuration import TwoTowerConfig
from twotower.model.twotower import TwoTower
from twotower.views.anatomy import anatomy, fold


@pytest.fixture(scope="module")
def embedded_config() -> TwoTowerConfig:
    return TwoTowerConfig.from_folder(Path(DEFAULT_MODEL))


def drawn(config: TwoTowerConfig, dtype_bytes: int = 4) -> Any:
    return json.loads(json.dumps(anatomy(config, dtype_bytes), allow_nan=False))


@pytest.mark.parametrize("bits", [None, 8, 4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_totals_are_those_of_a_built_model(tiny_config: TwoTowerConfig, dtype: torch.dtype, bits: int | None) -> None:
    for plain in (tiny_config, TwoTowerConfig.from_folder(Path(DEFAULT_MODEL))):
        config = plain.quantised(bits)
        with torch.device("meta"):
            numbers = sum(parameter.numel() for parameter in TwoTower(plain).parameters())
            model = TwoTower(config)
        allocate(model, torch.device("meta"), dtype)
        drawing = drawn(config, dtype.itemsize)
        totals = drawing["totals"]
        assert drawing["bits"] == bits
        assert totals["parameters"][0] == model.parameters_per_tower()
        assert sum(totals["parameters"]) == numbers
        assert sum(totals["bytes"]) == sum(tensor.nbytes for tensor in model.state_dict().values())


def test_the_released_model_has_its_published_size() -> None:
    model = drawn(RELEASED, 2)
    totals = model["totals"]
    assert sum(totals["parameters"]) / 1e9 == pytest.approx(63.2, abs=0.05)
    assert sum(totals["bytes"]) / 1e9 == pytest.approx(126.4, abs=0.05)
    assert totals["parameters"][0] / 1e9 == pytest.approx(31.6, abs=0.05)
    assert totals["active"][0] / 1e9 == pytest.approx(3.2, abs=0.05)  # the A3B of its name
    assert totals["active"][0] * 2 / 1e9 == pytest.approx(6.5, abs=0.05)  # what one AR step reads
    assert model["memory"] == {"constant_bytes": 23 * 2_134_016, "token_bytes": 6 * 1024, "longest": 262144}


def test_parts_add_up_to_the_totals(tiny_config: TwoTowerConfig) -> None:
    model = drawn(tiny_config)
    for tower in (0, 1):
        assert sum(part["parameters"][tower] for part in model["parts"]) == model["totals"]["parameters"][tower]
    assert [part["name"] for part in model["parts"]] == [
        "Embeddings",
        "Mamba-2 layers × 2",
        "MoE layers × 2",
        "Attention layers × 1",
        "MLP layers × 1",
        "Final norm",
        "Head",
        "Time conditioning",
    ]


def test_a_token_passes_by_the_experts_it_was_not_routed_to(tiny_config: TwoTowerConfig) -> None:
    model = drawn(tiny_config)
    expert = 2 * 40 * 17
    layer = model["kinds"]["E"]["context"]
    assert layer["parameters"] - layer["active"] == 3 * expert  # 2 of 5 are chosen
    idle = model["totals"]["parameters"][0] - model["totals"]["active"][0]
    assert idle == 2 * 3 * expert + 96 * 40  # two such layers, and every row of the embeddings but one


def test_only_mamba_and_attention_hand_something_over(embedded_config: TwoTowerConfig) -> None:
    kinds = drawn(embedded_config)["kinds"]
    assert kinds["E"]["crosses"] is None
    mamba, attention = kinds["M"]["crosses"], kinds["*"]["crosses"]
    # 12 heads x 32 x state 32 in float32, and 3 columns of 12 x 32 + 2 x 2 x 32 channels
    assert (mamba["constant_bytes"], mamba["token_bytes"]) == (12 * 32 * 32 * 4 + 3 * 512 * 4, 0)
    assert (attention["constant_bytes"], attention["token_bytes"]) == (0, 2 * 2 * 48 * 4)


def test_the_context_tower_has_no_time_conditioning(tiny_config: TwoTowerConfig) -> None:
    model = drawn(tiny_config)
    (time,) = [row for row in model["before"] if row["name"] == "Time conditioning"]
    assert time["context"] is None
    assert "before the norm" in model["kinds"]["M"]["denoiser"]["does"]
    assert "before the norm" in model["kinds"]["*"]["denoiser"]["does"]
    assert "after the norm" in model["kinds"]["E"]["denoiser"]["does"]
    assert "after the norm" in model["kinds"]["-"]["denoiser"]["does"]
    assert all("the norm" not in row["context"]["does"] for row in model["kinds"].values())


def test_sizes_are_the_configs(tiny_config: TwoTowerConfig) -> None:
    kinds = drawn(replace(tiny_config, ssm_state_size=13, head_dim=14, n_routed_experts=15, intermediate_size=1600))
    sizes = {kind: row["sizes"] for kind, row in kinds["kinds"].items()}
    assert "state 13" in sizes["M"]
    assert "head size 14" in sizes["*"]
    assert "2 of 15 experts" in sizes["E"]
    assert "1,600" in sizes["-"]


def test_the_released_pattern_folds_to_what_fits_a_screen() -> None:
    groups = fold(RELEASED.hybrid_override_pattern)
    assert groups == [(1, "MEMEM*E", 5), (36, "ME", 3), (42, "M*", 1), (44, "EM", 4), (52, "E", 1)]
    assert sum(len(unit) for _, unit, _ in groups) == 14


@pytest.mark.parametrize(
    ("pattern", "groups"),
    [
        ("M", [(1, "M", 1)]),
        ("MMMM", [(1, "M", 4)]),
        ("M*EM*EM*EM*E", [(1, "M*E", 4)]),
        ("ME*M-E", [(1, "ME*M-E", 1)]),
        ("*MEMEME", [(1, "*", 1), (2, "ME", 3)]),
    ],
)
def test_folding_by_hand(pattern: str, groups: list[tuple[int, str, int]]) -> None:
    assert fold(pattern) == groups


@given(st.text("M*E-", min_size=1, max_size=40))
def test_folding_loses_no_layer(pattern: str) -> None:
    groups = fold(pattern)
    assert "".join(unit * times for _, unit, times in groups) == pattern
    at = 1
    for first, unit, times in groups:
        assert first == at
        at += len(unit) * times
