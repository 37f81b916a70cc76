"""Each kind of pass is the model's own, over the right ids, from the right context, with the right floor."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from twotower.benchmark.floors import Floors
from twotower.benchmark.passes import AR_STEP, PREFILL, ROLL_BACK, Pass, passes_from, prefill_of
from twotower.benchmark.reading import ids_to_read
from twotower.benchmark.standpoint import Standpoint
from twotower.metrics import CONTEXT_PASS, DENOISER_PASS, VERIFY_PASS
from twotower.model.experts import Router
from twotower.model.state import ContextState
from twotower.model.twotower import TwoTower

CONTEXT, SIZE = 20, 8
CALLS = {AR_STEP: "ar_step", DENOISER_PASS: "denoiser_pass", CONTEXT_PASS: "context_pass", VERIFY_PASS: "verify_pass"}


def made(model: TwoTower) -> dict[str, Pass]:
    ids = ids_to_read(model, CONTEXT + SIZE)
    found = passes_from(model, Standpoint(model, ids[:, :CONTEXT], 2 * SIZE), ids[:, CONTEXT:])
    return {one.kind: one for one in found}


@pytest.mark.parametrize("kind", [*CALLS, ROLL_BACK])
def test_a_pass_runs_from_its_context_as_often_as_it_is_asked(
    tiny_model: TwoTower, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    one = made(tiny_model)[kind]
    name = CALLS.get(kind, "take_over")
    real, lengths = getattr(tiny_model, name), []

    def watched(*arguments: object) -> object:
        lengths.append(next(each.held[0] for each in arguments if isinstance(each, ContextState)))
        return real(*arguments)

    monkeypatch.setattr(tiny_model, name, watched)
    with torch.inference_mode():
        for _ in range(2):
            one.prepare()
            assert lengths == [CONTEXT] * len(lengths)
            one.run()
    assert len(lengths) == 2
    assert one.context == CONTEXT


def test_the_denoiser_sees_half_of_its_slots_masked(tiny_model: TwoTower, monkeypatch: pytest.MonkeyPatch) -> None:
    one = made(tiny_model)[DENOISER_PASS]
    seen = []
    monkeypatch.setattr(tiny_model, "denoiser_pass", lambda ids, state, fraction: seen.append((ids, fraction)))
    with torch.inference_mode():
        one.prepare()
        one.run()
    ids, fraction = seen[0]
    assert int((ids == tiny_model.config.mask_token_id).sum()) == SIZE // 2
    assert fraction == 0.5


@pytest.mark.parametrize("kind", [AR_STEP, DENOISER_PASS, CONTEXT_PASS])
def test_the_experts_touched_are_those_that_were_chosen(
    make_model: Callable[..., TwoTower], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    model = make_model(n_routed_experts=12)
    one = made(model)[kind]
    chosen = []
    real = Router.forward

    def forward(router: Router, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        experts, weights = real(router, x)
        chosen.append(set(experts.flatten().tolist()))
        return experts, weights

    monkeypatch.setattr(Router, "forward", forward)
    with torch.inference_mode():
        one.prepare()
        chosen.clear()
        one.run()
    assert len(chosen) == 2
    assert list(map(len, chosen)) == list(one.experts_touched())
    assert one.experts_touched() == one.experts_touched()


def test_floors_are_of_the_ids_they_read(tiny_model: TwoTower) -> None:
    floors, touched = Floors(tiny_model.config, 4), (3, 2)
    passes = made(tiny_model)
    assert passes[AR_STEP].work(touched) == floors.ar_step(CONTEXT, touched)
    assert passes[DENOISER_PASS].work(touched) == floors.denoiser_pass(SIZE, CONTEXT, touched)
    assert passes[CONTEXT_PASS].work(touched) == floors.context_pass(SIZE, CONTEXT, touched)
    assert passes[VERIFY_PASS].work(touched) == floors.verify_pass(SIZE, CONTEXT, touched)
    assert passes[ROLL_BACK].work(()) == floors.take_over(SIZE // 2)
    assert passes[ROLL_BACK].experts_touched() == ()
    prefill = prefill_of(tiny_model, ids_to_read(tiny_model, 30))
    assert prefill.work(touched) == floors.prefill(30, touched)
    assert (prefill.kind, prefill.size, prefill.context) == (PREFILL, 30, 0)
    assert len(prefill.experts_touched()) == 2
