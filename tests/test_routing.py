"""What the watched run counts, and that watching changes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch

from twotower.errors import InputError
from twotower.model.experts import Router
from twotower.model.twotower import TwoTower
from twotower.routing import Routing, record_routing
from twotower.sampling.events import BlockOpened, Denoised
from twotower.sampling.generate import generate
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace

PROMPT = [5, 60, 7]
SETTINGS = SamplingSettings(max_new_tokens=20, block_size=8, seed=1, temperature=0.7, end_token_ids=())


@pytest.fixture(scope="module")
def trace(tiny_model: TwoTower) -> Trace:
    return Trace.record(generate(tiny_model, PROMPT, "diffusion", SETTINGS))


@pytest.fixture(scope="module")
def routing(tiny_model: TwoTower) -> Routing:
    return record_routing(tiny_model, PROMPT, SETTINGS)


def hooks(model: TwoTower) -> int:
    return sum(len(module._forward_hooks) for module in model.modules())


def test_watching_changes_no_token(routing: Routing, trace: Trace) -> None:
    assert routing.token_ids == trace.token_ids
    assert routing.seed == 1


def test_there_is_a_count_for_every_denoiser_pass_and_moe_layer(routing: Routing, trace: Trace) -> None:
    passes = [(event.block, event.step) for event in trace.events if isinstance(event, Denoised)]
    assert [(each.block, each.step) for each in routing.passes] == passes
    assert routing.layers == (1, 5)
    assert all(len(each.counts) == 2 and all(len(row) == 5 for row in each.counts) for each in routing.passes)


def test_every_slot_of_the_block_is_counted_in_each_layer(routing: Routing, trace: Trace) -> None:
    sizes = {event.block: event.size for event in trace.events if isinstance(event, BlockOpened)}
    assert sizes[2] == 4  # the last block is shorter
    for each in routing.passes:
        assert each.slots == sizes[each.block]
        assert [sum(row) for row in each.counts] == [2 * each.slots] * 2
        assert max(map(max, each.counts)) <= each.slots  # top-k names an expert once


def test_counts_are_plain_numbers(routing: Routing) -> None:
    assert all(type(count) is int for each in routing.passes for row in each.counts for count in row)
    hash(routing)
    with pytest.raises(dataclasses.FrozenInstanceError):
        routing.seed = 2  # type: ignore[misc]


def test_the_denoisers_routers_are_counted_and_not_the_contexts(make_model: Callable[..., TwoTower]) -> None:
    model = make_model()
    for tower, favoured in ((model.context_tower, (0, 1)), (model.denoiser_tower, (2, 4))):
        for layer in (1, 5):
            bias = tower.layers[layer].mixer.gate.e_score_correction_bias
            bias.zero_()[list(favoured)] = 10.0  # scores are below 1: nothing else can be chosen
    for each in record_routing(model, PROMPT, SETTINGS).passes:
        assert each.counts == ((0, 0, each.slots, 0, each.slots),) * 2


def test_counts_are_those_of_the_routers_own_answer(make_model: Callable[..., TwoTower]) -> None:
    model = make_model(seed=3)
    seen: list[torch.Tensor] = []
    gate: Router = model.denoiser_tower.layers[1].mixer.gate
    inner = gate.forward

    def listening(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        experts, weights = inner(x)
        seen.append(experts.clone())
        return experts, weights

    gate.forward = listening  # type: ignore[method-assign]
    routing = record_routing(model, PROMPT, SETTINGS)
    assert len(seen) == len(routing.passes)
    for experts, each in zip(seen, routing.passes):
        by_hand = [sum(expert in row for row in experts.tolist()) for expert in range(5)]
        assert list(each.counts[0]) == by_hand


def test_hooks_are_gone_afterwards(tiny_model: TwoTower, routing: Routing) -> None:
    assert routing.passes
    assert hooks(tiny_model) == 0


def test_hooks_are_gone_after_an_error_too(make_model: Callable[..., TwoTower]) -> None:
    model = make_model()
    model.denoiser_tower.layers[3].mixer.in_proj.weight.fill_(float("nan"))
    with pytest.raises(ArithmeticError):
        record_routing(model, PROMPT, SETTINGS)
    assert hooks(model) == 0
    with pytest.raises(InputError):
        record_routing(model, [3], SETTINGS)
    assert hooks(model) == 0


def test_a_run_stopped_early_gives_the_passes_it_made(tiny_model: TwoTower) -> None:
    calls = iter([False] * 5 + [True] * 100)
    stopped = record_routing(tiny_model, PROMPT, SETTINGS, lambda: next(calls))
    assert 0 < len(stopped.passes) < 5
    assert hooks(tiny_model) == 0


def test_a_drawn_seed_is_named_and_gives_the_same_run_again(tiny_model: TwoTower) -> None:
    first = record_routing(tiny_model, PROMPT, dataclasses.replace(SETTINGS, seed=-1))
    assert first.seed >= 0
    assert record_routing(tiny_model, PROMPT, dataclasses.replace(SETTINGS, seed=first.seed)) == first


def test_a_model_without_experts_is_refused(make_model: Callable[..., TwoTower]) -> None:
    with pytest.raises(InputError, match="mixture-of-experts"):
        record_routing(make_model(hybrid_override_pattern="M*-"), PROMPT, SETTINGS)
