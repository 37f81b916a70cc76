"""Files, links and opened traces, called as Gradio calls them."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import gradio as gr
import pytest

from twotower.recording import Recording
from twotower.sampling.generate import LANES
from twotower.ui.controls import DEFAULTS, SETTING_NAMES
from twotower.ui.engine import Engine
from twotower.ui.gallery import recorded, recorded_names
from twotower.ui.handlers import DRAWN, Handlers
from twotower.ui.keeping import FILES, LARGEST_FILE, Keeping

FIRST = recorded_names()[0]
CHANGED: dict[str, object] = {
    "unmasking": "stability",
    "factor": 2.5,
    "entropy_bound": 0.75,
    "kl_bound": 0.05,
    "ar_anchor": True,
    "draft_passes": 3,
    "accept_from": 0.25,
}


@pytest.fixture
def handlers(engine: Engine) -> Handlers:
    return Handlers(engine, [], tuple(LANES), FIRST)


@pytest.fixture
def keeping(handlers: Handlers) -> Keeping:
    return Keeping(handlers)


def visitor(name: str = "a", **query: str) -> Any:
    return SimpleNamespace(session_hash=name, query_params=query)


def raw(
    prompt: str = "Once", lanes: Any = ("diffusion",), repeats: object = 1, pins: str = "", **changes: object
) -> list[Any]:
    values = {name: getattr(DEFAULTS, name) for name in SETTING_NAMES} | changes
    return [prompt, list(lanes), *(values[name] for name in SETTING_NAMES), repeats, pins]


def named(arrived: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(("prompt", "lanes", *SETTING_NAMES, "repeats", "pins"), arrived, strict=True))


def test_a_fresh_page_saves_the_recorded_run_it_shows(keeping: Keeping) -> None:
    file = keeping.save("save-json", visitor())
    assert file["name"].endswith(".json")
    assert Recording.from_json(base64.b64decode(file["base64"]).decode()) == recorded(FIRST)


@pytest.mark.parametrize(("what", "begins"), [("save-html", b"<!doctype html"), ("save-gif", b"GIF89a")])
def test_files_are_what_their_name_says(keeping: Keeping, what: str, begins: bytes) -> None:
    file = keeping.save(what, visitor())
    assert base64.b64decode(file["base64"]).lower().startswith(begins.lower())
    assert file["type"] == FILES[what][1]


def test_the_same_file_twice_is_two_clicks(keeping: Keeping) -> None:
    assert keeping.save("save-csv", visitor())["number"] != keeping.save("save-csv", visitor())["number"]


def test_with_nothing_on_the_stage_there_is_nothing_to_save(engine: Engine) -> None:
    with pytest.raises(gr.Error, match="run the race first"):
        Keeping(Handlers(engine, [], tuple(LANES))).save("save-json", visitor())


def test_an_opened_file_stands_on_the_stage_and_is_what_is_saved(keeping: Keeping) -> None:
    other = recorded(recorded_names()[1])
    message, strip, *drawn = keeping.open_file(other.to_json().encode(), visitor())
    assert message["recorded"] is True
    assert strip["light"] == "recorded"
    assert len(drawn) == DRAWN
    saved = keeping.save("save-json", visitor())
    assert Recording.from_json(base64.b64decode(saved["base64"]).decode()) == other


@pytest.mark.parametrize("data", [None, b"", b"{", b"\xff", b"[]", b"x" * (LARGEST_FILE + 1)])
def test_a_file_that_is_no_recording_changes_nothing(keeping: Keeping, data: bytes | None) -> None:
    with pytest.raises(gr.Error, match="allowed"):
        keeping.open_file(data, visitor())
    saved = keeping.save("save-json", visitor())
    assert Recording.from_json(base64.b64decode(saved["base64"]).decode()) == recorded(FIRST)


def test_a_link_brings_back_what_it_was_made_from(keeping: Keeping) -> None:
    pins = "3: cat & dog\n9:🐉"
    asked = raw("Größe & <b>", ("diffusion", "verify"), 3, pins, threshold=0.65, seed=7, top_k=5, **CHANGED)
    query = {name: values[0] for name, values in parse_qs(keeping.link(*asked)["query"]).items()}
    assert list(keeping.arrive(visitor(**query))) == asked


def test_a_link_of_a_page_without_pins_says_nothing_of_them(keeping: Keeping) -> None:
    query = {name: values[0] for name, values in parse_qs(keeping.link(*raw())["query"]).items()}
    assert "pins" not in query
    assert named(keeping.arrive(visitor(**query)))["pins"] == gr.skip()
    assert named(keeping.arrive(visitor(pins="3: cat")))["pins"] == "3: cat"


def test_a_link_keeps_a_seed_that_is_to_be_drawn(keeping: Keeping) -> None:
    query = {name: values[0] for name, values in parse_qs(keeping.link(*raw(seed=-1))["query"]).items()}
    assert named(keeping.arrive(visitor(**query)))["seed"] == -1


def test_a_link_that_asks_for_nothing_of_ours_changes_nothing(keeping: Keeping) -> None:
    assert all(value == gr.skip() for value in keeping.arrive(visitor(__theme="dark")))


def test_a_short_link_sets_what_it_names_alone(keeping: Keeping) -> None:
    arrived = named(keeping.arrive(visitor(threshold="0.5")))
    assert arrived.pop("threshold") == 0.5
    assert all(value == gr.skip() for value in arrived.values())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", "2"),
        ("threshold", "nan"),
        ("seed", "x"),
        ("lanes", "sideways"),
        ("repeats", "99"),
        ("unmasking", "luck"),
        ("ar_anchor", "maybe"),
        ("accept_from", "1.1"),
        ("pins", "999: cat"),
    ],
)
def test_a_link_that_cannot_be_used_names_its_field(keeping: Keeping, name: str, value: str) -> None:
    with pytest.raises(gr.Error, match=f"link: {name.removesuffix('s')}"):
        keeping.arrive(visitor(**{name: value}))


def test_a_pinned_run_is_named_in_every_message_until_it_is_let_go(handlers: Handlers) -> None:
    message, button, seed, *_ = handlers.pin(visitor())
    assert message["pinned"] == message["run"] == f"recorded {FIRST}"
    assert message["parts"] == []
    assert "Unpin" in button["value"]
    assert seed == recorded(FIRST).lanes[0].trace.started.seed
    handlers.prepare(visitor(), *raw(max_new_tokens=8))
    assert {each["pinned"] for each in handlers.race(visitor())} == {f"recorded {FIRST}"}
    latency = handlers.settle(visitor())[7]["value"]
    assert [trace.name for trace in latency.data if trace.name.endswith("run A")]
    message, button, _, *drawn = handlers.pin(visitor())
    assert message["pinned"] is None
    assert "Pin as" in button["value"]
    assert not [trace.name for trace in drawn[3]["value"].data if trace.name.endswith("run A")]


def test_a_run_that_is_going_on_cannot_be_pinned_or_saved(handlers: Handlers, keeping: Keeping) -> None:
    handlers.prepare(visitor(), *raw(max_new_tokens=8))
    with pytest.raises(gr.Error, match="run is 'running'"):
        handlers.pin(visitor())
    with pytest.raises(gr.Error, match="run is 'running'"):
        keeping.save("save-json", visitor())
    list(handlers.race(visitor()))
    handlers.settle(visitor())
    assert handlers.pin(visitor())[0]["pinned"] != f"recorded {FIRST}"


def test_a_recorded_run_ends_the_messages_of_a_race_it_replaces(handlers: Handlers) -> None:
    handlers.prepare(visitor(), *raw(max_new_tokens=64, temperature=2.0, threshold=1.0))
    messages = handlers.race(visitor())
    next(messages)
    handlers.show_recorded(FIRST, visitor())
    assert list(messages) == []
    strip, *_ = handlers.settle(visitor())
    assert strip["light"] == "recorded"
    assert handlers.on_stage(handlers.visitors.visit("a")).run == f"recorded {FIRST}"
