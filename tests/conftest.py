"""Small models with random weights: every layer kind, and widths of which no two are equal by chance."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from xdist.scheduler import LoadScopeScheduling

from twotower import DEFAULT_MODEL
from twotower.model.configuration import TwoTowerConfig
from twotower.model.tower import init_weights
from twotower.model.twotower import TwoTower

torch.set_num_threads(1)  # more of them wait for one another wherever a browser takes a core


def pytest_collection_finish() -> None:
    """What has been imported stays: collections that look through all of it took a tenth of the time of the tests."""
    gc.collect()
    gc.freeze()


class OneBrowser(LoadScopeScheduling):
    """Two processes share the tests: one drives the browser, alone, and both take the rest file by file."""

    def _split_scope(self, nodeid: str) -> str:
        return "browser" if nodeid.startswith("tests/e2e/") else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneBrowser:
    return OneBrowser(config, log)


_TINY = TwoTowerConfig(
    hybrid_override_pattern="ME*M-E",
    vocab_size=97,
    hidden_size=40,
    num_attention_heads=6,
    num_key_value_heads=2,
    head_dim=10,
    mamba_num_heads=6,
    mamba_head_dim=7,
    n_groups=3,
    ssm_state_size=11,
    chunk_size=8,
    n_routed_experts=5,
    num_experts_per_tok=2,
    moe_intermediate_size=17,
    moe_shared_expert_intermediate_size=19,
    intermediate_size=23,
    routed_scaling_factor=2.5,
    max_position_embeddings=512,
)


def _tiny_model(seed: int = 0, **changes: Any) -> TwoTower:
    """Both towers different, time conditioning alive, routing biased: nothing is at a value that hides a mistake."""
    model = TwoTower(replace(_TINY, **changes))
    generator = torch.Generator().manual_seed(seed)
    for tower in (model.context_tower, model.denoiser_tower):
        init_weights(tower, generator)
    for name, tensor in model.state_dict().items():
        if "scale_shift" in name or "t_block" in name or "t_embedder" in name:
            tensor.normal_(0, 0.3, generator=generator)
        elif "lm_head" in name or "embeddings" in name:
            tensor.normal_(0, 1.0, generator=generator)
        elif "e_score_correction_bias" in name:
            tensor.uniform_(-0.2, 0.2, generator=generator)
        elif tensor.dim() >= 2 and "conv1d" not in name:
            tensor.normal_(0, 0.15, generator=generator)
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def embedded_model() -> TwoTower:
    return TwoTower.from_pretrained(DEFAULT_MODEL)


@pytest.fixture(scope="session")
def tiny_config() -> TwoTowerConfig:
    return _TINY


@pytest.fixture(scope="session")
def make_model() -> Callable[..., TwoTower]:
    """`make_model(seed, **changes of the configuration)`."""
    return _tiny_model


@pytest.fixture(scope="session")
def tiny_model() -> TwoTower:
    return _tiny_model()
