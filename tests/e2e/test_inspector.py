"""The inspector: candidates, confidence over the steps, the rule, what AR thought; by mouse and by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page
from visitor import run_to_end, set_number


@pytest.fixture
def stage(resting: Page) -> Page:
    """A page that stands still at the end of a recorded run."""
    return resting


def slot(page: Page, lane: str, position: int) -> str:
    return f".tt-lane[data-lane={lane}] .tt-slot[data-position='{position}']"


def title(page: Page) -> str:
    return page.locator(".tt-inspector-title").inner_text()


def opened(page: Page) -> bool:
    return page.locator(".tt-inspector").get_attribute("data-open") == "true"


def test_hover_shows_click_locks_escape_frees(stage: Page) -> None:
    stage.hover(slot(stage, "diffusion", 1))
    assert "slot 2" in title(stage)
    stage.click(slot(stage, "diffusion", 2))
    stage.hover(slot(stage, "diffusion", 4))
    assert "slot 3" in title(stage)
    stage.keyboard.press("Escape")
    assert not opened(stage)
    assert stage.locator(".tt-locked").count() == 0


def test_what_is_shown_is_in_the_log(stage: Page) -> None:
    logged = stage.evaluate(
        """() => {
          const lane = document.querySelector(".tt-stage").stage.lanes.get("diffusion");
          const event = lane.log.find((event) => event.event === "Denoised");
          const proposal = event.proposals.find(([, , , rule]) => rule !== null);
          const [position, , , rule, candidates] = proposal;
          return { position, rule, percents: candidates.map(([, p]) => `${(100 * p).toFixed(1)} %`) };
        }"""
    )
    stage.hover(slot(stage, "diffusion", logged["position"]))
    assert stage.locator(".tt-proposed .tt-number").all_inner_texts() == logged["percents"]
    assert stage.locator(".tt-proposed .tt-chosen .tt-mark").inner_text() == "chosen"
    assert stage.locator(".tt-judged .tt-chosen .tt-mark").inner_text() == "AR's choice"
    facts = " ".join(stage.locator(".tt-inspector-facts li").all_inner_texts())
    assert "rule: " in facts
    assert "committed in step 1" in facts
    assert "AR" in facts
    caption = stage.locator(".tt-curve figcaption").inner_text()
    assert re.search(r"threshold, 0\.\d+", caption)
    assert stage.locator(".tt-curve .tt-threshold").count() == 1


def test_a_masked_slot_shows_what_is_proposed_at_that_moment(page: Page) -> None:
    set_number(page, "max-new-tokens", "16")
    set_number(page, "threshold", "1")
    run_to_end(page)
    page.evaluate(
        """() => {
          const { player, lanes } = document.querySelector(".tt-stage").stage;
          player.pause();
          player.seek(lanes.get("diffusion").log.find((event) => event.event === "Denoised").time);
        }"""
    )
    masked = page.locator(".tt-lane[data-lane=diffusion] .tt-mask[data-position]").last
    masked.hover()
    assert "still masked after step 1" in page.locator(".tt-inspector-facts").inner_text()
    assert page.locator(".tt-proposed .tt-chosen .tt-mark").inner_text() == "proposed"
    assert page.locator(".tt-judged").is_hidden()  # autoregression has not read the block yet
    assert page.locator(".tt-curve circle.tt-later").count() > 0


def test_keys_inspect_slots_of_the_grid_that_has_the_focus(stage: Page) -> None:
    grid = stage.locator(".tt-lane[data-lane=diffusion] .tt-grid")
    grid.focus()
    stage.keyboard.press("ArrowRight")
    assert "slot 1" in title(stage)
    stage.keyboard.press("ArrowRight")
    stage.keyboard.press("Enter")
    assert "slot 2" in title(stage)
    assert stage.locator(".tt-locked").count() == 1
    stage.keyboard.press("ArrowDown")
    stage.keyboard.press("Escape")
    assert not opened(stage)


def test_an_autoregressive_token_has_candidates_too(stage: Page) -> None:
    stage.hover(slot(stage, "autoregressive", 0))
    assert len(stage.locator(".tt-proposed .tt-number").all_inner_texts()) == 5
    assert stage.locator(".tt-proposed caption").inner_text() == "AR's candidates"
    assert stage.locator(".tt-judged").is_hidden()
    assert stage.locator(".tt-curve").is_hidden()


def test_another_threshold_says_who_would_have_waited(stage: Page) -> None:
    at = stage.locator(".tt-whatif-range")
    at.evaluate("input => { input.value = 1; input.dispatchEvent(new Event('input')); }")
    waiting = stage.evaluate(
        """() => {
          const { slots, finished } = document.querySelector(".tt-stage").stage.lanes.get("diffusion").timeline;
          return slots.slice(0, finished.tokens).filter((slot) => slot.last.rule === "threshold").length;
        }"""
    )
    assert stage.locator(".tt-waits").count() == waiting > 0
    assert f"{waiting} slot" in stage.locator(".tt-whatif-said").inner_text()
    assert "Hypothetical" in stage.locator(".tt-whatif-said").inner_text()
    stage.click("text=Back to what happened")
    assert stage.locator(".tt-waits").count() == 0
