"""Taking a run away and bringing it back: files, a link, an opened trace; run A against run B."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from visitor import (
    PATIENCE,
    Visit,
    drawn_lanes,
    open_more_settings,
    open_page,
    prose,
    run_on_stage,
    run_to_end,
    set_number,
    stand_still,
    toast,
    upload,
)

from twotower.recording import Recording


def saved(page: Page, elem_id: str) -> bytes:
    """What the browser saves after a click."""
    with page.expect_download() as download:
        page.click(f"#{elem_id}")
    return Path(download.value.path()).read_bytes()


def test_a_trace_file_goes_out_and_comes_back(page: Page) -> None:
    set_number(page, "max-new-tokens", "24")
    run_to_end(page)
    texts = {lane: prose(page, lane) for lane in ("diffusion", "autoregressive")}
    body = saved(page, "save-json")
    kept = Recording.from_json(body.decode())
    assert {record.trace.started.lane: record.text for record in kept.lanes} == texts
    page.click("#recorded-1")
    page.wait_for_function("document.querySelector('.tt-stage').stage.run.startsWith('recorded')")
    upload(page, body)
    page.wait_for_function("document.querySelector('.tt-stage').stage.run.startsWith('opened')")
    stand_still(page)
    assert {lane: prose(page, lane) for lane in texts} == texts


@pytest.mark.parametrize("body", [b"no json", b'{"recording": 99}', b"\xff\xfe", b'{"recording":1,"lanes":[]}'])
def test_a_file_that_is_no_trace_is_refused_and_the_stage_stays(page: Page, body: bytes) -> None:
    before = run_on_stage(page)
    upload(page, body)
    assert "allowed" in toast(page)
    assert run_on_stage(page) == before


def test_the_other_files(page: Page) -> None:
    rows = list(csv.reader(io.StringIO(saved(page, "save-csv").decode())))
    assert rows[0][:3] == ["lane", "pass", "kind"]
    assert {row[0] for row in rows[1:]} == {"diffusion", "autoregressive"}
    assert saved(page, "save-gif")[:6] == b"GIF89a"


def test_the_html_player_opens_from_disk_and_plays(browser: Browser, page: Page, tmp_path: Path) -> None:
    page.fill("#prompt textarea", "</script><script>window.bitten = 1</script>")
    set_number(page, "max-new-tokens", "24")
    run_to_end(page)
    texts = {lane: prose(page, lane) for lane in ("diffusion", "autoregressive")}
    file = tmp_path / "player.html"
    file.write_bytes(saved(page, "save-html"))
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    alone = context.new_page()
    errors: list[str] = []
    requests: list[str] = []
    alone.on("pageerror", lambda error: errors.append(str(error)))
    alone.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    alone.on("request", lambda request: requests.append(request.url))
    alone.goto(file.as_uri())
    alone.wait_for_function("Number(document.querySelector('.tt-stage').dataset.time) > 0")
    stand_still(alone)
    assert {lane: prose(alone, lane) for lane in texts} == texts
    alone.hover(".tt-lane[data-lane=diffusion] .tt-slot[data-position='1']")
    assert "slot 2" in alone.locator(".tt-inspector-title").inner_text()
    assert alone.evaluate("window.bitten") is None
    assert errors == []
    assert requests == [file.as_uri()]
    context.close()


def test_a_link_restores_prompt_and_settings_and_runs_nothing(stranger: Page, page: Page) -> None:
    page.fill("#prompt textarea", "Ein Mädchen & <b>ein</b> Hund 🐕")
    open_more_settings(page)
    set_number(page, "seed", "7")
    set_number(page, "threshold", "0.65")
    set_number(page, "max-new-tokens", "40")
    page.locator("#lanes").get_by_label("Mock-AR").check()
    page.click("#link")
    page.wait_for_function("document.querySelector('.tt-address')?.value")
    link = page.locator(".tt-address").input_value()
    other = stranger
    open_page(other, link)
    other.wait_for_function("document.querySelector('#prompt textarea').value.startsWith('Ein')")
    assert other.input_value("#prompt textarea") == "Ein Mädchen & <b>ein</b> Hund 🐕"
    other.wait_for_function("document.querySelector('#threshold input[type=number]').value === '0.65'")
    assert other.locator("#max-new-tokens input[type=number]").input_value() == "40"
    assert other.locator("#lanes input[type=checkbox]:checked").count() == 3
    assert other.locator(".tt-light").inner_text() == "recorded"


def test_a_bad_link_names_its_field_and_leaves_the_page_usable(visit: Visit) -> None:
    page = visit("?prompt=Hello&threshold=7")
    assert "threshold" in toast(page)
    set_number(page, "max-new-tokens", "8")
    run_to_end(page)


def test_run_b_against_pinned_run_a(page: Page) -> None:
    page.fill("#prompt textarea", "The old robot opened the door and saw")
    open_more_settings(page)
    set_number(page, "max-new-tokens", "32")
    set_number(page, "seed", "2")  # with which the thresholds give different texts
    set_number(page, "temperature", "2")
    set_number(page, "threshold", "0.95")
    run_to_end(page)
    first = page.evaluate(
        "document.querySelector('.tt-stage').stage.lanes.get('diffusion').timeline.slots.map((s) => s.id)"
    )
    page.click("#pin")
    page.wait_for_selector("text=Run A is pinned")
    assert page.locator("#seed input").input_value() == "2"
    set_number(page, "threshold", "0.2")
    run_to_end(page)
    second = page.evaluate(
        "document.querySelector('.tt-stage').stage.lanes.get('diffusion').timeline.slots.map((s) => s.id)"
    )
    differing = [i for i in range(max(len(first), len(second))) if first[i : i + 1] != second[i : i + 1]]
    assert differing
    marked = page.locator(".tt-lane[data-lane=diffusion] .tt-differs").evaluate_all(
        "cells => cells.map((cell) => Number(cell.dataset.position))"
    )
    assert marked == differing
    # Autoregression knows no threshold: with the same seed it says the same.
    assert page.locator(".tt-lane[data-lane=autoregressive] .tt-differs").count() == 0
    names = drawn_lanes(page, "latency-race", 4)
    assert sum(name.endswith(", run A") for name in names) == 2
    page.click("#pin")
    page.wait_for_function("document.querySelectorAll('.tt-differs').length === 0")


def test_pinning_a_run_keeps_the_seed_that_was_drawn(page: Page) -> None:
    open_more_settings(page)
    set_number(page, "max-new-tokens", "8")
    assert page.locator("#seed input").input_value() == "-1"
    run_to_end(page)
    seed = page.locator("#seed-used input, #seed-used textarea").input_value()
    page.click("#pin")
    page.wait_for_selector("text=Run A is pinned")
    assert page.locator("#seed input").input_value() == seed != "-1"


def test_a_trace_of_json_numbers_nobody_wrote_is_refused(page: Page) -> None:
    body = json.loads(saved(page, "save-json"))
    body["lanes"][0]["events"][1]["seconds"] = -1
    upload(page, json.dumps(body).encode())
    assert "seconds" in toast(page)
