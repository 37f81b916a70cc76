"""Draft and verify on the stage: at every moment, reached from either side, the slots are what the run says."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from handmade_runs import pinned_run, verify_run
from playwright.sync_api import Browser, Page
from test_accessible import violations
from visitor import figure, prose, run_to_end, set_number

from twotower import DEFAULT_MODEL, TwoTower
from twotower.recording import LaneRecord, Recording, ids_named
from twotower.sampling import SamplingSettings, generate
from twotower.sampling.replay import Replay
from twotower.text import encode_prompt
from twotower.trace import Trace
from twotower.views.canvas import LaneCanvas, StageFrame
from twotower.views.growth import growth
from twotower.views.report import html_player

# What the stage shows after each count of events, in the order in which they are asked for.
SHOWN = """
([name, counts]) => {
  const lane = document.querySelector(".tt-stage").stage.lanes.get(name);
  const looks = ["tt-ghost", "tt-beyond", "tt-mask", "tt-draft", "tt-token"];
  return counts.map((count) => {
    lane.show(count, false);
    return {
      ids: lane.timeline.slots.map((_, position) => lane.timeline.contentAt(position, count)?.id ?? null),
      kinds: lane.grid.cells.map((cell) => looks.find((look) => cell.classList.contains(look)).slice(3)),
      texts: lane.grid.cells.map((_, position) => lane.textAt(position, count)),
      round: lane.grid.cells.flatMap((cell, position) => (cell.classList.contains("tt-round") ? [position] : [])),
      faces: lane.grid.cells.map((cell) => `${cell.className}|${cell.textContent}|${cell.style.cssText}`),
      prose: lane.prose.textContent,
      tokens: lane.timeline.figuresAt(count).tokens,
    };
  });
}
"""


def by_hand(trace: Trace) -> Recording:
    """A recording whose slots say their ids."""
    texts = tuple("" if token is None else f" {token}" for token in trace.slots)
    text = "".join(texts[: trace.finished.tokens])
    pieces = {token: f" {token}" for token in ids_named(trace.events)}
    settings = {"block_size": 4, "max_new_tokens": 10, "candidates": 5, "unmasking": "threshold", "threshold": 0.8}
    started = replace(trace.started, settings={**settings, **trace.started.settings})
    return Recording("by hand", "", (LaneRecord(Trace((started, *trace.events[1:])), text, texts, ()),), pieces)


@pytest.fixture(scope="module")
def of_model() -> Recording:
    """Runs of the embedded model in which drafts are accepted, let pass, rejected: text with and without chance."""
    model = TwoTower.from_pretrained(DEFAULT_MODEL)
    settings = SamplingSettings(max_new_tokens=60, block_size=8, temperature=0.9, seed=3, accept_from=0.2)
    prompt = "Once upon a time"
    ids = encode_prompt(model, prompt)
    traces = [Trace.record(generate(model, ids, lane, settings)) for lane in ("diffusion", "autoregressive", "verify")]
    return Recording.of("rounds", prompt, traces, model.tokenizer)


Open = Callable[[Recording], Page]


@pytest.fixture
def open_player(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """`open_player(recording)`: its exported player, standing still at its end; it must raise nothing."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce", offline=True)
    errors: list[str] = []

    def opened(recording: Recording) -> Page:
        file = tmp_path / "player.html"
        file.write_text(html_player(recording), encoding="utf-8")
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(file.as_uri())
        page.locator(".tt-lane").first.wait_for()
        return page

    yield opened
    context.close()
    assert errors == []


def seek_after(page: Page, lane: str, count: int) -> None:
    """Show every lane at the time of the lane's `count`-th event."""
    page.evaluate(
        """([name, count]) => {
          const { player, lanes } = document.querySelector(".tt-stage").stage;
          player.seek(lanes.get(name).timeline.times[count - 1]);
        }""",
        [lane, count],
    )


def inspect(page: Page, lane: str, position: int) -> list[str]:
    """The inspector's sentences about a slot."""
    page.hover(f".tt-lane[data-lane={lane}] .tt-slot[data-position='{position}']")
    page.evaluate("document.querySelector('.tt-stage').stage.inspector.tell()")
    return page.locator(".tt-inspector-facts li").all_inner_texts()


