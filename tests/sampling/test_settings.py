"""Settings are checked once, and what is wrong is named."""

from __future__ import annotations

import math

import pytest

from twotower.errors import InputError
from twotower.sampling.settings import SamplingSettings


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_new_tokens", 0),
        ("max_new_tokens", 2.0),
        ("max_new_tokens", True),
        ("block_size", 0),
        ("block_size", -3),
        ("steps_per_block", 0),
        ("threshold", -0.01),
        ("threshold", 1.01),
        ("threshold", math.nan),
        ("threshold", "0.5"),
        ("temperature", -1.0),
        ("temperature", math.nan),
        ("temperature", math.inf),
        ("temperature", None),
        ("top_k", -1),
        ("top_p", 0.0),
        ("top_p", 1.5),
        ("seed", -2),
        ("seed", 2**63),
        ("candidates", 51),
        ("end_token_ids", (-1,)),
        ("finish_block", 1),
        ("finish_block", None),
        ("ar_anchor", 1),
        ("unmasking", "luck"),
        ("unmasking", ["threshold"]),
        ("factor", -0.1),
        ("entropy_bound", math.nan),
        ("kl_bound", math.inf),
        ("draft_passes", -1),
        ("draft_passes", 65),
        ("accept_from", 1.1),
        ("pins", 5),
        ("pins", "12"),
        ("pins", (1, 2)),
        ("pins", ((1, 2, 3),)),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(field: str, value: object) -> None:
    with pytest.raises(InputError) as caught:
        SamplingSettings(**{field: value})  # type: ignore[arg-type]
    assert caught.value.field == field
    assert field in str(caught.value)
    assert "allowed" in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [("threshold", 0.0), ("threshold", 1), ("temperature", 0), ("top_p", 1e-9), ("seed", 2**63 - 1), ("top_k", 10**9)],
)
def test_the_ends_of_what_is_allowed_are_allowed(field: str, value: object) -> None:
    assert getattr(SamplingSettings(**{field: value}), field) == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pins", "named"),
    [
        (((128, 5),), "position is 128; allowed: a whole number from 0 to 127"),
        (((-1, 5),), "position is -1"),
        (((1.0, 5),), "position is 1.0"),
        (((1, -5),), "token id is -5"),
        (((1, True),), "token id is True"),
        (((7, 5), (2, 5), (7, 6)), "position is 7; allowed: every slot pinned once"),
    ],
)
def test_a_pin_that_cannot_be_is_named(pins: tuple, named: str) -> None:
    with pytest.raises(InputError, match=named):
        SamplingSettings(pins=pins)


def test_pins_are_kept_in_order_and_for_lanes_that_can_hold_them() -> None:
    asked = SamplingSettings(pins=((7, 5), (2, 6)))
    assert asked.pins == ((2, 6), (7, 5))
    assert asked.for_lane("diffusion") is asked
    assert asked.for_lane("verify").pins == asked.for_lane("autoregressive").pins == ()


def test_beyond_the_trained_width_warns_and_four_times_is_the_end() -> None:
    assert SamplingSettings(block_size=16).warnings(16) == ()
    (warning,) = SamplingSettings(block_size=64).warnings(16)
    assert "64" in warning
    assert "16" in warning
    with pytest.raises(InputError, match="block_size is 65"):
        SamplingSettings(block_size=65).warnings(16)


def test_long_values_are_cut_in_messages() -> None:
    with pytest.raises(InputError) as caught:
        SamplingSettings(threshold="x" * 10_000)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 200
