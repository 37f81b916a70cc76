"""What the table compares, and the ablation that takes the Mamba seed away and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from held_in import tensors
from torch import Tensor

from twotower.evaluation.arms import BASELINE, LEGEND, Arm, Unseeded, standard_arms
from twotower.model.memory import MambaState
from twotower.model.state import ContextState
from twotower.model.twotower import TwoTower
from twotower.sampling.events import Denoised
from twotower.sampling.generate import LANES
from twotower.sampling.settings import UNMASKING, SamplingSettings
from twotower.trace import Trace

PROMPT = [5, 60, 7, 33, 8, 21, 40]
SHORT = SamplingSettings(max_new_tokens=12, block_size=8, seed=0, end_token_ids=())
ARMS = {arm.name: arm for arm in standard_arms(16, 96)}


def ids(length: int, seed: int) -> Tensor:
    return torch.randint(4, 97, (1, length), generator=torch.Generator().manual_seed(seed))


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
    diffusion = [arm for arm in ARMS.values() if arm.lane == "diffusion" and arm.settings.unmasking == "threshold"]
    plain = [arm for arm in diffusion if arm.seeded and not arm.settings.ar_anchor]
    at_width = [arm for arm in plain if arm.settings.block_size == 16]
    by_threshold = [arm.settings.threshold for arm in at_width if arm.settings.steps_per_block == 16]
    assert by_threshold == [0.95, 0.9, 0.8, 0.7, 0.5]
    by_steps = [arm.settings for arm in at_width if arm.settings.threshold == 1]
    assert [settings.steps_per_block for settings in by_steps] == [4, 1]
    assert [arm.settings.block_size for arm in plain if arm not in at_width] == [32, 64]
    assert [arm.name for arm in ARMS.values() if not arm.seeded] == ["no Mamba seed"]
    assert {arm.lane for arm in ARMS.values()} == set(LANES)


def test_every_unmasking_rule_has_an_arm() -> None:
    assert {arm.settings.unmasking for arm in ARMS.values()} == set(UNMASKING)


def test_drafts_take_as_many_passes_as_pay_or_one_to_four_and_one_arm_is_lenient() -> None:
    verifying = [arm.settings for arm in ARMS.values() if arm.lane == "verify"]
    assert [(settings.draft_passes, settings.accept_from) for settings in verifying] == [
        *[(passes, 1.0) for passes in (0, 1, 2, 3, 4)],
        (0, 0.1),
    ]


@pytest.mark.parametrize(
    ("name", "lane", "changed"),
    [
        ("verify", "verify", {}),
        ("verify K=3", "verify", {"draft_passes": 3}),
        ("verify p≥0.1", "verify", {"accept_from": 0.1}),
        ("γ=0.5", "diffusion", {"threshold": 0.5}),
        ("γ=0.8 anchored", "diffusion", {"ar_anchor": True}),
        ("T=4", "diffusion", {"steps_per_block": 4, "threshold": 1.0}),
        ("T=1", "diffusion", {"steps_per_block": 1, "threshold": 1.0}),
        ("fixed T=8", "diffusion", {"unmasking": "fixed", "steps_per_block": 8}),
        ("factor 0.5", "diffusion", {"unmasking": "factor", "factor": 0.5}),
        ("entropy 0.5", "diffusion", {"unmasking": "entropy", "entropy_bound": 0.5}),
        ("stability 0.8", "diffusion", {"unmasking": "stability", "threshold": 0.8, "kl_bound": 0.01}),
        ("S=32", "diffusion", {"block_size": 32, "steps_per_block": 32}),
        ("no Mamba seed", "diffusion", {}),
        ("mock-AR", "mock-ar", {}),
    ],
)
def test_a_name_says_what_is_changed_and_the_rest_is_as_it_was(name: str, lane: str, changed: dict) -> None:
    base = SamplingSettings(max_new_tokens=96, block_size=16, steps_per_block=16, seed=0)
    assert (ARMS[name].lane, ARMS[name].settings) == (lane, replace(base, **changed))


def test_every_arm_can_run_at_the_width_it_was_trained_at() -> None:
    for arm in ARMS.values():
        assert bool(arm.settings.warnings(16)) == arm.name.startswith("S=")


def test_all_are_greedy_so_that_exact_drafts_have_a_text_to_meet() -> None:
    assert {arm.settings.temperature for arm in ARMS.values()} == {0}


def test_the_legend_explains_every_word_of_a_name() -> None:
    for name in ARMS:
        words = [name] if name == "no Mamba seed" else name.split()
        for word in words:
            if not word.replace(".", "").isdigit():
                assert f" {word.split('=')[0]}:" in f" {LEGEND}", name


def test_the_arms_of_exact_drafts_give_ars_text(tiny_model: TwoTower) -> None:
    arms = [replace(arm, settings=replace(arm.settings, end_token_ids=())) for arm in standard_arms(8, 24)]
    texts = {arm.name: Trace.record(arm.run(tiny_model, PROMPT)).token_ids for arm in arms}
    exact = [arm.name for arm in arms if arm.lane == "verify" and arm.settings.accept_from == 1]
    assert len(exact) == 5
    assert {name: texts[name] for name in exact} == dict.fromkeys(exact, texts[BASELINE])
    assert texts["γ=0.8"] != texts[BASELINE]


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
    wanted = tiny_model.denoiser_pass(ids(8, 2), ContextState(state.lengths, zeroed, state.capacity, state.held), t)
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
