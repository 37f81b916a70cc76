"""Pinned tokens stand from the start, are seen by the denoiser, and the text does not end before them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twotower.errors import InputError
from twotower.model.twotower import TwoTower
from twotower.race import race
from twotower.sampling.events import BlockOpened, ContextExtended, Denoised
from twotower.sampling.generate import LANES, generate
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace

PROMPT = [5, 60, 7, 33, 8]
LENGTH, SIZE, MASK = 20, 8, 3
PINS = st.dictionaries(st.integers(0, LENGTH - 1), st.integers(10, 96), max_size=LENGTH).map(
    lambda pins: tuple(pins.items())
)


def run(model: TwoTower, pins: tuple, **settings: object) -> Trace:
    given = {"max_new_tokens": LENGTH, "block_size": SIZE, "seed": 1, "end_token_ids": (), "pins": pins, **settings}
    return Trace.record(generate(model, PROMPT, "diffusion", SamplingSettings(**given)))  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(PINS, st.sampled_from([0.0, 1.2]), st.booleans())
def test_every_pin_stands_where_it_was_put(tiny_model: TwoTower, pins: tuple, heat: float, anchored: bool) -> None:
    trace = run(tiny_model, pins, temperature=heat, ar_anchor=anchored)
    assert len(trace.token_ids) == LENGTH
    assert all(trace.token_ids[position] == token for position, token in pins)
    proposed = {p.position for event in trace.events if isinstance(event, Denoised) for p in event.proposals}
    assert not proposed & dict(pins).keys()
    assert {pin for event in trace.events if isinstance(event, BlockOpened) for pin in event.pinned} == set(pins)
    assert Trace.from_json(trace.to_json()).slots == trace.slots


def test_the_denoiser_sees_pins_further_on(tiny_model: TwoTower) -> None:
    trace = run(tiny_model, ((2, 50), (6, 70)), max_new_tokens=SIZE)
    first = next(event for event in trace.events if isinstance(event, Denoised))
    block = [MASK, MASK, 50, MASK, MASK, MASK, 70, MASK]
    assert first.masked_fraction == 6 / 8
    logits = tiny_model.denoiser_logits(PROMPT, block, 6 / 8)[0, [0, 1, 3, 4, 5, 7]]
    logits[:, MASK] = -torch.inf
    assert [proposal.id for proposal in first.proposals] == logits.argmax(-1).tolist()


def test_a_block_that_is_pinned_throughout_takes_no_denoiser_pass(tiny_model: TwoTower) -> None:
    trace = run(tiny_model, tuple((position, 20 + position) for position in range(SIZE)), max_new_tokens=2 * SIZE)
    assert {event.block for event in trace.events if isinstance(event, Denoised)} == {1}
    assert sum(isinstance(event, ContextExtended) for event in trace.events) == 1


def test_no_pins_are_no_change(tiny_model: TwoTower) -> None:
    plain = SamplingSettings(max_new_tokens=LENGTH, block_size=SIZE, seed=1, end_token_ids=())
    assert Trace.record(generate(tiny_model, PROMPT, "diffusion", plain)).token_ids == run(tiny_model, ()).token_ids


@pytest.mark.parametrize("heat", [0.0, 1.5])
@pytest.mark.parametrize("anchored", [False, True])
def test_the_text_does_not_end_before_a_pin(tiny_model: TwoTower, heat: float, anchored: bool) -> None:
    ends = tuple({*run(tiny_model, (), temperature=heat).token_ids})  # without the pin it ends at once
    assert len(run(tiny_model, (), temperature=heat, end_token_ids=ends).token_ids) < LENGTH
    pin = (17, next(token for token in range(10, 97) if token not in ends))
    asked = {"temperature": heat, "end_token_ids": ends, "ar_anchor": anchored}
    trace = run(tiny_model, (pin,), **asked)
    assert trace.token_ids[17] == pin[1]
    assert not set(trace.token_ids[:17]) & set(ends)


def test_a_pinned_end_token_is_where_the_text_ends(tiny_model: TwoTower) -> None:
    trace = run(tiny_model, ((11, 9),), end_token_ids=(9,))
    assert trace.finished.reason == "end-token"
    assert len(trace.token_ids) == 12
    assert trace.token_ids.index(9) == 11


@pytest.mark.parametrize("lane", [lane for lane in LANES if lane != "diffusion"])
def test_lanes_that_write_from_left_to_right_refuse_pins_and_race_without(tiny_model: TwoTower, lane: str) -> None:
    asked = SamplingSettings(max_new_tokens=8, seed=1, pins=((2, 50),), end_token_ids=())
    with pytest.raises(InputError, match="from left to right") as caught:
        next(iter(generate(tiny_model, PROMPT, lane, asked)))
    assert caught.value.field == "pins"
    (pinned, plain) = race(tiny_model, PROMPT, ["diffusion", lane], asked)
    assert pinned.token_ids[2] == 50
    assert plain.started.settings["pins"] == ()


@pytest.mark.parametrize(
    ("pins", "named"),
    [
        (((2, MASK),), "token id is 3"),
        (((2, 97),), "token id is 97"),
        (((2, 9), (5, 50)), "position is 5"),  # 9 ends the text
    ],
)
def test_what_cannot_be_pinned_is_named(tiny_model: TwoTower, pins: tuple, named: str) -> None:
    with pytest.raises(InputError, match=named):
        run(tiny_model, pins, end_token_ids=(9,))
