"""Raw values of widgets and programs become a request, or an error that names the field."""

from __future__ import annotations

import pytest

from twotower.errors import InputError
from twotower.ui.request import MOST_NEW_TOKENS, RaceRequest, read_request

LANES = ("diffusion", "autoregressive", "mock-ar")


def read(prompt: object = "Once", lanes: object = ("diffusion",), **values: object) -> RaceRequest:
    return read_request(prompt, lanes, values, LANES, 16)


def test_whole_numbers_of_a_browser_are_whole_numbers() -> None:
    settings = read(max_new_tokens=16.0, block_size=8.0, seed=5.0).settings
    assert (settings.max_new_tokens, settings.block_size, settings.seed) == (16, 8, 5)


def test_lanes_run_in_their_own_order() -> None:
    assert read(lanes=["autoregressive", "diffusion"]).lanes == ("diffusion", "autoregressive")
    assert read(lanes="mock-ar").lanes == ("mock-ar",)


def test_a_seed_is_drawn_once_for_all_lanes() -> None:
    seeds = {read(seed=-1).settings.seed for _ in range(8)}
    assert min(seeds) >= 0
    assert len(seeds) > 1


def test_no_prompt_is_an_empty_one() -> None:
    assert read(prompt=None).prompt == ""


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("prompt", {"prompt": 7}),
        ("lane", {"lanes": ["sideways"]}),
        ("lane", {"lanes": None}),
        ("lanes", {"lanes": []}),
        ("max_new_tokens", {"max_new_tokens": 0}),
        ("max_new_tokens", {"max_new_tokens": MOST_NEW_TOKENS + 1}),
        ("max_new_tokens", {"max_new_tokens": 1.5}),
        ("max_new_tokens", {"max_new_tokens": None}),
        ("block_size", {"block_size": 65}),
        ("steps_per_block", {"steps_per_block": "16"}),
        ("temperature", {"temperature": float("nan")}),
        ("threshold", {"threshold": None}),
        ("top_k", {"top_k": -1}),
        ("top_p", {"top_p": 0}),
        ("seed", {"seed": -5}),
        ("seed", {"seed": float("inf")}),
    ],
)
def test_a_bad_value_names_its_field(field: str, values: dict) -> None:
    with pytest.raises(InputError) as caught:
        read(**values)
    assert caught.value.field == field