def moments(recording: Recording, lane: int) -> list[dict[str, Any]]:
    """What the run says after every count of its events: ids, kinds and texts of the slots, tokens of the text."""
    record = recording.lanes[lane]
    trace, replay, said = record.trace, Replay(), []
    brought = growth(trace)
    for count, event in enumerate(trace.events, 1):
        replay.apply(event)
        slots = list(replay.slots)
        ended = count == len(trace.events)
        kinds = [
            "mask" if token is None else "draft" if at in replay.drafts else "token" for at, token in enumerate(slots)
        ]
        if ended:
            kinds[trace.finished.tokens :] = ["beyond"] * (len(slots) - trace.finished.tokens)
        said.append(
            {
                "ids": slots + [None] * (len(trace.slots) - len(slots)),
                "kinds": kinds + ["ghost"] * (len(trace.slots) - len(slots)),
                "texts": record.shown(slots, recording.pieces) + [""] * (len(trace.slots) - len(slots)),
                "tokens": sum(brought[:count]),
            }
        )
    return said


@pytest.mark.parametrize("run", ["verify_run", "pinned_run", "model: diffusion", "model: verify"])
def test_every_moment_from_either_side(open_player: Open, of_model: Recording, run: str) -> None:
    recording, lane = {
        "verify_run": (by_hand(verify_run()), 0),
        "pinned_run": (by_hand(pinned_run()), 0),
        "model: diffusion": (of_model, 0),
        "model: verify": (of_model, 2),
    }[run]
    name = recording.lanes[lane].trace.started.lane
    wanted = moments(recording, lane)
    page = open_player(recording)
    there = list(range(1, len(wanted) + 1))
    back, anywhere = there[::-1], random.Random(1).sample(there, len(there))
    faces: dict[int, tuple[Any, ...]] = {}
    for counts in (there, back, anywhere):
        for count, shown in zip(counts, page.evaluate(SHOWN, [name, counts])):
            slots = len(wanted[count - 1]["ids"])
            assert shown["ids"] == wanted[count - 1]["ids"], count
            assert shown["kinds"][:slots] == wanted[count - 1]["kinds"], count
            assert set(shown["kinds"][slots:]) <= {"ghost"}
            assert shown["texts"][:slots] == wanted[count - 1]["texts"], count
            assert shown["tokens"] == wanted[count - 1]["tokens"], count
            face = (shown["faces"], shown["prose"], shown["round"])
            assert faces.setdefault(count, face) == face, count  # whichever way one came


@pytest.mark.parametrize("lost", [None, 4, 5])
def test_a_live_run_can_be_scrubbed_back_to_what_was_rejected(open_player: Open, lost: int | None) -> None:
    trace = verify_run()
    page = open_player(by_hand(pinned_run()))
    canvas, frame = LaneCanvas("verify", by_ids), StageFrame("live", ("verify",), 10, 4, "")
    replay, stood = Replay(), [[""] * 10]
    for number, event in enumerate(trace.events[:-1], 1):
        part = canvas.live([event])
        if number != lost:
            page.evaluate(
                "message => document.querySelector('.tt-stage').stage.take(message)", frame.message(number, part)
            )
        replay.apply(event)
        stood.append([*by_ids(replay.slots), *[""] * 10][:10])
        if number == lost:
            continue
        counts = list(range(number, -1, -1))
        for count, shown in zip(counts, page.evaluate(SHOWN, ["verify", counts])):
            assert shown["texts"] == stood[count], (number, count)


def by_ids(slots: Sequence[int | None]) -> list[str]:
    return ["" if token is None else f" {token}" for token in slots]


def test_the_page_runs_rounds_live(page: Page) -> None:
    page.get_by_role("checkbox", name="Draft and verify").check()
    set_number(page, "max-new-tokens", "48")
    run_to_end(page, lanes=3)
    shown = page.evaluate(
        """() => {
          const { lanes } = document.querySelector(".tt-stage").stage;
          const ids = (lane) => lane.timeline.slots.slice(0, lane.timeline.finished.tokens).map((slot) => slot.id);
          return ["verify", "autoregressive"].map((name) => ids(lanes.get(name)));
        }"""
    )
    assert shown[0] == shown[1]  # autoregression's own text
    assert prose(page, "verify") == prose(page, "autoregressive")
    assert (
        page.locator(".tt-lane[data-lane=verify] .tt-prose *").count() == 0
    )  # nothing is set apart as a draft any more
    assert float(figure(page, "verify", "accepted_per_round")) > 0


