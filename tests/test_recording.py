"""A recording survives its file, shows what the run showed, and nothing but a recording is ever read as one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import handmade_recording
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twotower import DEFAULT_MODEL, TwoTower
from twotower import recording as recording_module
from twotower.errors import InputError
from twotower.recording import MOST_SLOTS, LaneRecord, Recording, check_recordable, ids_named
from twotower.sampling import SamplingSettings, generate
from twotower.sampling.replay import Replay
from twotower.text import decode, encode_prompt, slot_texts
from twotower.trace import Trace
from twotower.views.report import html_player
from twotower.views.timings import timings_csv

PROMPT = "Once upon a time"
TWO_LANES = handmade_recording.recording()
DRAFTED = LaneRecord(handmade_recording.verify(), "", handmade_recording.TEXTS, ((0, 1, " é"),))
HANDMADE = replace(TWO_LANES, lanes=(*TWO_LANES.lanes, DRAFTED))
BODY: dict[str, Any] = json.loads(HANDMADE.to_json())


@pytest.fixture(scope="module")
def embedded() -> TwoTower:
    return TwoTower.from_pretrained(DEFAULT_MODEL)


@pytest.fixture(scope="module")
def real(embedded: TwoTower) -> Recording:
    asked = SamplingSettings(max_new_tokens=24, seed=3, temperature=1.5)
    ids = encode_prompt(embedded, PROMPT)
    lanes = ("diffusion", "autoregressive", "mock-ar")
    traces = [Trace.record(generate(embedded, ids, lane, asked)) for lane in lanes]
    return Recording.of("A start", PROMPT, traces, embedded.tokenizer)


def test_written_and_read_again(real: Recording) -> None:
    read = Recording.from_json(real.to_json())
    assert read.to_json() == real.to_json()
    assert Recording.from_json(read.to_json()) == read
    assert (read.name, read.prompt, read.pieces) == ("A start", PROMPT, real.pieces)
    for mine, theirs in zip(read.lanes, real.lanes, strict=True):
        assert mine.trace.slots == theirs.trace.slots
        assert (mine.text, mine.slot_texts, mine.joins) == (theirs.text, theirs.slot_texts, theirs.joins)


def test_the_handmade_one_reads_as_itself() -> None:
    assert Recording.from_json(json.dumps(BODY)) == HANDMADE


def test_the_file_is_what_the_documentation_says() -> None:
    assert list(BODY) == ["recording", "name", "prompt", "pieces", "lanes"]
    assert BODY["recording"] == 1
    assert BODY["pieces"]["10"] == "<10>"
    lane = BODY["lanes"][0]
    assert list(lane) == ["schema", "events", "text", "slot_texts", "joins"]
    assert lane["schema"] == 2
    assert lane["joins"] == [[0, 1, " é"]]
    assert lane["slot_texts"] == list(handmade_recording.TEXTS)
    assert lane["events"][3]["proposals"][0] == [0, 10, 0.9, "threshold", [[10, 0.9], [11, 0.05]]]


def test_texts_are_those_of_the_tokenizer(real: Recording, embedded: TwoTower) -> None:
    for lane in real.lanes:
        assert lane.text == decode(embedded.tokenizer, lane.trace.token_ids)
        assert list(lane.slot_texts) == slot_texts(embedded.tokenizer, lane.trace.slots)
        assert ids_named(lane.trace.events) <= set(real.pieces)
        assert {token for token in lane.trace.slots if token is not None} <= set(real.pieces)


def test_every_moment_shows_what_the_live_page_showed(real: Recording, embedded: TwoTower) -> None:
    for lane in real.lanes:
        replay = Replay()
        for event in lane.trace.events:
            replay.apply(event)
            assert lane.shown(replay.slots, real.pieces) == slot_texts(embedded.tokenizer, replay.slots)


def test_a_draft_that_is_rejected_shows_its_own_text() -> None:
    shown = [DRAFTED.shown(slots, HANDMADE.pieces) for slots in ([10, None], [10, 14], [10, 12])]
    assert shown == [[" é", ""], [" é", "<14>"], [" é🗼", ""]]


@pytest.mark.parametrize(
    ("slots", "shown"),
    [
        ([], []),
        ([10], [" é"]),  # slot 1 is not even open
        ([10, None], [" é", ""]),
        ([None, 12], ["", ""]),
        ([10, 12], [" é🗼", ""]),
        ([10, 12, None, 2], [" é🗼", "", "", "</s>"]),
    ],
)
def test_a_slot_waits_for_the_rest_of_its_character(slots: list[int | None], shown: list[str]) -> None:
    assert TWO_LANES.lanes[0].shown(slots, TWO_LANES.pieces) == shown


def changed(path: str, value: object) -> str:
    """The handmade file with one value replaced; a path is names and numbers with dots between."""
    body = copy.deepcopy(BODY)
    *way, last = (int(step) if step.isdigit() else step for step in path.split("."))
    place: Any = body
    for step in way:
        place = place[step]
    place[last] = value
    return json.dumps(body)


DENOISED, EVENTS, VERIFY = "lanes.0.events.3", "lanes.0.events", "lanes.2.events"
FIRST = f"{DENOISED}.proposals.0"


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("recording", 2, "recording version is 2"),
        ("recording", True, "recording version is True"),
        ("name", 7, "name is 7"),
        ("name", "x" * 201, "name is"),
        ("name", "half \ud800", "name is"),
        ("prompt", None, "prompt is None"),
        ("prompt", "x" * 1_000_001, "prompt is"),
        ("extra", 1, "extra"),
        ("pieces", [], "pieces is 'a list of 0'"),
        ("pieces", {}, "pieces is 'nothing for 1'"),
        ("pieces.x", "y", "pieces is 'x'"),
        ("pieces.-1", "y", "pieces is '-1'"),
        ("pieces.10", 5, r"pieces.\[10\] is 5|pieces\[10\] is 5"),
        ("lanes", [], "lanes is ''"),
        ("lanes", [BODY["lanes"][0]] * 9, "lanes is 'a list of 9'"),
        ("lanes.1", BODY["lanes"][0], "lanes is 'diffusion, diffusion, verify'"),
        ("lanes.0", 5, r"lanes\[0\] is 5"),
        ("lanes.0.schema", 1, r"lanes\[0\].schema is 1"),
        ("lanes.0.text", 5, r"lanes\[0\].text is 5"),
        ("lanes.0.slot_texts", ["a"], "slot_texts is '1 texts'"),
        ("lanes.0.slot_texts.1", None, r"slot_texts\[1\] is None"),
        ("lanes.0.joins", [[0, 1]], r"joins\[0\] is 'a list of 2'"),
        ("lanes.0.joins", [[1, 1, ""]], r"joins\[0\] is \(1, 1"),
        ("lanes.0.joins", [[0, 4, ""]], r"joins\[0\] is \(0, 4"),
        ("lanes.0.joins", [[0, 2, ""], [1, 3, ""]], r"joins\[1\] is \(1, 3"),
        ("lanes.0.joins", [[0, 1, "zz"]], r"joins\[0\] is \(0, 1, 'zz'\)"),
        (EVENTS, "all", "events is 'all'"),
        (f"{EVENTS}.3", 5, r"events\[3\] is 5"),
        (f"{EVENTS}.3.event", "Boom", r"events\[3\].event is 'Boom'"),
        (f"{EVENTS}.3.event", ["Denoised"], r"events\[3\].event is 'a list of 1'"),
        (f"{EVENTS}.0.lane", "=cmd()", r"Started.lane is '=cmd\(\)'"),
        (f"{EVENTS}.0.settings", {"threshold": 7}, r"settings.threshold is 7"),
        (f"{EVENTS}.0.settings", {"volume": 7}, r"settings is 'volume'"),
        (f"{EVENTS}.0.settings", {"end_token_ids": 5}, r"settings.end_token_ids is 5"),
        (f"{EVENTS}.0.settings", {"seed": 10**400}, r"settings.seed"),
        (f"{EVENTS}.0.settings", {"threshold": [[[]]]}, r"settings.threshold is 'a list of 1'"),
        (f"{EVENTS}.0.threads", True, "threads is True"),
        (f"{EVENTS}.1.time", -0.1, r"Prefilled.time is -0.1"),
        (f"{EVENTS}.1.time", "soon", r"time is 'soon'"),
        (f"{EVENTS}.1.time", 10**400, r"time is 1000"),
        (f"{EVENTS}.1.time", 0.02, r"events\[2\].BlockOpened.time is 0.01"),
        (f"{EVENTS}.2.offset", 1, "offset is 1"),
        (f"{EVENTS}.2.block", 1, "block is 1"),
        (f"{EVENTS}.2.size", 0, "size is 0"),
        (f"{EVENTS}.2.size", 2.0, "size is 2.0"),
        (f"{DENOISED}.block", 1, "block is 1"),
        (f"{DENOISED}.step", 1, r"events\[4\].Denoised.step is 1"),
        (f"{DENOISED}.masked_fraction", 1.5, "masked_fraction is 1.5"),
        (FIRST, [1, 2], r"proposals\[0\] is 'a list of 2'"),
        (f"{FIRST}.0", 2, r"proposals\[0\].position is 2"),
        (f"{FIRST}.0", 1, r"proposals\[1\].position is 1"),
        (f"{FIRST}.1", 10.0, r"proposals\[0\].id is 10.0"),
        (f"{FIRST}.2", 1.01, r"confidence is 1.01"),
        (f"{FIRST}.3", "luck", r"rule is 'luck'"),
        (f"{FIRST}.4.0", [10], r"candidates\[0\] is 'a list of 1'"),
        (f"{FIRST}.4.0.1", -1, r"candidates\[0\].probability is -1"),
        (f"{EVENTS}.4.proposals.0.0", 0, r"events\[4\].Denoised.proposals\[0\].position is 0"),
        (f"{EVENTS}.5.tokens", 3, "ContextExtended.tokens is 3"),
        (f"{EVENTS}.6.log_probabilities", [-0.1], "Judged.choices is 2"),
        (f"{EVENTS}.6.log_probabilities.0", 5, r"log_probabilities\[0\] is 5"),
        (f"{EVENTS}.6.candidates", [[]], "Judged.candidates is 1"),
        (f"{EVENTS}.6.candidates.0.0.1", 2, r"candidates\[0\]\[0\].probability is 2"),
        (f"{EVENTS}.6.position", 1, "Judged.position is 1"),
        (f"{EVENTS}.2.pinned", [[2, 10]], r"pinned\[0\].position is 2"),
        (f"{EVENTS}.2.pinned", [[1, 12], [1, 12]], r"pinned\[1\].position is 1"),
        (f"{EVENTS}.2.pinned", [[1, 12]], r"proposals\[1\].position is 1"),
        (f"{EVENTS}.0.settings", {"pins": [[1]]}, r"settings.pins\[0\] is 'a list of 1'"),
        (f"{EVENTS}.0.settings", {"unmasking": "luck"}, "settings.unmasking is 'luck'"),
        (f"{EVENTS}.10.tokens", 5, "Finished.tokens is 5"),
        (f"{VERIFY}.4.proposals.0.0", 0, r"proposals\[0\].position is 0"),
        (f"{VERIFY}.5.drafted", [15], r"Verified.drafted is \[15\]|Verified.drafted is 'a list of 1'"),
        (f"{VERIFY}.5.drafted", [14, 14], "Verified.drafted is"),
        (f"{VERIFY}.5.accepted", 2, "Verified.accepted is 2"),
        (f"{VERIFY}.5.id", True, "Verified.id is True"),
        (f"{VERIFY}.5.id", None, r"Judged.position is 1"),
        (f"{VERIFY}.7.offset", 2, r"BlockOpened.offset is 2"),
        (f"{VERIFY}.7.pinned", [[2, 13]], r"pinned\[0\].position is 2"),
        (f"{EVENTS}.10.reason", "boredom", "reason is 'boredom'"),
        ("lanes.1.events.3.position", 2, r"lanes\[1\].events\[3\].TokenDecoded.position is 2"),
    ],
)
def test_what_is_wrong_is_named(path: str, value: object, named: str) -> None:
    with pytest.raises(InputError, match=named):
        Recording.from_json(changed(path, value))


@pytest.mark.parametrize("text", ["", "{", "null", "7", "[" * 100_000, '{"recording":' * 300 + "1" + "}" * 300])
def test_what_is_no_recording_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="recording"):
        Recording.from_json(text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
@pytest.mark.parametrize("place", ['"time":0.03', '"threshold":0.8', "0.05]"])
def test_numbers_that_are_none_are_refused(number: str, place: str) -> None:
    text = json.dumps(BODY, separators=(",", ":"))
    assert place in text
    put = number + "]" if place.endswith("]") else place.split(":")[0] + ":" + number
    with pytest.raises(InputError):
        Recording.from_json(text.replace(place, put, 1))


def test_sizes_that_a_file_claims_take_no_memory() -> None:
    body = copy.deepcopy(BODY)
    del body["lanes"][0]["events"][3:-1]
    body["lanes"][0]["events"][2]["size"] = MOST_SLOTS + 1
    body["lanes"][0]["events"][3]["tokens"] = 0
    with pytest.raises(InputError, match="events is '8193 slots'"):
        Recording.from_json(json.dumps(body))
    body["lanes"][0]["events"][2]["size"] = 10**15
    with pytest.raises(InputError, match="size is 1000000000000000"):
        Recording.from_json(json.dumps(body))


def test_too_many_events_and_characters_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps(BODY)
    monkeypatch.setattr(recording_module, "MOST_EVENTS", 29)
    with pytest.raises(InputError, match="30 events"):
        Recording.from_json(text)
    monkeypatch.setattr(recording_module, "LONGEST_FILE", len(text) - 1)
    with pytest.raises(InputError, match=f"{len(text)} characters"):
        Recording.from_json(text)


def test_a_setting_of_later_has_its_default_in_an_old_file() -> None:
    body = copy.deepcopy(BODY)
    del body["lanes"][0]["events"][0]["settings"]["finish_block"]
    assert Recording.from_json(json.dumps(body)).lanes[0].trace.started.settings["finish_block"] is False


@pytest.mark.parametrize(
    ("name", "tokens", "named"), [("x" * 201, 4, "name"), ("ok", MOST_SLOTS + 1, "max_new_tokens of a recording")]
)
def test_what_could_not_be_opened_is_refused_before_the_run(name: str, tokens: int, named: str) -> None:
    check_recordable("x" * 200, "a prompt", MOST_SLOTS)
    with pytest.raises(InputError, match=named):
        check_recordable(name, "a prompt", tokens)


JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 20),
    st.sampled_from([2**31, 2**63, 10**30, 10**400]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, 0.03, 1.0, 1e-320, 1e308]),
    st.text(max_size=4),
    st.sampled_from(["diffusion", "mock-ar", "threshold", "Denoised", "Finished", "\ud800"]),
    st.just([]),
    st.just({}),
    st.lists(st.integers(0, 3), max_size=3),
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a JSON value."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((value, key), *places(value[key]))]


def mutate(draw: Callable[[Any], Any], body: Any) -> None:
    spots = places(body)
    (container, key), (other, other_key) = (spots[draw(st.integers(0, len(spots) - 1))] for _ in range(2))
    what = draw(st.sampled_from(["junk", "drop", "double", "copy", "swap", "nudge"]))
    value = container[key]
    if what == "drop":
        del container[key]
    elif what == "double" and isinstance(container, list):
        container.insert(key, copy.deepcopy(value))
    elif what == "copy":
        container[key] = copy.deepcopy(other[other_key])
    elif what == "swap" and isinstance(container, list) and container is other:
        container[key], other[other_key] = other[other_key], value
    elif what == "nudge" and isinstance(value, (int, float)) and abs(value) < 1e9:
        container[key] = value + draw(st.sampled_from([-1, 1, 0.001, -0.001]))
    else:
        container[key] = draw(JUNK)


def read_or_refused(text: str) -> Recording | InputError:
    try:
        return Recording.from_json(text)
    except InputError as error:
        return error


@given(st.data())
@settings(max_examples=1000, deadline=None)
def test_a_file_changed_at_random_is_a_recording_or_an_input_error(data: st.DataObject) -> None:
    body = copy.deepcopy(BODY)
    for _ in range(data.draw(st.integers(1, 3))):
        if places(body):
            mutate(data.draw, body)
    read = read_or_refused(json.dumps(body))
    if isinstance(read, InputError):
        assert read.field.startswith("recording")
        return
    # Whatever is let in can be written, drawn and counted.
    assert Recording.from_json(read.to_json()).to_json() == read.to_json()
    assert html_player(read)
    assert timings_csv(read)
    for lane in read.lanes:
        assert len(lane.shown(lane.trace.slots, read.pieces)) == len(lane.slot_texts)
        assert None not in lane.trace.token_ids


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_text_changed_at_random_is_a_recording_or_an_input_error(data: st.DataObject) -> None:
    text = json.dumps(BODY)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        put = data.draw(st.one_of(st.text(max_size=3), st.sampled_from(["NaN", "1e999", "[", '"', "-", "\\ud800"])))
        text = text[:at] + put + text[at + data.draw(st.integers(0, 3)) :]
    read = read_or_refused(text)
    assert read.field.startswith("recording") if isinstance(read, InputError) else read.lanes
