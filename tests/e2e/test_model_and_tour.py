"""The Model tab and "How it works" in a real browser: the drawing, the experts, the five steps."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page
from visitor import Visit, set_number, settle

HEARD = "() => { window.heard = []; document.addEventListener('twotower:tour', (event) => heard.push(event.detail)); }"


def open_model_tab(page: Page) -> None:
    page.get_by_role("tab", name="Model").click()
    page.locator("#anatomy .tt-row").first.wait_for()


def told(page: Page) -> str:
    """The title of the side line."""
    return page.inner_text("#anatomy .tt-side-title")


def test_the_towers_stand_side_by_side_layer_by_layer(resting: Page) -> None:
    page = resting
    open_model_tab(page)
    kinds = page.locator("#anatomy .tt-layer").evaluate_all("rows => rows.map((row) => row.dataset.kind).join('')")
    assert kinds == "M*EM*EM*EM*E"
    arrows = page.locator("#anatomy .tt-layer").evaluate_all(
        "rows => rows.map((row) => row.querySelector('.tt-arrow') ? '>' : '.').join('')"
    )
    assert arrows == ">>.>>.>>.>>."  # nothing crosses at mixtures of experts


def test_pointing_and_walking_tell_a_rows_facts(resting: Page) -> None:
    page = resting
    open_model_tab(page)
    page.locator("#anatomy .tt-layer[data-kind=E]").first.hover()
    assert told(page) == "Layer 3 of 12: MoE"
    assert "2 of 8 experts" in page.inner_text("#anatomy .tt-side")
    page.locator("#anatomy .tt-row").first.focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    assert told(page) == "Layer 2 of 12: Attention"
    page.keyboard.press("End")
    assert told(page) == "Head"
    assert page.locator("#anatomy .tt-row[tabindex='0']").count() == 1


def test_repeats_fold_and_unfold(resting: Page) -> None:
    page = resting
    open_model_tab(page)
    page.click("#anatomy .tt-link")
    assert page.locator("#anatomy .tt-layer").count() == 3
    assert page.inner_text("#anatomy .tt-times") == "× 4"
    page.click("#anatomy .tt-link")
    assert page.locator("#anatomy .tt-layer").count() == 12


def test_experts_are_watched_and_layers_picked(page: Page) -> None:
    set_number(page, "max-new-tokens", "32")
    open_model_tab(page)
    page.click("#watch-experts")
    page.locator("#experts-chart .js-plotly-plot").wait_for()
    page.wait_for_function("document.querySelector('#watch-experts').textContent.trim() === 'Watch the experts'")
    page.wait_for_function(
        "document.querySelector('#experts-caption').textContent.includes('in layer 3 a pass touches')"
    )
    page.click("#experts-layer input")
    page.get_by_role("option", name="layer 6", exact=True).click()
    page.wait_for_function("document.querySelector('#experts-caption').textContent.includes('in layer 6')")


def test_the_tour_says_each_step_and_ends(page: Page) -> None:
    page.evaluate(HEARD)
    page.click("#how-it-works > button")
    start = page.get_by_role("button", name="Start the tour")
    start.click()
    assert page.locator("#tour li").count() == 5
    for step in range(2, 6):
        page.keyboard.press("ArrowRight")
        assert page.get_attribute("#tour .tt-tour", "data-step") == str(step)
        assert page.locator("#tour li[aria-current=step]").count() == 1
    page.keyboard.press("ArrowRight")  # there is no sixth
    page.keyboard.press("Escape")
    start.wait_for()
    heard = page.evaluate("heard.map(({ moment, light }) => `${moment} ${light}`)")
    assert list(dict.fromkeys(heard)) == [
        "Prefilled prompt",
        "BlockOpened block",
        "Denoised slots",
        "ContextExtended context",
        "Finished race",
        "null null",
    ]


def test_a_tour_that_is_folded_away_is_left(page: Page) -> None:
    page.click("#how-it-works > button")
    page.get_by_role("button", name="Open a block").click()
    page.evaluate(HEARD)
    page.click("#how-it-works > button")
    page.wait_for_function("heard.length > 0")
    assert page.evaluate("heard") == [{"moment": None, "light": None}]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_fit(visit: Visit, theme: str) -> None:
    page = visit(f"?__theme={theme}", width=360, height=800)
    page.click("#how-it-works > button")
    open_model_tab(page)
    for width in (360, 2560):
        page.set_viewport_size({"width": width, "height": 800})
        settle(page)
        page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
        page.locator("#anatomy .tt-layer").first.click()
        side = page.locator("#anatomy .tt-side").bounding_box()
        assert side is not None
        assert side["y"] < 800  # the facts are in sight while a row is pointed at
        for tower in ("context", "denoiser"):
            parts = page.locator(f"#anatomy .tt-part.tt-{tower}:not(.tt-none)")
            assert parts.evaluate_all("all => all.every((part) => part.scrollWidth <= part.clientWidth + 1)"), tower
