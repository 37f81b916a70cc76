"""A window of the browser that is opened once, and in which one test after the other finds the page anew."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, Page
from visitor import PATIENCE, open_page, watch


class Window:
    """The one page that tests use in turn; a window of its own for each takes longer to open than most of them run."""

    def __init__(self, browser: Browser, app_url: str) -> None:
        self.page = browser.new_context().new_page()
        self.page.set_default_timeout(PATIENCE)
        self.errors, self.outside = watch(self.page, app_url)
        self.at_rest = False  # shows the recorded run, untouched

    def open(self, url: str, width: int = 1280, height: int = 900, **media: Any) -> Page:
        """The page as whoever comes to it finds it, in a window of that size and with these preferences."""
        self.at_rest = False
        self.page.goto("about:blank")  # the end of what was there before
        self.forget()
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(**{"reduced_motion": "no-preference", **media})
        open_page(self.page, url)
        return self.page

    def forget(self) -> None:
        """Begin a test without what another one saw."""
        self.errors.clear()
        self.outside.clear()

    def check(self) -> None:
        """It must have raised nothing and asked no other host for anything."""
        assert self.errors == []
        assert self.outside == []
