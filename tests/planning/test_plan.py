"""What a model will need, held against models that were built and against the released one's published size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from released import RELEASED

from twotower.model.configuration import TwoTowerConfig
from twotower.model.setup import Setup, Wanted
from twotower.model.twotower import TwoTower
from twotower.planning import plan as planning
from twotower.planning.plan import Plan, forms

CPU, ONE, OTHER = torch.device("cpu"), torch.device("cuda", 0), torch.device("cuda", 1)
BFLOAT16 = Wanted(dtype="bfloat16")


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> dict[torch.device, int | None]:
    """What devices have left, whatever this machine has."""
    free: dict[torch.device, int | None] = {CPU: 10**12, ONE: 80 * 10**9, OTHER: None}
    monkeypatch.setattr(planning, "free_bytes", free.__getitem__)
    return free


def on_cards(*devices: torch.device | None) -> Setup:
    context, denoiser = devices
    assert context is not None
    return replace(Setup.find(RELEASED, BFLOAT16), context_device=context, denoiser_device=denoiser)


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_bytes_are_those_a_model_takes(tiny_config: TwoTowerConfig, dtype: str, alone: bool) -> None:
    setup = Setup.find(tiny_config, Wanted(dtype=dtype, denoiser_device="none" if alone else None))
    model, plan = TwoTower.allocated(setup), Plan.of(setup)
    there = [tensor for tensor in model.state_dict().values() if not tensor.is_meta]
    assert plan.weights_nbytes == sum(tensor.nbytes for tensor in there)
    counted = sum(parameter.numel() for parameter in model.parameters() if not parameter.is_meta)
    assert plan.parameters == counted


def test_the_memory_is_that_of_a_state(make_model: Callable[..., TwoTower]) -> None:
    model = make_model()
    beside = [part for part in Plan.of(Setup.find(model.config), tokens=512).parts if "memory" in part.name]
    state = model.context_tower.empty_state(1, 512 - model.config.widest_block)  # its noisy block stands aside
    assert [part.nbytes for part in beside] == [state.nbytes - state.lengths.nbytes]


def test_the_released_model_tower_by_tower() -> None:
    plan = Plan.of(on_cards(ONE, ONE))
    assert round(plan.parameters / 1e9, 1) == 63.2
    assert round(plan.weights_nbytes / 1e9) == 126
    towers = {group: [p for p in plan.parts if p.group == group] for group in ("context tower", "denoiser tower")}
    sizes = {group: sum(part.parameters for part in parts) for group, parts in towers.items()}
    assert round(sizes["context tower"] / 1e9, 1) == 31.6
    extra = [part for part in towers["denoiser tower"] if part.name == "time conditioning"]
    assert sizes["denoiser tower"] - sizes["context tower"] == extra[0].parameters
    experts = next(part for part in towers["context tower"] if part.name.startswith("MoE"))
    # 23 layers of 128 experts, 2 x 2688 x 1856 each, with router, bias, shared expert and norm
    assert experts.parameters == 23 * (128 * 2 * 2688 * 1856 + 128 * 2688 + 2 * 2688 * 3712 + 2688)


def test_two_cards_have_a_tower_and_a_memory_each() -> None:
    plan = Plan.of(on_cards(ONE, OTHER))
    for device, group in ((ONE, "context tower"), (OTHER, "denoiser tower")):
        assert {part.group for part in plan.parts if part.device == device} == {group, "beside them"}
    assert plan.needs(ONE) + plan.needs(OTHER) == sum(part.nbytes for part in plan.parts)


def test_what_a_device_lacks_is_known(room: dict[torch.device, int | None]) -> None:
    assert Plan.of(on_cards(ONE, ONE)).lacking() == (ONE,)
    assert Plan.of(on_cards(ONE, None)).lacking() == ()
    assert Plan.of(on_cards(ONE, OTHER)).lacking() == ()  # a device that says nothing is not said to lack anything
    whole = Plan.of(on_cards(ONE, ONE))
    room[ONE] = whole.needs(ONE) - 1
    assert Plan.of(on_cards(ONE, ONE)).lacking() == (ONE,)
    assert Plan.of(on_cards(ONE, ONE)).lacking(weights_alone=True) == ()
    room[ONE] = whole.needs(ONE)
    assert Plan.of(on_cards(ONE, ONE)).lacking() == ()


def test_every_form_is_smaller_than_the_whole() -> None:
    whole, *others = forms(Plan.of(Setup.find(RELEASED)))
    assert (whole.setup.dtype, whole.setup.devices) == (torch.bfloat16, (ONE,))
    assert all(max(map(form.needs, form.setup.devices)) < whole.needs(ONE) for form in others)
    assert len({form.setup for form in (whole, *others)}) == 1 + len(others)
