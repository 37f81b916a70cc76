"""A press of Run as messages and results, without a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from twotower import TwoTower
from twotower.errors import InputError
from twotower.pins import read_pins
from twotower.sampling.events import Event
from twotower.ui import copy
from twotower.ui.launch import WarmLanes
from twotower.ui.race import Race, whole_trace
from twotower.ui.request import read_request
from twotower.ui.shown import Shown, results_of
from twotower.ui.worker import Worker

LANES = ("diffusion", "autoregressive", "mock-ar")


def request(
    prompt: str = "Once upon a time",
    lanes: object = ("diffusion", "autoregressive"),
    pins: object = (),
    **values: object,
) -> Any:
    return read_request(prompt, lanes, {"max_new_tokens": 24, "seed": 1, **values}, LANES, 16, pins=pins)


def shown(race: Race) -> Shown:
    kept = race.shown()
    assert kept is not None
    return kept


def lane_parts(messages: list[dict], lane: str) -> list[dict]:
    return [part for message in messages for part in message["parts"] if part["lane"] == lane]


def test_lanes_follow_one_another_and_end_whole(embedded: TwoTower, worker: Worker) -> None:
    race = Race(embedded, worker, request())
    messages = list(race.messages())
    assert [message["number"] for message in messages] == list(range(1, len(messages) + 1))
    order = [part["lane"] for message in messages for part in message["parts"] if not part.get("whole")]
    assert order == sorted(order, reverse=True)  # every part of diffusion before any of autoregression
    for lane in ("diffusion", "autoregressive"):
        assert lane_parts(messages, lane)[-1]["whole"]
    # The last message alone is the whole run, should the browser have missed the rest.
    assert {part["lane"] for part in messages[-1]["parts"] if part["whole"]} == {"diffusion", "autoregressive"}


def test_results_are_of_what_ran(embedded: TwoTower, worker: Worker) -> None:
    race = Race(embedded, worker, request())
    assert race.shown() is None
    messages = list(race.messages())
    results = results_of(shown(race))
    assert len(results.latency.data) == 2
    assert any(word in str(results.verdict["verdict"]) for word in ("won", "Even"))
    tokens = next(row["values"] for row in results.numbers["rows"] if row["name"] == "Tokens")  # type: ignore[index,union-attr]
    assert tokens == [
        str(lane_parts(messages, lane)[-1]["figures"]["tokens"]) for lane in ("diffusion", "autoregressive")
    ]


def test_repeats_run_off_the_stage_and_give_a_spread(embedded: TwoTower, worker: Worker) -> None:
    asked = replace(request(), repeats=3)
    race = Race(embedded, worker, asked)
    messages = list(race.messages())
    starts = [part for part in lane_parts(messages, "diffusion") if part.get("first") == 0 and not part.get("whole")]
    assert len({json.dumps(part["events"][0]) for part in starts}) == 1  # the stage saw one run
    notes = [message["note"] for message in messages]
    assert [note[:13] for note in notes if note.startswith("Repeat")] == ["Repeat 2 of 3", "Repeat 3 of 3"]
    assert notes[0] == notes[-1] == copy.TIMING
    kept = shown(race)
    assert [len(standing.runs) for standing in kept.standings] == [3, 3]
    assert len(kept.recording.lanes) == 2
    for standing in kept.standings:
        assert {run.tokens for run in standing.runs} == {standing.runs[0].tokens}  # a seed repeats its text


def test_stopped_in_a_repeat_the_whole_repeats_count(embedded: TwoTower, worker: Worker) -> None:
    race = Race(embedded, worker, replace(request(), repeats=9))
    for message in race.messages():
        if str(message.get("note", "")).startswith("Repeat 3"):
            race.stop()
    kept = shown(race)
    assert {len(standing.runs) for standing in kept.standings} == {2}
    assert kept.stopped


def test_stopped_before_it_began_nothing_runs(embedded: TwoTower, worker: Worker) -> None:
    race = Race(embedded, worker, request())
    race.stop()
    assert list(race.messages()) == []
    assert race.shown() is None


def test_stopped_in_a_lane_the_next_does_not_begin_and_nobody_won(embedded: TwoTower, worker: Worker) -> None:
    # A text that hardly ends by itself, a token a pass: the stop must come before its end on any machine.
    race = Race(embedded, worker, request(max_new_tokens=512, temperature=2.0, threshold=1.0, seed=10))
    messages = []
    for message in race.messages():
        messages.append(message)
        if len(messages) == 2:
            race.stop()
    assert lane_parts(messages, "autoregressive") == []
    assert "was stopped" in lane_parts(messages, "diffusion")[-1]["summary"]
    assert "no verdict" in str(results_of(shown(race)).verdict["verdict"])


def test_one_lane_alone_has_no_verdict(embedded: TwoTower, worker: Worker) -> None:
    race = Race(embedded, worker, request(lanes=["mock-ar"]))
    list(race.messages())
    assert "beside the autoregressive one" in str(results_of(shown(race)).verdict["verdict"])


def test_a_lane_that_breaks_says_so_and_then_raises(embedded: TwoTower) -> None:
    class Breaks(WarmLanes):
        def __call__(self, *asked: Any) -> Iterator[Event]:
            for number, event in enumerate(super().__call__(*asked)):
                if number == 4:
                    raise RuntimeError("out of memory")
                yield event

    seen: list[dict] = []

    def watch() -> None:
        for message in Race(embedded, Worker(lambda: Breaks(embedded)), request()).messages():
            seen.append(message)  # noqa: PERF402 (what came before the error is kept)

    with pytest.raises(RuntimeError, match="out of memory"):
        watch()
    assert seen[0]["parts"][0]["events"][0]["event"] == "Started"
    assert seen[-1]["parts"][-1]["broken"]
    assert "error" in seen[-1]["parts"][-1]["summary"]


def test_a_lane_that_breaks_after_another_leaves_no_verdict(embedded: TwoTower) -> None:
    class Breaks(WarmLanes):
        def __call__(self, *asked: Any) -> Iterator[Event]:
            if asked[1] == "autoregressive":
                raise RuntimeError("out of memory")
            yield from super().__call__(*asked)

    race = Race(embedded, Worker(lambda: Breaks(embedded)), request())
    with pytest.raises(RuntimeError):
        list(race.messages())
    kept = shown(race)
    assert [trace.started.lane for trace in kept.traces] == ["diffusion"]
    assert results_of(kept).verdict["verdict"] == copy.BROKEN


@pytest.mark.parametrize(("prompt", "field"), [("a <mask> b", "prompt"), ("word " * 3000, "prompt length")])
def test_a_prompt_that_cannot_run_is_refused_before_the_queue(
    embedded: TwoTower, worker: Worker, prompt: str, field: str
) -> None:
    with pytest.raises(InputError) as caught:
        Race(embedded, worker, request(prompt))
    assert caught.value.field == field


def test_pins_stand_in_diffusion_and_the_other_lanes_run_without_them(embedded: TwoTower, worker: Worker) -> None:
    race = Race(embedded, worker, request(pins=["9: cat", "12: dog"]))
    messages = list(race.messages())
    pins = read_pins(embedded, ["9: cat", "12: dog"], 24)
    diffusion, other = shown(race).traces
    assert [diffusion.token_ids[position] for position, _ in pins] == [token for _, token in pins]
    assert other.started.settings["pins"] == ()
    assert other.token_ids == shown_without_pins(embedded, worker)
    assert {message["note"] for message in messages} == {copy.race_note(("diffusion", "autoregressive"), True)}
    assert "only diffusion can write around: autoregressive." in messages[0]["note"]


def shown_without_pins(embedded: TwoTower, worker: Worker) -> tuple[int, ...]:
    race = Race(embedded, worker, request())
    list(race.messages())
    return shown(race).traces[1].token_ids


def test_a_race_whose_lanes_all_keep_the_pins_has_no_more_to_say() -> None:
    assert copy.race_note(("diffusion",), True) == copy.race_note(("autoregressive",), False) == copy.TIMING


@pytest.mark.parametrize("pin", ["24: cat cat", "3: a<mask>"])
def test_a_pin_only_a_tokenizer_can_refuse_is_refused_before_the_queue(
    embedded: TwoTower, worker: Worker, pin: str
) -> None:
    with pytest.raises(InputError) as caught:
        Race(embedded, worker, request(pins=[pin]))
    assert caught.value.field == "pin"


def test_the_endpoints_trace_has_the_text_of_its_events(embedded: TwoTower, worker: Worker) -> None:
    body = whole_trace(embedded, worker, request(lanes="autoregressive"))
    ids = [event["id"] for event in body["events"] if event["event"] == "TokenDecoded"]
    assert body["text"] == embedded.tokenizer.decode(ids, skip_special_tokens=True)
    assert body["events"][0]["seed"] == 1
