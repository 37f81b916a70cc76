"""The real app in its own process, and a real browser. A missing browser fails: these tests never skip."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from server import CHROMIUM, QUIET, serve_app
from visitor import PATIENCE, Visit, seek_end
from window import Window


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`python app.py` on a free port of this machine."""
    with serve_app(tmp_path_factory.mktemp("app") / "log.txt") as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def window(browser: Browser, app_url: str) -> Window:
    return Window(browser, app_url)


@pytest.fixture
def visit(window: Window, app_url: str) -> Iterator[Visit]:
    """`visit(query, width, height, **media)`: the page, loaded anew."""
    yield lambda query="", **seen: window.open(app_url + query, **seen)
    window.check()


@pytest.fixture
def page(visit: Visit) -> Page:
    """The page, loaded anew, in a window of ordinary size."""
    return visit()


@pytest.fixture
def resting(window: Window, app_url: str) -> Iterator[Page]:
    """The recorded run, standing still at its end, for tests that only look around in it: they share a page."""
    if not window.at_rest:
        window.open(app_url)
    window.forget()
    window.page.emulate_media(reduced_motion="no-preference")
    seek_end(window.page)
    yield window.page
    window.at_rest = True
    window.check()


@pytest.fixture
def stranger(browser: Browser) -> Iterator[Page]:
    """Somebody else's browser, which has not been here before."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()
