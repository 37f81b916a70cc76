"""Pinned words and unmasking rules, by the hand of a visitor."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page
from visitor import open_more_settings, open_page, prose, run_on_stage, run_to_end, set_number, stand_still, toast

INPUT = ".tt-pin-words"


def slot(lane: str, position: int) -> str:
    return f".tt-lane[data-lane={lane}] .tt-slot[data-position='{position}']"


def pin(page: Page, position: int, words: str) -> None:
    """Lock a slot of the diffusion lane and send words for it."""
    if page.locator(slot("diffusion", position)).evaluate("cell => !cell.classList.contains('tt-locked')"):
        page.click(slot("diffusion", position))
    page.fill(INPUT, words)
    page.click(".tt-pin-set")


def wait_for_pins(page: Page, text: str) -> None:
    """Until the settings hold exactly these lines."""
    page.wait_for_function("text => document.querySelector('#pins textarea').value === text", arg=text)


def started(page: Page, lane: str) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(
        "lane => document.querySelector('.tt-stage').stage.lanes.get(lane).log[0]", lane
    )
    return found


@pytest.fixture
def settings(page: Page) -> Page:
    """A page that stands still, its settings open, the next run short."""
    stand_still(page)
    open_more_settings(page)
    set_number(page, "max-new-tokens", "32")
    return page


def test_a_word_pinned_on_the_stage_stands_in_the_next_run(settings: Page) -> None:
    pin(settings, 12, " cat")
    wait_for_pins(settings, "13: cat")
    assert "slot 13 “␣cat”" in settings.locator(".tt-pins").inner_text()
    run_to_end(settings)
    lane = "document.querySelector('.tt-stage').stage.lanes.get('diffusion')"
    assert settings.evaluate(f"{lane}.texts[12]") == " cat"
    (place,) = settings.evaluate(f"{lane}.log.find((event) => event.event === 'BlockOpened').pinned")
    assert started(settings, "diffusion")["settings"]["pins"] == [place]
    assert place[0] == 12
    assert started(settings, "autoregressive")["settings"]["pins"] == []
    assert "only diffusion can write around: autoregressive" in settings.locator(".tt-note").inner_text()
    assert " cat" in prose(settings, "diffusion")


def test_with_the_settings_closed_the_stage_still_says_what_is_pinned(page: Page) -> None:
    stand_still(page)
    pin(page, 12, " cat")
    page.locator(".tt-pins", has_text="slot 13 “␣cat”").wait_for()
    pin(page, 14, " dog")
    page.locator(".tt-pins", has_text="slot 13 “␣cat”, slot 15 “␣dog”").wait_for()
    page.click(".tt-pin-drop")
    page.locator(".tt-pins", has_text="slot 13 “␣cat”.").wait_for()
    run_to_end(page)
    assert page.evaluate("document.querySelector('.tt-stage').stage.lanes.get('diffusion').texts[12]") == " cat"


def test_a_pin_can_be_changed_and_taken_back(settings: Page) -> None:
    pin(settings, 12, " cat")
    wait_for_pins(settings, "13: cat")
    pin(settings, 20, " dog")
    wait_for_pins(settings, "13: cat\n21: dog")
    settings.click(slot("diffusion", 12))
    assert settings.input_value(INPUT) == " cat"
    pin(settings, 12, " fox")
    wait_for_pins(settings, "13: fox\n21: dog")
    settings.click(".tt-pin-drop")
    wait_for_pins(settings, "21: dog")
    assert settings.input_value(INPUT) == ""
    assert settings.locator(".tt-pin-drop").is_disabled()


def test_a_bad_pin_is_said_and_loses_nothing(settings: Page) -> None:
    pin(settings, 12, " cat")
    wait_for_pins(settings, "13: cat")
    before = run_on_stage(settings)
    pin(settings, 3, " a <mask> b")
    said = toast(settings)
    assert "pin is '4: a <mask> b'" in said
    assert "mask token" in said
    assert settings.input_value("#pins textarea") == "13: cat"
    assert settings.input_value(INPUT) == " a <mask> b"
    assert run_on_stage(settings) == before


def test_a_line_nobody_can_read_stops_the_run_alone(settings: Page) -> None:
    before, text = run_on_stage(settings), prose(settings, "diffusion")
    settings.fill("#pins textarea", "99: cat")
    settings.click("#run")
    said = toast(settings)
    assert "pin is '99: cat'" in said
    assert "1 to 32" in said
    assert settings.input_value("#pins textarea") == "99: cat"
    assert (run_on_stage(settings), prose(settings, "diffusion")) == (before, text)
    assert settings.locator("#run").is_enabled()


def test_markup_in_a_pin_stays_text(settings: Page) -> None:
    words = '<img src=x onerror="window.bitten = 1">'
    set_number(settings, "max-new-tokens", "64")
    pin(settings, 0, words)
    wait_for_pins(settings, f"1:{words}")
    assert words in settings.locator(".tt-pins").inner_text()
    assert settings.evaluate("window.bitten") is None


def test_typing_a_word_is_no_key_of_the_players(settings: Page) -> None:
    settings.click(slot("diffusion", 5))
    time = settings.locator(".tt-stage").get_attribute("data-time")
    settings.focus(INPUT)
    settings.keyboard.type(" a b")
    for key in ("ArrowLeft", "Home", "End"):
        settings.keyboard.press(key)
    assert settings.input_value(INPUT) == " a b"
    assert settings.locator(".tt-stage").get_attribute("data-playing") == "false"
    assert settings.locator(".tt-stage").get_attribute("data-time") == time
    assert settings.locator(".tt-locked").get_attribute("data-position") == "5"
    settings.keyboard.press("Escape")
    assert settings.locator(".tt-pinning").is_hidden()


def test_the_form_is_for_a_locked_slot_of_diffusion_open_or_not(settings: Page) -> None:
    form = settings.locator(".tt-pinning")
    assert form.is_hidden()
    settings.click(slot("autoregressive", 3))
    assert form.is_hidden()
    settings.keyboard.press("Escape")
    settings.keyboard.press("Home")  # before any block has opened
    settings.click(slot("diffusion", 3))
    assert form.is_visible()
    assert "slot 4" in form.inner_text()
    settings.keyboard.press("Escape")
    assert form.is_hidden()


def choose_rule(page: Page, words: str) -> None:
    page.click("#unmasking input")
    page.locator("ul[role=listbox] li", has_text=words).click()


def test_a_rule_brings_its_own_slider_and_runs(settings: Page) -> None:
    assert settings.locator("#factor").is_hidden()
    choose_rule(settings, "Fast-dLLM")
    settings.locator("#factor").wait_for()
    assert settings.locator("#threshold input[type=number]").is_disabled()
    assert settings.locator("#kl-bound").is_hidden()
    set_number(settings, "factor", "2.5")
    run_to_end(settings)
    ran = started(settings, "diffusion")["settings"]
    assert (ran["unmasking"], ran["factor"], ran["threshold"], ran["kl_bound"]) == ("factor", 2.5, 0.8, 0.01)
    choose_rule(settings, "KLASS")
    settings.locator("#kl-bound").wait_for()
    settings.locator("#factor").wait_for(state="hidden")
    assert settings.locator("#threshold input[type=number]").is_enabled()


def test_draft_and_verify_reads_its_settings_and_writes_what_autoregression_does(settings: Page) -> None:
    settings.get_by_role("checkbox", name="Draft and verify").check()
    set_number(settings, "draft-passes", "2")
    run_to_end(settings, lanes=3)
    ran = started(settings, "verify")["settings"]
    assert (ran["draft_passes"], ran["accept_from"]) == (2, 1)
    assert prose(settings, "verify") == prose(settings, "autoregressive")


def test_a_link_brings_rule_and_pins(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}?pins=3%3A%20cat%0A9%3Adog&unmasking=entropy&entropy_bound=0.5&ar_anchor=true")
    page.locator(".tt-pins", has_text="slot 3 “␣cat”, slot 9 “dog”").wait_for()
    open_more_settings(page)
    wait_for_pins(page, "3: cat\n9:dog")
    page.locator("#entropy-bound").wait_for()
    assert page.input_value("#entropy-bound input[type=number]") == "0.5"
    assert page.is_checked("#ar-anchor input")
    assert page.locator("#threshold input[type=number]").is_disabled()