def test_the_runs_have_what_they_are_to_show(of_model: Recording) -> None:
    trace = of_model.lanes[2].trace
    verified = [event for event in trace.events if type(event).__name__ == "Verified"]
    assert any(event.accepted < len(event.drafted) - 1 for event in verified)  # taken back behind the rejected one
    replay, held = Replay(), [set() for _ in trace.slots]
    for event in trace.events:
        replay.apply(event)
        for position, token in enumerate(replay.slots):
            held[position].add(token)
    assert max(len(tokens - {None}) for tokens in held) > 1  # a slot that held one token and then another


def test_the_slots_of_the_round_are_marked(open_player: Open) -> None:
    page = open_player(by_hand(verify_run()))
    counts = [3, 6, 7, 9, 12, 13, 17]
    rounds = [shown["round"] for shown in page.evaluate(SHOWN, ["verify", counts])]
    assert rounds == [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3], [2, 3, 4, 5], [2, 3, 4, 5], [6, 7, 8, 9], []]


def test_each_origin_has_its_look_and_its_sentence(open_player: Open) -> None:
    page = open_player(by_hand(verify_run()))
    classes = page.evaluate("[...document.querySelectorAll('.tt-slot[data-position]')].map((cell) => cell.className)")
    for position, look in {0: "prefill", 1: "accepted", 2: "replaced", 4: "lenient", 6: "bonus", 7: "accepted"}.items():
        assert f"tt-is-{look}" in classes[position].split(), position
    assert inspect(page, "verify", 0)[0] == "round 1, “␣10” is AR's own, at 90.0 %: the prefill gives the first token"
    assert inspect(page, "verify", 1)[:2] == [
        "round 1, “␣11” drafted in step 1 at 90.0 %, and accepted: AR puts the same token there",
        "rule: above the threshold",
    ]
    assert inspect(page, "verify", 2)[0] == "round 1, “␣12” drafted in step 2 at 70.0 %; AR put “␣22” in its place"
    lenient = inspect(page, "verify", 4)
    assert "accepted leniently" in lenient[0]
    assert lenient[2] == "AR's probability of it, given what stands before: 30.1 %; AR's own choice is “␣44”"
    assert "all drafts before it were accepted" in inspect(page, "verify", 6)[0]
    assert inspect(page, "verify", 9) == ["after the end of the text: not counted"]


def test_a_draft_waits_and_what_was_taken_back_is_struck_out(open_player: Open) -> None:
    page = open_player(by_hand(verify_run()))
    seek_after(page, "verify", 5)  # one draft pass
    assert inspect(page, "verify", 2) == ["round 1, still masked after step 1"]
    # Seconds are the same after the verification, the judgement and the next block.
    page.evaluate(SHOWN, ["verify", [6]])
    assert inspect(page, "verify", 3)[:2] == [
        "round 1, “␣13” drafted in step 2 at 60.0 %; it waits for its verification",
        "rule: the last pass of a draft fills whatever is left",
    ]
    page.evaluate(SHOWN, ["verify", [7]])
    taken_back = page.locator(".tt-slot[data-position='3']")
    assert taken_back.inner_text() == "13"
    assert "tt-rejected" in (taken_back.get_attribute("class") or "")
    assert taken_back.evaluate("node => getComputedStyle(node).textDecorationLine") == "line-through"
    assert "taken back" in inspect(page, "verify", 3)[0]
    page.evaluate(SHOWN, ["verify", [10]])  # the next draft has looked at it
    assert taken_back.inner_text() == "33"
    assert "tt-draft" in (taken_back.get_attribute("class") or "")


def test_pins_and_anchors_say_what_they_are(open_player: Open) -> None:
    page = open_player(by_hand(pinned_run()))
    seek_after(page, "diffusion", 3)
    pinned = page.locator(".tt-slot[data-position='2']")
    assert "tt-is-pinned" in (pinned.get_attribute("class") or "")
    assert inspect(page, "diffusion", 2) == [
        "block 1, “␣50” is pinned: it stands from the start, and the denoiser writes around it",
        "AR judges it when the block is finished",
    ]
    page.click(".tt-end")
    assert inspect(page, "diffusion", 2)[1] == (
        "AR's probability of it, given what stands before: 5.0 %; AR's own choice is “␣77”"
    )
    assert inspect(page, "diffusion", 4)[0] == (
        "block 2, “␣14” is AR's own, at 60.0 %: the anchor that the block begins with"
    )
    assert page.locator(".tt-kinds li").all_inner_texts() == ["anchor: AR's own token", "pinned"]


