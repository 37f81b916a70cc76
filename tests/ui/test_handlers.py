"""What the buttons do, called as Gradio calls them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from twotower.sampling.generate import LANES
from twotower.ui.controls import DEFAULTS, SETTING_NAMES
from twotower.ui.engine import Engine
from twotower.ui.handlers import DRAWN, Handlers

FACTS = [["model", "small"]]


@pytest.fixture
def handlers(engine: Engine) -> Handlers:
    return Handlers(engine, FACTS, tuple(LANES))


def visitor(name: str) -> Any:
    return SimpleNamespace(session_hash=name)


def raw(
    prompt: object = "Once",
    lanes: object = ("diffusion",),
    repeats: object = 1,
    pins: object = "",
    **changes: object,
) -> list[Any]:
    values = {name: getattr(DEFAULTS, name) for name in SETTING_NAMES} | {"max_new_tokens": 8, "seed": 3} | changes
    wanted = list(lanes) if isinstance(lanes, tuple) else lanes
    return [prompt, wanted, *(values[name] for name in SETTING_NAMES), repeats, pins]


def is_skipped(update: Any) -> bool:
    return update == gr.skip()


def test_prepare_says_the_seed_and_turns_the_buttons_round(handlers: Handlers) -> None:
    seed, strip, run, stop, pin, _ = handlers.prepare(visitor("a"), *raw(seed=17))
    assert seed == "17"
    assert (strip["light"], strip["facts"]) == ("waiting", FACTS)
    assert (run["interactive"], stop["interactive"], pin["interactive"]) == (False, True, False)


def test_every_setting_arrives_under_its_own_name(handlers: Handlers) -> None:
    asked = {"steps_per_block": 3, "temperature": 0.5, "threshold": 0.25, "max_new_tokens": 9}
    asked |= {"block_size": 4, "top_k": 7, "top_p": 0.75, "seed": 11}
    asked |= {"unmasking": "factor", "factor": 1.5, "entropy_bound": 0.3, "kl_bound": 0.02}
    asked |= {"ar_anchor": True, "draft_passes": 2, "accept_from": 0.4}
    assert set(asked) == set(SETTING_NAMES)
    handlers.prepare(visitor("a"), *raw(**asked))
    message = next(iter(handlers.race(visitor("a"))))
    settings = message["parts"][0]["events"][0]["settings"]
    assert {name: settings[name] for name in asked} == asked


def test_the_seed_that_was_drawn_is_the_one_that_runs(handlers: Handlers) -> None:
    seed, *_ = handlers.prepare(visitor("a"), *raw(lanes=("diffusion", "autoregressive"), seed=-1))
    messages = list(handlers.race(visitor("a")))
    seeds = {part["events"][0]["seed"] for part in messages[-1]["parts"]}
    assert len(messages[-1]["parts"]) == 2
    assert seeds == {int(seed)}


def test_a_bad_value_is_said_and_leaves_the_last_race_alone(handlers: Handlers) -> None:
    handlers.prepare(visitor("a"), *raw())
    list(handlers.race(visitor("a")))
    with pytest.raises(gr.Error, match="threshold") as caught:
        handlers.prepare(visitor("a"), *raw(threshold=1.5))
    assert "1.5" in caught.value.message
    assert "0 to 1" in caught.value.message
    assert handlers.settle(visitor("a"))[4]["visible"] is True


def test_a_pin_that_cannot_stand_is_said_and_leaves_the_last_race_alone(handlers: Handlers) -> None:
    handlers.prepare(visitor("a"), *raw())
    list(handlers.race(visitor("a")))
    for pins in ("9: cat", "3 cat", "8: cat cat", "3: a\n3: b"):
        with pytest.raises(gr.Error, match="pin is "):
            handlers.prepare(visitor("a"), *raw(pins=pins))
    assert handlers.settle(visitor("a"))[4]["visible"] is True


def test_a_prompt_that_is_no_unicode_text_is_said(handlers: Handlers) -> None:
    # JSON may carry half of a surrogate pair, which no tokenizer reads.
    with pytest.raises(gr.Error, match="prompt"):
        handlers.prepare(visitor("a"), *raw("half \ud800 of a pair"))


def test_settle_draws_the_results_of_the_race(handlers: Handlers) -> None:
    handlers.prepare(visitor("a"), *raw(lanes=("diffusion", "autoregressive"), max_new_tokens=24))
    list(handlers.race(visitor("a")))
    strip, run, stop, pin, results, verdict, numbers, *charts = handlers.settle(visitor("a"))
    latency, passes, commits, blocks, break_even = (chart["value"] for chart in charts[:5])
    assert strip["light"] == "idle"
    assert (run["interactive"], stop["interactive"]) == (True, False)
    assert pin["interactive"] is True
    assert results["visible"] is True
    assert verdict["verdict"]
    assert [look["lane"] for look in numbers["lanes"]] == ["diffusion", "autoregressive"]
    assert len(latency.data) == 2
    assert len(passes.data) == 3  # denoiser and context passes, AR steps
    assert all(update["visible"] for update in charts)  # the charts and their columns
    assert commits.data
    assert blocks.data
    assert break_even.data


def test_a_chart_with_nothing_to_say_is_hidden(handlers: Handlers) -> None:
    handlers.prepare(visitor("a"), *raw(lanes=("autoregressive",), max_new_tokens=24))
    list(handlers.race(visitor("a")))
    charts = handlers.settle(visitor("a"))[7:]
    assert [update["visible"] for update in charts] == [True, True, False, False, False] * 2


def test_settle_without_a_lane_that_ended_gives_the_buttons_back_alone(handlers: Handlers) -> None:
    handlers.prepare(visitor("a"), *raw())
    handlers.stop(visitor("a"))
    assert list(handlers.race(visitor("a"))) == []
    strip, run, stop, _, *rest = handlers.settle(visitor("a"))
    assert strip["light"] == "idle"
    assert (run["interactive"], stop["interactive"]) == (True, False)
    assert len(rest) == DRAWN
    assert all(is_skipped(update) for update in rest)


def test_stop_is_the_visitors_own(handlers: Handlers) -> None:
    handlers.prepare(visitor("a"), *raw())
    handlers.prepare(visitor("b"), *raw())
    handlers.stop(visitor("a"))
    assert list(handlers.race(visitor("a"))) == []
    assert list(handlers.race(visitor("b")))[-1]["parts"][-1]["whole"]


def test_who_was_never_here_gets_nothing_and_no_error(handlers: Handlers) -> None:
    handlers.stop(visitor("nobody"))
    handlers.leave(visitor("nobody"))
    assert list(handlers.race(visitor("nobody"))) == []
    assert all(is_skipped(update) for update in handlers.settle(visitor("nobody"))[4:])


def test_who_left_is_forgotten(handlers: Handlers) -> None:
    handlers.prepare(visitor("a"), *raw())
    handlers.leave(visitor("a"))
    assert list(handlers.race(visitor("a"))) == []


def test_visitors_have_results_of_their_own(handlers: Handlers) -> None:
    for name, lane in (("a", "diffusion"), ("b", "autoregressive")):
        handlers.prepare(visitor(name), *raw(lanes=(lane,)))
        list(handlers.race(visitor(name)))
    shown = [handlers.settle(visitor(name))[6]["lanes"][0]["lane"] for name in ("a", "b")]
    assert shown == ["diffusion", "autoregressive"]
