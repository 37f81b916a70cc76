"""Dark and light, narrow and wide, still for those who asked for stillness, named for those who cannot see."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from visitor import keep_screenshot, make_runs_long, open_page, run_to_end, set_number, start_run, watch


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 2560])
def test_nothing_overflows(browser: Browser, app_url: str, theme: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    errors, outside = watch(page, app_url)
    open_page(page, f"{app_url}?__theme={theme}")
    set_number(page, "max-new-tokens", "32")
    run_to_end(page)
    page.wait_for_selector("#latency-race .js-plotly-plot")
    assert page.evaluate("document.body.classList.contains('dark')") is (theme == "dark")
    page.click("#how-it-works > button")
    page.click(".tt-lane[data-lane=diffusion] .tt-slot[data-position='1']")
    for name in ("This run", "Sweep", "Model"):
        page.get_by_role("tab", name=name).click()
        page.wait_for_timeout(400)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        keep_screenshot(page, f"{theme}-{width}-{name.lower().replace(' ', '-')}")
    context.close()
    assert (errors, outside) == ([], [])


def test_slots_do_not_move_while_they_fill(browser: Browser, app_url: str) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    open_page(page, app_url)
    places = "() => [...document.querySelectorAll('.tt-slot[data-position]')].map((s) => [s.offsetLeft, s.offsetTop])"
    make_runs_long(page)
    start_run(page)
    before = page.evaluate(places)
    page.wait_for_function("document.querySelector('.tt-stage').stage.player.end > 0.3", timeout=60_000)
    page.click("#stop")
    page.wait_for_selector("#run:not([disabled])")
    assert page.evaluate(places) == before
    assert len(before) == 2 * 512
    context.close()


def test_reduced_motion_stands_still(browser: Browser, app_url: str) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    open_page(page, app_url)
    make_runs_long(page)
    start_run(page)
    # Looked up and read in one go: a mask that was there a moment ago may have been committed.
    animation = page.wait_for_function(
        """() => {
          const mask = document.querySelector(".tt-mask[data-position]");
          return mask && getComputedStyle(mask).animationName;
        }""",
        timeout=60_000,
    )
    assert animation.json_value() == "none"
    page.click("#stop")
    page.wait_for_selector("#run:not([disabled])")
    context.close()


def test_controls_have_names(browser: Browser, app_url: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    open_page(page, app_url)
    assert page.get_by_role("button", name="Run the race").count() == 1
    assert page.get_by_role("button", name="Stop", exact=True).count() == 1
    assert page.get_by_label("Prompt").count() >= 1
    assert page.get_by_role("region", name="Diffusion").count() == 1
    context.close()
