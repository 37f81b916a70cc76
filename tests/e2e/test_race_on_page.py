"""A visitor presses Run: masks become words in both lanes, then a verdict, charts and numbers."""

from __future__ import annotations

import json
import re

from gradio_client import Client
from playwright.sync_api import Page
from visitor import drawn_lanes, figure, open_more_settings, prose, run_to_end, set_number

PROMPT = "Once upon a time, there was a little girl named Lily. She loved to"

# Collects what each lane shows whenever it changes, from inside the page: polling from outside would miss steps.
WATCH = """
() => {
  window.seen = [];
  new MutationObserver(() => {
    for (const lane of document.querySelectorAll(".tt-lane")) {
      window.seen.push({
        lane: lane.dataset.lane,
        state: lane.dataset.state,
        masked: lane.querySelectorAll(".tt-mask").length,
        words: [...lane.querySelectorAll(".tt-token")].filter((slot) => /[a-z]/i.test(slot.textContent)).length,
      });
    }
  }).observe(document.querySelector(".tt-lanes"), { subtree: true, childList: true, attributes: true });
}
"""


def test_masks_become_words_live_in_both_lanes(page: Page) -> None:
    page.fill("#prompt textarea", "Once upon a time")
    open_more_settings(page)
    # A slot a pass, and a seed with which chance finds no end: long enough to be drawn many times.
    for elem_id, value in {"seed": "25", "temperature": "2", "threshold": "1", "max-new-tokens": "512"}.items():
        set_number(page, elem_id, value)
    page.evaluate(WATCH)
    run_to_end(page)
    running = [look for look in page.evaluate("window.seen") if look["state"] == "running"]
    diffusion = [look for look in running if look["lane"] == "diffusion"]
    most_masked = max(look["masked"] for look in diffusion)
    assert most_masked > 0
    assert min(look["masked"] for look in diffusion) < most_masked
    for lane in ("diffusion", "autoregressive"):
        words = [look["words"] for look in running if look["lane"] == lane]
        assert len(set(words)) > 3, f"{lane} was not drawn as it went: {sorted(set(words))}"
        assert page.locator(f".tt-lane[data-lane={lane}]").get_attribute("data-masked") == "0"


def test_lanes_never_overlap(page: Page) -> None:
    page.evaluate(WATCH)
    run_to_end(page)
    first_end = None
    for number, look in enumerate(page.evaluate("window.seen")):
        if look["lane"] == "diffusion" and look["state"] == "finished" and first_end is None:
            first_end = number
        if look["lane"] == "autoregressive" and look["words"]:
            assert first_end is not None
            return
    raise AssertionError("the autoregressive lane never showed a word")


def test_verdict_charts_and_numbers(page: Page) -> None:
    run_to_end(page)
    page.wait_for_selector("#latency-race .js-plotly-plot .scatterlayer .trace", state="attached")
    assert drawn_lanes(page, "latency-race", 2) == ["◆ Diffusion", "● Autoregressive"]
    assert page.locator("#time-per-pass .js-plotly-plot").evaluate("plot => plot.data.length") == 3
    assert page.locator("#verdict .tt-verdict").inner_text()
    rows = {
        row.locator(".tt-measure").inner_text(): row.locator("td").all_inner_texts()
        for row in page.locator("#numbers tbody tr").all()
    }
    assert rows["Tokens"] == [figure(page, lane, "tokens") for lane in ("diffusion", "autoregressive")]
    assert rows["Speed-up"][1] == "1.00×"
    assert rows["Tokens per denoiser pass"][1] == "–"
    assert len(page.locator("#stage [role=status] p").all_inner_texts()) == 2


def test_every_chart_is_drawn_and_those_without_a_say_are_not(page: Page) -> None:
    charts = ("latency-race", "time-per-pass", "commit-map", "passes-per-block", "break-even")
    set_number(page, "max-new-tokens", "40")
    run_to_end(page)
    for chart in charts:
        page.wait_for_selector(f"#{chart} .js-plotly-plot .main-svg", state="attached")
    commits = page.locator("#commit-map .js-plotly-plot").evaluate(
        "plot => plot.data.flatMap((trace) => trace.x ?? [])"
    )
    assert len(commits) == int(figure(page, "diffusion", "tokens"))
    page.locator("#lanes input[type=checkbox]").first.uncheck()
    run_to_end(page, lanes=1)
    for chart in charts[2:]:
        page.wait_for_selector(f"#{chart} .js-plotly-plot", state="detached")


