"""The formulas against models that were really built, and the released model's figures worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from quantised import WIDTHS
from released import RELEASED

from twotower import DEFAULT_MODEL
from twotower.model.checkpoint import allocate
from twotower.model.configuration import ATTENTION, MAMBA, MLP, MOE, TwoTowerConfig
from twotower.model.memory import KVCache, MambaState
from twotower.model.twotower import TwoTower
from twotower.sizes import (
    Memory,
    Weights,
    conditioning_weights,
    embedding_weights,
    idle_parameters,
    layer_memory,
    layer_weights,
    norm_weights,
    part_weights,
    tower_parameters,
    weights_nbytes,
)


@pytest.fixture(scope="module", params=["tiny", "no convolution bias", "widths of groups", "embedded", "released"])
def built(request: pytest.FixtureRequest, make_model: Callable[..., TwoTower]) -> TwoTower:
    """A model as its constructor makes it; the large ones without their numbers."""
    if request.param == "tiny":
        return make_model()
    if request.param == "widths of groups":
        return make_model(**WIDTHS)
    if request.param == "no convolution bias":
        return make_model(use_conv_bias=False, hybrid_override_pattern="MM")
    config = RELEASED if request.param == "released" else TwoTowerConfig.from_folder(Path(DEFAULT_MODEL))
    with torch.device("meta"):
        return TwoTower(config)


def parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_every_part_has_the_parameters_of_the_part_that_was_built(built: TwoTower) -> None:
    config = built.config
    for tower, head in ((built.context_tower, built.context_lm_head), (built.denoiser_tower, built.lm_head)):
        assert parameters(tower.embeddings) == embedding_weights(config).parameters
        assert parameters(head) == embedding_weights(config).parameters
        assert parameters(tower.norm_f) == norm_weights(config).parameters
        for layer in tower.layers:
            assert parameters(layer) == layer_weights(layer.kind, config).parameters, layer.kind
    assert parameters(built.conditioning) == conditioning_weights(config).parameters


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_layer_takes_the_bytes_it_is_loaded_into(built: TwoTower, dtype: torch.dtype) -> None:
    with torch.device("meta"):
        model = TwoTower(built.config)
    allocate(model, torch.device("meta"), dtype)
    for layer in model.context_tower.layers:
        held = sum(tensor.nbytes for tensor in layer.state_dict().values())
        assert held == layer_weights(layer.kind, model.config).nbytes(dtype.itemsize), layer.kind


@pytest.mark.parametrize("bits", [None, 8, 4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_part_takes_the_bytes_it_is_quantised_to(built: TwoTower, dtype: torch.dtype, bits: int | None) -> None:
    with torch.device("meta"):
        model = TwoTower(built.config.quantised(bits))
    allocate(model, torch.device("meta"), dtype)
    left = dict(model.state_dict())
    for name, nbytes in weights_nbytes(model.config, dtype.itemsize, bits).items():
        inside = [tensor for tensor in left if tensor.startswith(f"{name}.")]
        assert nbytes == sum(left.pop(tensor).nbytes for tensor in inside), name
    assert not left
    assert model.parameters_per_tower() == built.parameters_per_tower() == tower_parameters(built.config)


def test_bits_change_no_count_of_parameters(built: TwoTower) -> None:
    assert sum(weights.parameters for weights in part_weights(built.config).values()) == parameters(built)


@pytest.mark.parametrize(("bits", "gigabytes"), [(None, 126.4), (8, 65.2), (4, 34.3)])
def test_the_released_model_in_gigabytes(bits: int | None, gigabytes: float) -> None:
    parts = weights_nbytes(RELEASED, 2, bits)
    assert sum(parts.values()) / 1e9 == pytest.approx(gigabytes, abs=0.05)
    expert_stacks = 2 * 23 * 128 * 2 * 2688 * 1856  # nearly all of it
    if bits is not None:
        assert sum(parts.values()) > expert_stacks * (bits / 8 + 2 / 64)


def test_the_memory_of_a_layer_is_what_it_keeps_of_a_text(tiny_model: TwoTower) -> None:
    for length in (1, 9):
        _, state = tiny_model.prefill(torch.randint(4, 90, (1, length)))
        for layer, kept in zip(tiny_model.context_tower.layers, state.layers):
            memory = layer_memory(layer.kind, tiny_model.config, 4)
            if isinstance(kept, MambaState):
                assert memory == Memory(kept.conv.nbytes + kept.ssm.nbytes, 0)
            elif isinstance(kept, KVCache):
                assert memory.constant_bytes == 0
                assert memory.token_bytes * length == kept.buffer[:, :length].nbytes
            else:
                assert memory == Memory()


def test_the_released_layers_by_hand() -> None:
    assert layer_weights(ATTENTION, RELEASED).parameters == 2688 + 23_396_352
    assert layer_weights(MAMBA, RELEASED).parameters == 2688 + 38_742_208
    assert layer_weights(MOE, RELEASED).parameters == 2688 + 344_064 + 128 * 9_977_856 + 19_955_712
    assert idle_parameters(MOE, RELEASED) == 122 * 9_977_856
    assert all(idle_parameters(kind, RELEASED) == 0 for kind in (MAMBA, ATTENTION, MLP))
    assert layer_memory(ATTENTION, RELEASED, 2) == Memory(0, 1024)
    assert layer_memory(MAMBA, RELEASED, 2) == Memory(3 * 6144 * 2 + 64 * 64 * 128 * 4, 0)


def test_bytes_follow_the_dtype_but_for_what_stays_in_float32() -> None:
    weights = Weights(plain=10, float32=3, buffers=2)
    assert weights.parameters == 13
    assert (weights.nbytes(2), weights.nbytes(4)) == (20 + 20, 40 + 20)
    assert weights + weights == weights * 2 == Weights(20, 6, 4)
    assert Memory(5, 7) + Memory(1, 1) * 2 == Memory(7, 9)


def test_bytes_of_codes_by_hand() -> None:
    weights = Weights(plain=10, float32=3, buffers=2, coded=128, wide=64, groups=3)
    assert weights.parameters == 205
    assert weights.nbytes(2) == 2 * (10 + 128 + 64) + 20
    assert weights.nbytes(2, 8) == 20 + 128 + 64 + 3 * 2 + 20
    assert weights.nbytes(2, 4) == 20 + 64 + 64 + 3 * 2 + 20
    assert weights + weights == weights * 2 == Weights(20, 6, 4, 256, 128, 6)
