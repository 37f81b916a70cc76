"""axe-core finds no serious violation, in either theme, wide and narrow, on every tab."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from visitor import open_page, stand_still

SERIOUS = {"serious", "critical"}


def violations(page: Page) -> list[str]:
    """Rule, element and reason of everything axe-core calls serious or worse."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for rule in found
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_the_page_has_no_serious_violation(browser: Browser, app_url: str, theme: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    open_page(page, f"{app_url}?__theme={theme}")
    page.click("#more-settings > button")
    page.click("#how-it-works > button")
    page.wait_for_selector("#seed input")
    page.wait_for_timeout(500)  # both slide open
    stand_still(page)
    page.click(".tt-lane[data-lane=diffusion] .tt-slot[data-position='1']")
    assert violations(page) == []
    for name in ("Sweep", "Model"):
        page.get_by_role("tab", name=name).click()
        page.wait_for_timeout(500)
        assert violations(page) == [], name
    context.close()
