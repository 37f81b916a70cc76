"""The player: a recorded run plays at first paint, every moment can be reached, and what is shown is what happened."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page
from visitor import Visit, figure, prose, run_to_end, set_number, stand_still

LANES = ("diffusion", "autoregressive")

# What the log says after `count` events, worked out without the player: the ids of the slots, null for a mask.
SLOTS = """
([lane, count]) => {
  const slots = [];
  for (const event of document.querySelector(".tt-stage").stage.lanes.get(lane).log.slice(0, count)) {
    if (event.event === "BlockOpened") for (let i = 0; i < event.size; i++) slots[event.offset + i] = null;
    if (event.event === "TokenDecoded") slots[event.position] = event.id;
    if (event.event === "Denoised") for (const [at, id, , rule] of event.proposals) if (rule !== null) slots[at] = id;
  }
  return slots;
}
"""
KINDS = """
(lane) => [...document.querySelectorAll(`.tt-lane[data-lane=${lane}] .tt-slot`)].map((cell) =>
  ["tt-ghost", "tt-beyond", "tt-mask", "tt-token"].find((name) => cell.classList.contains(name)))
"""


def seek(page: Page, seconds: float) -> None:
    page.evaluate("s => { const p = document.querySelector('.tt-stage').stage.player; p.pause(); p.seek(s); }", seconds)


def moment(page: Page) -> str:
    return page.locator("#stage .tt-stage").get_attribute("data-time") or ""


def end(page: Page) -> float:
    return page.evaluate("document.querySelector('.tt-stage').stage.player.end")


def log(page: Page, lane: str) -> list[dict[str, Any]]:
    return page.evaluate("lane => document.querySelector('.tt-stage').stage.lanes.get(lane).log", lane)


def test_a_recorded_run_plays_at_first_paint(page: Page) -> None:
    assert page.locator(".tt-light").inner_text() == "recorded"
    page.wait_for_function("Number(document.querySelector('.tt-stage').dataset.time) > 0")
    page.wait_for_function("document.querySelector('.tt-stage').dataset.playing === 'false'")
    assert float(moment(page)) == end(page)
    for lane in LANES:
        assert prose(page, lane).strip()
        assert figure(page, lane, "tokens") == str(log(page, lane)[-1]["tokens"])
    assert page.locator("#verdict").inner_text().strip()


def test_a_live_run_replaces_the_recorded_one(page: Page) -> None:
    set_number(page, "max-new-tokens", "16")
    run_to_end(page)
    assert page.locator("#stage .tt-stage").get_attribute("data-recorded") == "false"
    page.locator(".tt-light", has_text="idle").wait_for()


def test_every_moment_shows_what_the_log_says(page: Page) -> None:
    set_number(page, "max-new-tokens", "48")
    run_to_end(page)
    for lane in LANES:
        times = [event["time"] for event in log(page, lane)]
        for count in range(1, len(times), max(1, len(times) // 12)):
            seek(page, times[count - 1])
            happened = sum(time <= times[count - 1] for time in times)
            if happened == len(times):
                continue
            slots = page.evaluate(SLOTS, [lane, happened])
            kinds = page.evaluate(KINDS, lane)
            wanted = ["tt-mask" if token is None else "tt-token" for token in slots]
            assert kinds[: len(slots)] == wanted, (lane, count)
            assert set(kinds[len(slots) :]) <= {"tt-ghost"}, (lane, count)


def test_counters_count_no_token_that_nobody_got(resting: Page) -> None:
    page = resting
    seen = page.evaluate(
        """() => {
          const { player, views } = document.querySelector(".tt-stage").stage;
          return views.map((lane) => lane.timeline.times.map((time) => {
            player.seek(time);
            return Object.values(lane.cells).map((cell) => cell.textContent);
          }));
        }"""
    )
    for lane, figures in zip(LANES, seen):
        end = log(page, lane)[-1]["tokens"]
        counts = [int(tokens) for tokens, *_ in figures]
        assert counts == sorted(counts)
        assert counts[-1] == end
        # No speed before the first pass after the prefill: a token over no time is none.
        assert all(speed == "–" for _, passes, _, speed in figures if passes == "0")


def test_one_event_on_goes_through_every_event_of_the_longer_lane(resting: Page) -> None:
    page = resting
    shorter, longer = sorted(LANES, key=lambda lane: log(page, lane)[-1]["time"])
    seek(page, log(page, shorter)[-1]["time"])
    later = sorted({event["time"] for event in log(page, longer) if event["time"] > float(moment(page))})
    assert len(later) > 1
    for time in later:
        page.click(".tt-next")
        assert float(moment(page)) == time


def test_the_end_gives_the_text_back_after_any_wandering(page: Page) -> None:
    set_number(page, "max-new-tokens", "48")
    run_to_end(page)
    before = {lane: (prose(page, lane), page.evaluate(KINDS, lane)) for lane in LANES}
    for share in (0.5, 0.1, 0.9, 0.0, 0.3, 1.0):
        seek(page, share * end(page))
    assert {lane: (prose(page, lane), page.evaluate(KINDS, lane)) for lane in LANES} == before


def test_keys_step_through_passes_and_blocks(resting: Page) -> None:
    page = resting
    page.locator("body").press("Home")
    assert moment(page) == "0"
    times = [event["time"] for event in log(page, "diffusion")]
    later = [time for time in times if time > 0]
    for time in later[:3]:
        page.locator(".tt-clock").evaluate("() => document.activeElement.blur()")
        page.keyboard.press("ArrowRight")
        assert float(moment(page)) == time
    page.keyboard.press("ArrowLeft")
    assert float(moment(page)) == later[1]
    page.keyboard.press("End")
    assert float(moment(page)) == end(page)
    page.keyboard.press("Shift+ArrowLeft")
    opened = [event["time"] for event in log(page, "diffusion") if event["event"] == "BlockOpened"]
    assert float(moment(page)) == [time for time in opened if time < end(page)][-1]
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    page.wait_for_function("Number(document.querySelector('.tt-stage').dataset.time) > 0")
    page.keyboard.press(" ")
    assert page.locator("#stage .tt-stage").get_attribute("data-playing") == "false"


def test_keys_in_the_prompt_are_letters(page: Page) -> None:
    stand_still(page)
    before = moment(page)
    page.fill("#prompt textarea", "")
    page.locator("#prompt textarea").press_sequentially("a b")
    page.keyboard.press("Home")
    assert page.input_value("#prompt textarea") == "a b"
    assert moment(page) == before


def test_the_scrubber_is_a_range_input(resting: Page) -> None:
    page = resting
    box = page.locator(".tt-range").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 10)
    span = float(page.locator(".tt-range").get_attribute("max") or 0)
    assert abs(float(moment(page)) - min(span / 2, end(page))) < 0.05 * span
    assert "seconds" in (page.locator(".tt-range").get_attribute("aria-valuetext") or "")


def test_speeds_and_step_by_step(resting: Page) -> None:
    page = resting
    speeds = page.locator(".tt-speed option").evaluate_all("options => options.map((option) => option.value)")
    assert speeds == ["1", "0.25", "0.1", "0.025", "step"]
    page.select_option(".tt-speed select", "1")
    page.click(".tt-start")
    page.click(".tt-play")
    page.wait_for_function("document.querySelector('.tt-stage').dataset.playing === 'false'")
    page.select_option(".tt-speed select", "step")
    page.click(".tt-start")
    page.click(".tt-play")
    times = {event["time"] for event in log(page, "diffusion")}
    page.wait_for_function("Number(document.querySelector('.tt-stage').dataset.time) > 0")
    assert float(moment(page)) in times
    page.click(".tt-play")


def test_colours_say_what_was_chosen(resting: Page) -> None:
    page = resting
    colours = "() => [...document.querySelectorAll('.tt-token')].map((cell) => cell.style.backgroundColor)"
    seen = []
    for choice in ("confidence", "step", "agreement"):
        page.select_option(".tt-legend select", choice)
        seen.append(page.evaluate(colours))
    assert seen[0] != seen[1] != seen[2]
    own, total = page.evaluate(
        """() => {
          const [{ timeline }] = document.querySelector(".tt-stage").stage.views;
          const text = timeline.slots.slice(0, timeline.finished.tokens);
          return [text.filter(({ id, judged }) => id === judged.choice).length, text.length];
        }"""
    )
    assert 0 < own <= total
    light = [colour for colour in seen[2] if colour == "rgb(158, 196, 224)"]
    # What autoregression would have put there itself; in its own lane that is every token.
    assert len(light) == own + log(page, "autoregressive")[-1]["tokens"]


def test_whoever_asked_for_stillness_gets_the_end_at_once(visit: Visit) -> None:
    page = visit(reduced_motion="reduce")
    page.wait_for_function("document.querySelector('.tt-stage').dataset.time !== undefined")
    assert page.locator("#stage .tt-stage").get_attribute("data-playing") == "false"
    assert float(moment(page)) == end(page)


def test_another_recorded_run_takes_the_stage(page: Page) -> None:
    before = prose(page, "diffusion")
    page.click("#recorded-2")
    page.wait_for_function("document.querySelector('.tt-stage').stage.run.startsWith('recorded 2')")
    stand_still(page)
    assert prose(page, "diffusion") != before
    page.wait_for_function("document.querySelector('#numbers tbody tr')")
    tokens = page.locator("#numbers tbody tr").first.locator("td").all_inner_texts()
    assert tokens == [figure(page, lane, "tokens") for lane in LANES]
