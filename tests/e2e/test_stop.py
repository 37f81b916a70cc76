"""Stop stops within a second and loses nothing."""

from __future__ import annotations

from playwright.sync_api import Page
from visitor import make_runs_long, prose, run_to_end, set_number, start_run

# The browser's own clock from the press to the lane that stands still: the page may scroll before a press.
FROM_PRESS_TO_STOPPED = """
() => {
  document.addEventListener("click", () => { window.pressed = performance.now(); }, { capture: true, once: true });
  const lane = document.querySelector(".tt-lane[data-lane=diffusion]");
  new MutationObserver(() => {
    if (lane.dataset.state === "stopped") window.stopped ??= performance.now();
  }).observe(lane, { attributes: true });
}
"""


def test_stop_ends_a_run_within_a_second_and_keeps_what_is_there(page: Page) -> None:
    make_runs_long(page)
    start_run(page)
    page.wait_for_function("() => Number(document.querySelector('.tt-lane[data-lane=diffusion]').dataset.filled) > 8")
    page.evaluate(FROM_PRESS_TO_STOPPED)
    page.click("#stop")
    page.wait_for_function("window.stopped")
    assert page.evaluate("window.stopped - window.pressed") < 1000
    page.wait_for_selector("#run:not([disabled])")
    assert page.locator(".tt-lane[data-lane=diffusion] .tt-state").inner_text() == "stopped"
    assert prose(page, "diffusion").strip()
    # The lane that had not begun does not begin, and nobody is said to have won.
    assert page.locator(".tt-lane[data-lane=autoregressive]").get_attribute("data-state") == "waiting"
    assert "no verdict" in page.locator("#verdict").inner_text()


def test_the_next_run_is_as_good_as_the_first(page: Page) -> None:
    make_runs_long(page)
    start_run(page)
    page.wait_for_selector(".tt-lane[data-lane=diffusion][data-state=running]")
    page.click("#stop")
    page.wait_for_selector("#run:not([disabled])")
    page.fill("#pins textarea", "")
    set_number(page, "max-new-tokens", "16")
    run_to_end(page)
    assert prose(page, "diffusion").strip()


def test_the_stage_can_stop_its_run_too(page: Page) -> None:
    assert page.locator(".tt-halt").is_hidden()
    make_runs_long(page)
    start_run(page)
    page.click(".tt-halt")
    page.wait_for_selector(".tt-lane[data-lane=diffusion][data-state=stopped]")
    page.wait_for_selector("#run:not([disabled])")
    assert page.locator(".tt-halt").is_hidden()
