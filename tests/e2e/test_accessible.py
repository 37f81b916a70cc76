"""axe-core finds no serious violation, in either theme, wide and narrow, on every tab."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from visitor import Visit, settle, stand_still

SERIOUS = {"serious", "critical"}


def violations(page: Page, within: str | None = None) -> list[str]:
    """Rule, element and reason of everything axe-core calls serious or worse, on the page or in an element of it."""
    found = Axe().run(page, context=within, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for rule in found
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_has_no_serious_violation(visit: Visit, theme: str) -> None:
    page = visit(f"?__theme={theme}", width=360, reduced_motion="reduce")
    page.click("#more-settings > button")
    page.click("#how-it-works > button")
    page.wait_for_selector("#seed input")
    page.wait_for_selector("#tour li")
    settle(page)
    stand_still(page)
    page.click(".tt-lane[data-lane=diffusion] .tt-slot[data-position='1']")
    for width in (360, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        page.get_by_role("tab", name="This run").click()
        settle(page)
        assert violations(page) == [], width
        for name, piece in (("Sweep", "#sweep-run"), ("Model", "#anatomy .tt-row")):
            page.get_by_role("tab", name=name).click()
            page.locator(piece).first.wait_for()
            settle(page)
            assert violations(page, "#tabs") == [], (width, name)  # the rest is as it was
