"""Ours and transformers' on the same weights write the same, and each pays for the same tokens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from twotower.benchmark import peer_race, peers
from twotower.benchmark.peer_race import MADE_UP, against_peer, agreed, peer_figures
from twotower.benchmark.peers import EXPERTS, Peer, backbone_of
from twotower.model.twotower import TwoTower


@pytest.fixture
def model(make_model: Callable[..., TwoTower]) -> TwoTower:
    return make_model(moe_intermediate_size=16)


def test_both_write_the_same_and_are_timed_in_turn(model: TwoTower) -> None:
    figure = against_peer(model, "small", 2, tokens=10)
    assert (figure.size, figure.tokens, figure.agreed) == ("small", 10, 10)
    assert figure.parameters == model.parameters_per_tower()
    assert figure.experts_by in EXPERTS
    assert figure.ratio.low > 0
    assert figure.theirs.low <= figure.theirs.median <= figure.theirs.high


def test_what_differs_is_said(model: TwoTower, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Peer, "run", lambda self, prompt, tokens: (1.0, [-1] * tokens))
    assert against_peer(model, "small", 1, tokens=4).agreed == 0
    assert agreed([1, 2, 3], [1, 2, 3]) == 3
    assert agreed([1, 2, 3], [1, 9, 3]) == 1


def test_the_fastest_way_to_compute_experts_is_kept(model: TwoTower, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = Peer(model)
    seconds = {"eager": 2.0, "batched_mm": 1.0, "grouped_mm": 3.0}

    def run(self: Peer, prompt: list[int], tokens: int) -> tuple[float, list[int]]:
        way = self._theirs.config._experts_implementation
        if way == "eager":
            raise RuntimeError("a width that this way does not take")
        return seconds[way], []

    monkeypatch.setattr(Peer, "run", run)
    peer.choose_experts([5, 6])
    assert peer.experts_by == peer._theirs.config._experts_implementation == "batched_mm"


def test_a_model_without_experts_has_a_peer_too(make_model: Callable[..., TwoTower]) -> None:
    figure = against_peer(make_model(hybrid_override_pattern="M*-"), "dense", 1, tokens=4)
    assert (figure.experts_by, figure.agreed) == ("no experts", 4)


def test_the_peer_keeps_the_models_dtype_and_its_own_copy(model: TwoTower) -> None:
    theirs = backbone_of(model.to(torch.bfloat16))
    assert theirs.dtype == torch.bfloat16
    assert theirs.lm_head.weight.equal(model.context_lm_head.weight)
    assert theirs.lm_head.weight.data_ptr() != model.context_lm_head.weight.data_ptr()


def test_the_model_comes_first_then_larger_ones(model: TwoTower, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"made up": model.config}
    monkeypatch.setattr(peer_race, "MADE_UP", small)
    monkeypatch.setattr(peer_race, "NEW_TOKENS", 4)
    monkeypatch.setattr(peers, "TRIAL_TOKENS", 2)
    assert [figure.size for figure in peer_figures(model, 1)] == ["unnamed", "made up"]
    monkeypatch.setattr(peer_race, "has_room", lambda model: False)
    assert [figure.size for figure in peer_figures(model, 1)] == ["made up"]


def test_the_made_up_sizes_have_every_kind_of_layer() -> None:
    for config in MADE_UP.values():
        assert set(config.hybrid_override_pattern) == set("ME*-")
        with torch.device("meta"):
            TwoTower(config)
