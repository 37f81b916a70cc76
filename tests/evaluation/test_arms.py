"""What the table compares, and the ablation that takes the Mamba seed away and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from twotower.evaluation.arms import BASELINE, LEGEND, Arm, Unseeded, standard_arms
from twotower.model.state import ContextState, KVCache, MambaState
from twotower.model.twotower import TwoTower
from twotower.sampling.events import Denoised
from twotower.sampling.generate import LANES
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace

PROMPT = [5, 60, 7, 33, 8, 21, 40]
SHORT = SamplingSettings(max_new_tokens=12, block_size=8, seed=0, end_token_ids=())
ARMS = {arm.name: arm for arm in standard_arms(16, 96)}


def ids(length: int, seed: int) -> Tensor:
    return torch.randint(4, 97, (1, length), generator=torch.Generator().manual_seed(seed))


def tensors(state: ContextState) -> list[Tensor]:
    found: list[Tensor] = []
    for memory in state.layers:
        found += [memory.conv, memory.ssm] if isinstance(memory, MambaState) else []
        found += memory.read() if isinstance(memory, KVCache) else []
    return found


@pytest.mark.parametrize("block_size", [8, 16, 32])
def test_every_arm_has_a_name_of_its_own(block_size: int) -> None:
    names = [arm.name for arm in standard_arms(block_size, 64)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("block_size", [1, 3, 4, 7])
def test_a_narrow_block_has_arms_too(block_size: int) -> None:
    names = [arm.name for arm in standard_arms(block_size, 64)]
    assert len(set(names)) == len(names)


def test_the_first_arm_is_the_baseline() -> None:
    first = standard_arms(16, 96)[0]
    assert (first.name, first.lane) == (BASELINE, "autoregressive")


def test_the_arms_are_the_papers_comparisons() -> None:
    diffusion = [arm for arm in ARMS.values() if arm.lane == "diffusion"]
    at_width = [arm for arm in diffusion if arm.settings.block_size == 16 and arm.seeded]
    by_threshold = [arm.settings.threshold for arm in at_width if arm.settings.steps_per_block == 16]
    assert by_threshold == [0.95, 0.9, 0.8, 0.7, 0.5]
    by_steps = [arm.settings for arm in at_width if arm.settings.threshold == 1]
    assert [settings.steps_per_block for settings in by_steps] == [4, 1]
    assert [arm.settings.block_size for arm in diffusion if arm not in at_width and arm.seeded] == [32, 64]
    assert [arm.name for arm in ARMS.values() if not arm.seeded] == ["no Mamba seed"]
    assert {arm.lane for arm in ARMS.values()} == set(LANES)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("γ=0.5", {"threshold": 0.5}),
        ("T=4", {"steps_per_block": 4, "threshold": 1.0}),
        ("T=1", {"steps_per_block": 1, "threshold": 1.0}),
        ("S=32", {"block_size": 32, "steps_per_block": 32}),
        ("no Mamba seed", {}),
        ("mock-AR", {}),
    ],
)
def test_a_name_says_what_is_changed_and_the_rest_is_as_it_was(name: str, changed: dict) -> None:
    base = SamplingSettings(max_new_tokens=96, block_size=16, steps_per_block=16, seed=0)
    assert ARMS[name].settings == replace(base, **changed)


def test_every_arm_can_run_at_the_width_it_was_trained_at() -> None:
    for arm in ARMS.values():
        assert bool(arm.settings.warnings(16)) == arm.name.startswith("S=")


def test_the_legend_explains_every_kind_of_name() -> None:
    for name in ARMS:
        assert f"{name.split('=')[0]}:" in LEGEND


@pytest.mark.parametrize("t", [0.5, 1.0, None])
def test_without_a_seed_the_mamba_states_are_zero_and_the_attention_is_as_it_was(
    tiny_model: TwoTower, t: float | None
) -> None:
    _, state = tiny_model.prefill(ids(20, 1))
    zeroed = [
        MambaState(torch.zeros_like(memory.conv), torch.zeros_like(memory.ssm))
        if isinstance(memory, MambaState)
        else memory
        for memory in state.layers
    ]
    wanted = tiny_model.denoiser_pass(ids(8, 2), ContextState(zeroed, state.length), t)
    logits = Unseeded(tiny_model).denoiser_pass(ids(8, 2), state, t)
    assert torch.equal(logits, wanted)
    assert not torch.allclose(logits, tiny_model.denoiser_pass(ids(8, 2), state, t), atol=1e-3)


def test_without_a_seed_the_context_keeps_its_memory(tiny_model: TwoTower) -> None:
    _, state = tiny_model.prefill(ids(20, 1))
    before = [tensor.clone() for tensor in tensors(state)]
    Unseeded(tiny_model).denoiser_pass(ids(8, 2), state, 0.5)
    assert all(torch.equal(kept, tensor) for kept, tensor in zip(before, tensors(state), strict=True))


def test_without_a_seed_a_mamba_layer_knows_no_context_and_attention_does(make_model: Callable[..., TwoTower]) -> None:
    for pattern, knows in (("M", False), ("*", True)):
        model = make_model(hybrid_override_pattern=pattern)
        one, other = (Unseeded(model).denoiser_pass(ids(8, 2), model.prefill(ids(20, seed))[1], 0.5) for seed in (3, 4))
        assert torch.equal(one, other) is not knows


def test_an_unseeded_model_is_the_model_in_all_else(tiny_model: TwoTower) -> None:
    unseeded = Unseeded(tiny_model)
    for name in ("config", "context_tower", "denoiser_tower", "lm_head", "name", "end_token_ids", "prefill", "ar_step"):
        assert getattr(unseeded, name) == getattr(tiny_model, name), name


def test_an_arm_runs_its_lane_under_its_settings(tiny_model: TwoTower) -> None:
    trace = Trace.record(Arm("one", "mock-ar", SHORT).run(tiny_model, PROMPT))
    assert trace.started.lane == "mock-ar"
    assert trace.started.settings == SHORT.to_json()
    assert trace.started.prompt_ids == tuple(PROMPT)
    assert len(trace.token_ids) == 12


def test_an_unseeded_arm_differs_in_its_denoiser_passes_alone(tiny_model: TwoTower) -> None:
    traces = [Trace.record(Arm("one", "diffusion", SHORT, seeded).run(tiny_model, PROMPT)) for seeded in (True, False)]
    seeded, unseeded = ([e.proposals for e in trace.events if isinstance(e, Denoised)] for trace in traces)
    assert seeded[0] != unseeded[0]
    reads = [
        Trace.record(Arm("one", "autoregressive", SHORT, seeded).run(tiny_model, PROMPT)) for seeded in (True, False)
    ]
    assert reads[0].token_ids == reads[1].token_ids
