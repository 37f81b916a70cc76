"""Groups by width, and what config.json says of quantised weights."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from twotower.errors import CheckpointError, InputError
from twotower.model.configuration import TwoTowerConfig
from twotower.model.quantised_format import group_size


@pytest.mark.parametrize("width", [1856, 2688, 3712, 4096, 192, 64])
def test_groups_of_64_divide_the_released_and_the_embedded_widths(width: int) -> None:
    assert group_size(width) == 64


@pytest.mark.parametrize(("width", "group"), [(96, 32), (40, 8), (8, 8), (20, None), (17, None), (1, None)])
def test_other_widths_have_smaller_groups_or_none(width: int, group: int | None) -> None:
    assert group_size(width) == group


@pytest.mark.parametrize("bits", [8, 4])
def test_bits_are_written_and_read(tiny_config: TwoTowerConfig, bits: int) -> None:
    written = replace(tiny_config, bits=bits).to_json()
    assert json.loads(written)["quantization_config"] == {"bits": bits, "quant_method": "twotower", "version": 1}
    assert TwoTowerConfig.from_json(written).bits == bits
    assert "quantization_config" not in json.loads(tiny_config.to_json())
    assert TwoTowerConfig.from_json(tiny_config.to_json()).bits is None


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ({"bits": 3}, "quantization_config.bits is 3; allowed: 8 or 4"),
        ({"bits": True}, "bits is True"),
        ({"bits": None}, "bits is None"),
        ({"bits": 8.0}, r"bits is 8\.0"),
        ({"bits": [4]}, "bits is"),
        ({"version": 2}, "quantization_config.version is 2; allowed: 1"),
        ({"version": "1"}, "version is '1'"),
        ({"quant_method": "modelopt"}, "quantization_config.quant_method is 'modelopt'; allowed: 'twotower'"),
        ([4], "quantization_config is"),
        ("4", "quantization_config is '4'"),
    ],
)
def test_what_this_version_cannot_read_is_refused_by_name(tiny_config: TwoTowerConfig, entry: Any, named: str) -> None:
    body = json.loads(replace(tiny_config, bits=4).to_json())
    held = body["quantization_config"]
    body["quantization_config"] = {**held, **entry} if isinstance(entry, dict) else entry
    with pytest.raises(CheckpointError, match=named):
        TwoTowerConfig.from_json(json.dumps(body))


@pytest.mark.parametrize("bits", [0, 3, 16, -4])
def test_bits_that_are_not_to_be_had_are_refused(tiny_config: TwoTowerConfig, bits: int) -> None:
    with pytest.raises(InputError, match=rf"bits is {bits}; allowed: 8 or 4"):
        tiny_config.quantised(bits)


def test_a_hidden_size_that_no_group_divides_is_refused(tiny_config: TwoTowerConfig) -> None:
    with pytest.raises(CheckpointError, match="hidden_size is 42"):
        replace(tiny_config, hidden_size=42).quantised(8)


def test_what_is_quantised_is_not_quantised_again(tiny_config: TwoTowerConfig) -> None:
    eight = tiny_config.quantised(8)
    assert eight.quantised(None) is eight.quantised(8) is eight
    with pytest.raises(InputError, match=r"bits is 4; allowed: 8"):
        eight.quantised(4)
