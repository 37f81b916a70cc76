"""The title strip: which model this is, and under which licence its weights stand."""

from __future__ import annotations

from playwright.sync_api import Page


def test_the_licence_is_a_link_that_tells_nothing_of_this_page(resting: Page) -> None:
    link = resting.locator("[data-fact=licence] a")
    assert link.inner_text() == "apache-2.0"
    assert link.get_attribute("href") == "https://www.apache.org/licenses/LICENSE-2.0"
    assert link.get_attribute("target") == "_blank"
    assert {"noopener", "noreferrer"} <= set((link.get_attribute("rel") or "").split())
    assert resting.locator("[data-fact=model]").inner_text() == "twotower-tiny"
