"""A shape becomes a model that runs, with every number filled."""

from __future__ import annotations

import pytest
import torch

from twotower.benchmark.shapes import random_model
from twotower.model.configuration import TwoTowerConfig
from twotower.model.setup import Setup, Wanted
from twotower.model.twotower import TwoTower

CPU = torch.device("cpu")


def test_every_number_is_filled_and_finite(tiny_config: TwoTowerConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    def poisoned(setup: Setup) -> TwoTower:
        model = really(setup)
        for tensor in model.state_dict().values():
            tensor.fill_(float("nan"))
        return model

    really = TwoTower.allocated
    monkeypatch.setattr(TwoTower, "allocated", poisoned)
    model = random_model(Setup.find(tiny_config))
    for name, tensor in model.state_dict().items():
        assert tensor.isfinite().all(), name
    assert model.denoiser_logits([[5, 6, 7]], [[3, 3]], 0.5).isfinite().all()


def test_dtype_and_seed(tiny_config: TwoTowerConfig) -> None:
    one, two = (random_model(Setup.find(tiny_config, Wanted(dtype="bfloat16"))) for _ in range(2))
    assert one.dtype == torch.bfloat16
    for name, tensor in one.state_dict().items():
        wanted = torch.float32 if name.endswith(("A_log", ".D", "dt_bias", "correction_bias")) else torch.bfloat16
        assert tensor.dtype == wanted, name
        assert tensor.equal(two.state_dict()[name]), name


def test_the_towers_differ(tiny_config: TwoTowerConfig) -> None:
    model = random_model(Setup.find(tiny_config))
    assert not model.lm_head.weight.equal(model.context_lm_head.weight)
    assert not model.denoiser_tower.embeddings.weight.equal(model.context_tower.embeddings.weight)


@pytest.mark.parametrize("bits", [8, 4])
def test_a_quantised_shape_has_numbers_of_the_same_size(tiny_config: TwoTowerConfig, bits: int) -> None:
    model = random_model(Setup.find(tiny_config, Wanted(bits=bits)))
    for weight in (model.lm_head.weight, model.context_tower.layers[1].mixer.experts.up_proj):
        assert float(weight.expand(torch.float32).std()) == pytest.approx(tiny_config.initializer_range, rel=0.1)
    assert model.denoiser_logits([[5, 6, 7]], [[3, 3]], 0.5).isfinite().all()
