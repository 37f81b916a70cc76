"""With the AR anchor the context tower chooses the first token of every block of plain diffusion."""

from __future__ import annotations

import pytest

from twotower.model.twotower import TwoTower
from twotower.sampling.events import BlockOpened, Denoised, TokenDecoded
from twotower.sampling.generate import generate
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace

PROMPT = [5, 60, 7, 33, 8]


def run(model: TwoTower, **settings: object) -> Trace:
    given = {"max_new_tokens": 20, "block_size": 8, "seed": 1, "end_token_ids": (), "ar_anchor": True, **settings}
    return Trace.record(generate(model, PROMPT, "diffusion", SamplingSettings(**given)))  # type: ignore[arg-type]


def test_the_first_token_of_every_block_is_autoregressions(tiny_model: TwoTower) -> None:
    trace = run(tiny_model)
    anchors = [event for event in trace.events if isinstance(event, TokenDecoded)]
    assert [event.position for event in anchors] == [0, 8, 16]
    for event in anchors:
        logits = tiny_model.context_logits([*PROMPT, *trace.token_ids[: event.position]])[0, -1].clone()
        logits[3] = float("-inf")  # a mask token would be a slot still to fill
        assert event.id == trace.token_ids[event.position] == int(logits.argmax())
        assert event.seconds == 0


def test_the_denoiser_sees_the_anchor(tiny_model: TwoTower) -> None:
    for event in run(tiny_model).events:
        if isinstance(event, BlockOpened):
            opened = event
        if isinstance(event, Denoised) and event.step == 0:
            assert event.masked_fraction == (opened.size - 1) / opened.size
            assert opened.offset not in {proposal.position for proposal in event.proposals}


def test_it_does_not_depend_on_what_is_recorded(tiny_model: TwoTower) -> None:
    assert run(tiny_model, temperature=0.9).token_ids == run(tiny_model, temperature=0.9, candidates=0).token_ids


@pytest.mark.parametrize("temperature", [0.0, 1.1])
def test_blocks_of_one_are_autoregression(tiny_model: TwoTower, temperature: float) -> None:
    asked = {"max_new_tokens": 12, "seed": 4, "temperature": temperature, "end_token_ids": ()}
    anchored = run(tiny_model, **asked, block_size=1)
    settings = SamplingSettings(**asked)  # type: ignore[arg-type]
    assert anchored.token_ids == Trace.record(generate(tiny_model, PROMPT, "autoregressive", settings)).token_ids


def test_an_anchor_that_ends_the_text_needs_no_denoiser_pass(tiny_model: TwoTower) -> None:
    first = run(tiny_model).token_ids[0]
    trace = run(tiny_model, end_token_ids=(first,))
    assert trace.token_ids == (first,)
    assert not any(isinstance(event, Denoised) for event in trace.events)
    assert Trace.from_json(trace.to_json()).slots == trace.slots
