"""`/generate` for programs: a trace, or an error that names the field."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest

from twotower import TwoTower
from twotower.sampling.generate import LANES
from twotower.sampling.settings import SamplingSettings
from twotower.text import decode
from twotower.trace import Trace
from twotower.ui.api import register_api
from twotower.ui.controls import SETTING_NAMES
from twotower.ui.engine import Engine


@pytest.fixture(scope="module")
def generate(engine: Engine) -> Callable[..., Any]:
    """The function behind the endpoint."""
    with gr.Blocks() as demo:
        register_api(engine, tuple(LANES), {"concurrency_limit": 1})
    (endpoint,) = [each for each in demo.fns.values() if each.api_name == "generate"]
    assert endpoint.fn is not None
    return endpoint.fn


@pytest.mark.parametrize("lane", list(LANES))
def test_the_answer_is_a_trace_with_its_text(generate: Callable[..., Any], embedded: TwoTower, lane: str) -> None:
    body = json.loads(json.dumps(generate("Once upon a time", lane, max_new_tokens=8.0, seed=2), allow_nan=False))
    text = body.pop("text")
    trace = Trace.from_json(json.dumps(body))
    assert (trace.started.lane, trace.started.seed) == (lane, 2)
    assert len(trace.token_ids) == 8
    assert decode(embedded.tokenizer, trace.token_ids) == text


def test_every_setting_arrives_under_its_own_name(generate: Callable[..., Any]) -> None:
    asked = {"max_new_tokens": 5, "block_size": 4, "steps_per_block": 3, "threshold": 0.25}
    asked |= {"temperature": 0.5, "top_k": 7, "top_p": 0.75, "seed": 11}
    asked |= {"unmasking": "factor", "factor": 1.5, "entropy_bound": 0.3, "kl_bound": 0.02}
    asked |= {"ar_anchor": True, "draft_passes": 2, "accept_from": 0.4}
    assert set(asked) == set(SETTING_NAMES)
    settings = generate("Once", **asked)["events"][0]["settings"]
    assert {name: settings[name] for name in asked} == asked


def test_a_pinned_word_stands_in_its_slot(generate: Callable[..., Any], embedded: TwoTower) -> None:
    body = generate("Once upon a time", "diffusion", max_new_tokens=24, seed=2, pins=["9: cat"])
    body.pop("text")
    trace = Trace.from_json(json.dumps(body))
    assert embedded.tokenizer.decode([trace.token_ids[8]]) == " cat"
    assert body["events"][0]["settings"]["pins"] == [[8, trace.token_ids[8]]]


def test_defaults_are_the_samplers() -> None:
    seen: list[Callable[..., Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gr, "api", lambda function, **_: seen.append(function))
        register_api(None, tuple(LANES), {})  # type: ignore[arg-type]  # not touched before a call
    parameters = inspect.signature(seen[0]).parameters
    for name, parameter in parameters.items():
        if name not in ("prompt", "lane"):
            assert parameter.default == getattr(SamplingSettings(), name), name


def test_the_same_seed_gives_the_same_text(generate: Callable[..., Any]) -> None:
    texts = [generate("The old robot", max_new_tokens=16, temperature=1.2, seed=seed)["text"] for seed in (5, 5, 6)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"lane": "sideways"}, ["lane", "sideways", "mock-ar"]),
        ({"threshold": 1.5}, ["threshold", "1.5", "0 to 1"]),
        ({"block_size": 65}, ["block_size", "65", "64"]),
        ({"prompt": "a <mask>"}, ["prompt", "&lt;mask&gt;"]),
        ({"prompt": "word " * 3000}, ["prompt length", "2048"]),
        ({"unmasking": "luck"}, ["unmasking", "luck", "threshold, fixed, factor"]),
        ({"accept_from": 2}, ["accept_from", "2", "0 to 1"]),
        ({"pins": ["cat"]}, ["pin is", "cat", "1 to 128"]),
        ({"pins": "3: cat"}, ["pins is", "a list"]),
        ({"pins": ["3: cat"], "lane": "verify"}, ["pin is", "none in lane verify", "left to right"]),
    ],
)
def test_a_bad_value_is_named(generate: Callable[..., Any], values: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(gr.Error) as caught:
        generate(**{"prompt": "Once", **values})
    assert all(word in caught.value.message for word in words), caught.value.message