def test_both_towers_candidates_stand_side_by_side(open_player: Open, of_model: Recording) -> None:
    page = open_player(of_model)
    position, logged = page.evaluate(
        """() => {
          const { timeline } = document.querySelector(".tt-stage").stage.lanes.get("verify");
          const slot = timeline.slots.find(({ last }) => last.origin === "replaced");
          const { past, judged } = slot;
          return [timeline.slots.indexOf(slot), { drafted: past.at(-1).candidates, judged: judged.candidates }];
        }"""
    )
    said = inspect(page, "verify", position)
    assert "drafted" in said[0]
    assert "in its place" in said[0]
    for table, key in ((".tt-proposed", "drafted"), (".tt-judged", "judged")):
        percents = [f"{100 * probability:.1f} %" for _, probability in logged[key]]
        assert page.locator(f"{table} .tt-number").all_inner_texts()[:5] == percents
    assert page.locator(".tt-judged .tt-chosen .tt-mark").inner_text() == "AR's choice"
    assert page.locator(".tt-proposed .tt-chosen .tt-mark").inner_text() == "drafted"
    mine, its = (page.locator(table).bounding_box() for table in (".tt-proposed", ".tt-judged"))
    assert mine
    assert its
    assert mine["y"] == its["y"]
    assert mine["x"] < its["x"]


def test_the_lane_says_how_many_drafts_a_round_keeps(open_player: Open) -> None:
    page = open_player(by_hand(verify_run()))
    seen = page.evaluate(
        """() => {
          const lane = document.querySelector(".tt-stage").stage.lanes.get("verify");
          return [6, 7, 11, 17].map((count) => {
            lane.show(count, false);
            return [lane.cells.accepted_per_round.textContent, lane.cells.passes.textContent];
          });
        }"""
    )
    assert seen == [["–", "2"], ["1.0", "3"], ["2.0", "5"], ["2.0", "7"]]


def test_agreement_is_with_autoregression_s_own_choice(open_player: Open) -> None:
    page = open_player(by_hand(verify_run()))
    page.select_option(".tt-legend select", "agreement")
    assert page.locator(".tt-scale").inner_text().split("\n") == ["AR: another", "AR's choice"]
    colours = page.evaluate(
        "[...document.querySelectorAll('.tt-slot[data-position]')].map((c) => c.style.backgroundColor)"
    )
    same, other = "rgb(158, 196, 224)", "rgb(213, 94, 0)"
    assert colours[:9] == [same, same, same, same, other, same, same, same, same]


def test_the_what_if_speaks_of_the_threshold_rule_alone(open_player: Open) -> None:
    page = open_player(by_hand(verify_run()))
    assert page.locator(".tt-whatif").is_hidden()
    page = open_player(by_hand(pinned_run()))
    assert page.locator(".tt-whatif").is_visible()
    trace = by_hand(pinned_run()).lanes[0].trace
    settings = {**trace.started.settings, "unmasking": "entropy"}
    started = replace(trace.started, settings=settings)
    page = open_player(by_hand(Trace((started, *trace.events[1:]))))
    assert page.locator(".tt-whatif").is_hidden()
    page.hover(".tt-slot[data-position='1']")
    assert page.locator(".tt-curve .tt-threshold").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_drafts_and_origins_can_be_read_by_everyone(open_player: Open, of_model: Recording, scheme: Any) -> None:
    page = open_player(of_model)
    page.emulate_media(color_scheme=scheme)
    events = of_model.lanes[2].trace.events
    rounds = [number for number, event in enumerate(events, 1) if type(event).__name__ == "Verified"]
    for count in (rounds[2] - 1, rounds[2], len(events)):  # drafted, taken back, ended
        page.evaluate(SHOWN, ["verify", [count]])
        assert violations(page) == [], count


@pytest.mark.parametrize("width", [360, 700, 1280])
def test_nothing_moves_while_drafts_come_and_go(open_player: Open, of_model: Recording, width: int) -> None:
    page = open_player(of_model)
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    places = """() => {
      const lane = document.querySelector(".tt-stage").stage.lanes.get("verify");
      const seen = new Set();
      for (let count = 0; count <= lane.timeline.length; count++) {
        lane.show(count, false);
        const box = (cell) => ["Left", "Top", "Width", "Height"].map((side) => cell[`offset${side}`]);
        seen.add(JSON.stringify(lane.grid.cells.map(box)));
      }
      return seen.size;
    }"""
    assert page.evaluate(places) == 1
