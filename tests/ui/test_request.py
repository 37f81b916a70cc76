"""Raw values of widgets and programs become a request, or an error that names the field."""

from __future__ import annotations

import pytest

from twotower.errors import InputError
from twotower.sampling.settings import SamplingSettings
from twotower.ui.request import MOST_NEW_TOKENS, RaceRequest, read_request

LANES = ("diffusion", "autoregressive", "mock-ar")


def read(prompt: object = "Once", lanes: object = ("diffusion",), pins: object = (), **values: object) -> RaceRequest:
    return read_request(prompt, lanes, values, LANES, 16, pins=pins)


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


def test_a_seed_that_was_given_is_kept() -> None:
    assert read(seed=0).settings.seed == 0


def test_a_lane_asked_for_twice_runs_once() -> None:
    assert read(lanes=["diffusion", "diffusion"]).lanes == ("diffusion",)


def test_what_was_not_given_has_its_default() -> None:
    settings = read(seed=4, top_p=0.5).settings
    assert settings == SamplingSettings(seed=4, top_p=0.5)


def test_every_setting_arrives_under_its_own_name() -> None:
    asked = {"unmasking": "entropy", "factor": 2.0, "entropy_bound": 0.5, "kl_bound": 0.04, "ar_anchor": True}
    settings = read(seed=1, draft_passes=3.0, accept_from=0.5, **asked).settings
    assert settings == SamplingSettings(seed=1, draft_passes=3, accept_from=0.5, **asked)  # type: ignore[arg-type]


def test_pins_stay_text_until_a_model_reads_them() -> None:
    asked = read(pins=["3: cat", "9:🐉"])
    assert asked.pins == ("3: cat", "9:🐉")
    assert asked.settings.pins == ()


def test_the_widest_block_and_the_longest_text_are_allowed() -> None:
    settings = read(block_size=64, max_new_tokens=MOST_NEW_TOKENS).settings
    assert (settings.block_size, settings.max_new_tokens) == (64, MOST_NEW_TOKENS)


@pytest.mark.parametrize(
    ("values", "value", "allowed"),
    [
        ({"threshold": 1.5}, 1.5, "0 to 1"),
        ({"max_new_tokens": 4096.0}, 4096, f"1 to {MOST_NEW_TOKENS}"),
        ({"block_size": 65}, 65, "1 to 64"),
        ({"lanes": ["diffusion", "sideways"]}, "sideways", "autoregressive"),
        ({"lanes": []}, [], "at least one of diffusion"),
    ],
)
def test_an_error_says_the_value_and_what_is_allowed(values: dict, value: object, allowed: str) -> None:
    with pytest.raises(InputError) as caught:
        read(**values)
    assert caught.value.value == value
    assert allowed in caught.value.allowed


def test_no_prompt_is_an_empty_one() -> None:
    assert read(prompt=None).prompt == ""


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("prompt", {"prompt": 7}),
        ("lane", {"lanes": ["sideways"]}),
        ("lane", {"lanes": None}),
        ("lanes", {"lanes": []}),
        ("lane", {"lanes": [["diffusion"]]}),
        ("lane", {"lanes": {"diffusion": True}}),
        ("max_new_tokens", {"max_new_tokens": True}),
        ("max_new_tokens", {"max_new_tokens": "16"}),
        ("max_new_tokens", {"max_new_tokens": 0}),
        ("max_new_tokens", {"max_new_tokens": MOST_NEW_TOKENS + 1}),
        ("max_new_tokens", {"max_new_tokens": 1.5}),
        ("max_new_tokens", {"max_new_tokens": None}),
        ("block_size", {"block_size": 65}),
        ("steps_per_block", {"steps_per_block": 0}),
        ("steps_per_block", {"steps_per_block": "16"}),
        ("temperature", {"temperature": float("nan")}),
        ("threshold", {"threshold": None}),
        ("top_k", {"top_k": -1}),
        ("top_p", {"top_p": 0}),
        ("seed", {"seed": -5}),
        ("seed", {"seed": float("inf")}),
        ("unmasking", {"unmasking": "luck"}),
        ("unmasking", {"unmasking": ["threshold"]}),
        ("unmasking", {"unmasking": None}),
        ("factor", {"factor": -0.1}),
        ("entropy_bound", {"entropy_bound": "much"}),
        ("kl_bound", {"kl_bound": float("nan")}),
        ("ar_anchor", {"ar_anchor": 1}),
        ("draft_passes", {"draft_passes": 1.5}),
        ("draft_passes", {"draft_passes": -1}),
        ("accept_from", {"accept_from": 1.01}),
        ("pins", {"pins": "3: cat"}),
        ("pins", {"pins": [3]}),
        ("pins", {"pins": None}),
        ("pin", {"pins": ["cat"]}),
        ("pin", {"pins": ["9: cat"], "max_new_tokens": 8}),
        ("pin", {"pins": ["3: \ud83d"]}),
    ],
)
def test_a_bad_value_names_its_field(field: str, values: dict) -> None:
    with pytest.raises(InputError) as caught:
        read(**values)
    assert caught.value.field == field