def test_repeats_give_every_number_its_spread(page: Page) -> None:
    open_more_settings(page)
    set_number(page, "max-new-tokens", "24")
    set_number(page, "repeats", "3")
    run_to_end(page)
    page.wait_for_function("/ to /.test(document.querySelector('#numbers').innerText)")
    rows = {
        row.locator(".tt-measure").inner_text(): row.locator("td").all_inner_texts()
        for row in page.locator("#numbers tbody tr").all()
    }
    assert rows["Runs"] == ["3", "3"]
    for name in ("Seconds", "Tokens per second"):
        for text in rows[name]:
            middle, low, high = (float(number) for number in re.findall(r"[\d.]+", text))
            assert low <= middle <= high
    assert page.locator(".tt-note").inner_text().startswith("Lanes run one after the other")


def test_stage_shows_the_text_of_the_trace_and_a_seed_repeats_it(page: Page, app_url: str) -> None:
    page.fill("#prompt textarea", PROMPT)
    open_more_settings(page)
    set_number(page, "seed", "7")
    set_number(page, "temperature", "0.8")
    set_number(page, "max-new-tokens", "40")
    run_to_end(page)
    assert page.input_value("#seed-used input, #seed-used textarea") == "7"
    first = {lane: prose(page, lane) for lane in ("diffusion", "autoregressive")}
    client = Client(app_url, verbose=False)
    for lane, text in first.items():
        body = client.predict(PROMPT, lane, max_new_tokens=40, temperature=0.8, seed=7, api_name="/generate")
        assert body["text"] == text
        ids = [event["event"] for event in body["events"]]
        assert (ids[0], ids[-1]) == ("Started", "Finished")
    run_to_end(page)
    assert {lane: prose(page, lane) for lane in first} == first


def test_the_whole_log_of_a_lane_is_in_the_browser(page: Page) -> None:
    set_number(page, "max-new-tokens", "32")
    run_to_end(page)
    logs = page.evaluate(
        "() => JSON.stringify([...document.querySelector('.tt-stage').stage.lanes.values()]"
        ".map((lane) => ({ log: lane.log, pieces: Object.keys(lane.pieces).length })))"
    )
    for lane in json.loads(logs):
        assert lane["log"][0]["event"] == "Started"
        assert lane["log"][-1]["event"] == "Finished"
        assert all(lane["log"])
        assert lane["pieces"] > 0


def test_a_random_seed_is_shown(page: Page) -> None:
    open_more_settings(page)
    set_number(page, "max-new-tokens", "16")
    run_to_end(page)
    assert int(page.input_value("#seed-used input, #seed-used textarea")) >= 0


def test_three_lanes(page: Page) -> None:
    set_number(page, "max-new-tokens", "24")
    page.locator("#lanes").get_by_label("Mock-AR").check()
    run_to_end(page, lanes=3)
    assert len(drawn_lanes(page, "latency-race", 3)) == 3


def test_slots_after_the_end_of_a_text_are_left_and_not_counted(page: Page) -> None:
    page.locator("#prompt textarea").fill("Reverse: cat frog moon tree\nAnswer:")
    run_to_end(page)
    lane = page.locator(".tt-lane[data-lane=diffusion]")
    assert lane.locator(".tt-state").inner_text() == "reached its end"
    tokens = int(figure(page, "diffusion", "tokens"))
    assert lane.get_attribute("data-masked") == "0"
    assert int(lane.get_attribute("data-filled") or 0) == tokens
    beyond = lane.locator(".tt-beyond").evaluate_all("slots => slots.map((slot) => Number(slot.dataset.position))")
    assert beyond == list(range(tokens, 16 * -(-tokens // 16)))
