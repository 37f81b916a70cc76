"""Dark and light, narrow and wide, still for those who asked for stillness, named for those who cannot see."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Page
from visitor import Visit, keep_screenshot, open_more_settings, run_to_end, set_number, settle

TABS = {"This run": "#latency-race .main-svg", "Sweep": "#sweep-run", "Model": "#anatomy .tt-row"}

# Looks where every slot lies whenever a lane changes, and keeps what it sees.
WATCH_PLACES = """
() => {
  window.looks = 0;
  window.places = new Set();
  new MutationObserver(() => {
    const slots = [...document.querySelectorAll(".tt-slot[data-position]")];
    if (slots.length !== 2 * 64) return; // of the run before
    looks += 1;
    places.add(JSON.stringify(slots.map((slot) => [slot.offsetLeft, slot.offsetTop])));
  }).observe(document.querySelector(".tt-lanes"), { subtree: true, childList: true, attributes: true });
}
"""
ANIMATIONS = """
() => {
  const { player, lanes } = document.querySelector(".tt-stage").stage;
  player.pause();
  player.seek(lanes.get("diffusion").log.find((event) => event.event === "BlockOpened").time);
  const masks = [...document.querySelectorAll(".tt-mask[data-position]")];
  return [...new Set(masks.map((mask) => getComputedStyle(mask).animationName))];
}
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_overflows(visit: Visit, theme: str) -> None:
    page = visit(f"?__theme={theme}", width=360, height=800)
    set_number(page, "max-new-tokens", "32")
    run_to_end(page)
    assert page.evaluate("document.body.classList.contains('dark')") is (theme == "dark")
    page.click("#how-it-works > button")
    page.click(".tt-lane[data-lane=diffusion] .tt-slot[data-position='1']")
    for width in (360, 2560):
        page.set_viewport_size({"width": width, "height": 800})
        for name, piece in TABS.items():
            page.get_by_role("tab", name=name).click()
            page.locator(piece).first.wait_for()
            settle(page)
            page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
            keep_screenshot(page, f"{theme}-{width}-{name.lower().replace(' ', '-')}")


def test_slots_do_not_move_while_they_fill(visit: Visit) -> None:
    page = visit(width=1440)
    open_more_settings(page)
    for elem_id, value in {"seed": "25", "temperature": "2", "threshold": "1", "max-new-tokens": "64"}.items():
        set_number(page, elem_id, value)
    page.evaluate(WATCH_PLACES)
    run_to_end(page)
    assert page.evaluate("looks") > 10
    assert page.evaluate("places.size") == 1


@pytest.mark.parametrize(("asked", "animation"), [("reduce", "none"), ("no-preference", "tt-shimmer")])
def test_reduced_motion_stands_still(resting: Page, asked: Literal["reduce", "no-preference"], animation: str) -> None:
    resting.emulate_media(reduced_motion=asked)
    assert resting.evaluate(ANIMATIONS) == [animation]


def test_controls_have_names(resting: Page) -> None:
    assert resting.get_by_role("button", name="Run the race").count() == 1
    assert resting.get_by_role("button", name="Stop", exact=True).count() == 1
    assert resting.get_by_label("Prompt").count() >= 1
    assert resting.get_by_role("region", name="Diffusion").count() == 1
