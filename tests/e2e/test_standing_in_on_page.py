"""The released model on a Space without a GPU: the page opens with the embedded one, says so, and runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from server import serve_app
from visitor import ROOT, Visit, keep_screenshot, run_to_end, set_number
from window import Window

SHAPE = ROOT / "assets" / "shapes" / "nemotron-labs-twotower-30b-a3b.json"  # 63 B parameters, and no weights


@pytest.fixture(scope="module")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`python app.py` as the Hub starts it, on the variables of a Space made for two cards."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SPACE_ID", "me/demo")
        environment.setenv("TWOTOWER_MODEL", str(SHAPE))
        log = tmp_path_factory.mktemp("space") / "log.txt"
        with serve_app(log) as url:
            yield url
        assert "model is" in log.read_text()
        assert "The embedded model stands in for it." in log.read_text()


@pytest.fixture(scope="module")
def window(browser: Browser, app_url: str) -> Iterator[Window]:
    """The one in which `visit` and `page` open this app."""
    opened = Window(browser, app_url)
    yield opened
    opened.page.context.close()


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)])
def test_the_page_says_what_runs_instead(visit: Visit, theme: str, width: int) -> None:
    page = visit(f"?__theme={theme}", width=width, height=800)
    notice = page.locator("#notice p")
    assert f"cannot run {SHAPE.name}" in notice.inner_text()
    assert "small model" in notice.inner_text()
    assert page.locator("[data-fact=model]").inner_text() == "twotower-tiny"
    strip, line = page.locator(".tt-strip").bounding_box(), notice.bounding_box()
    assert strip is not None
    assert line is not None
    assert strip["y"] + strip["height"] <= line["y"] < page.locator("#controls").bounding_box()["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    keep_screenshot(page, f"standing-in-{theme}-{width}")


def test_its_races_run(page: Page) -> None:
    set_number(page, "max-new-tokens", "32")
    run_to_end(page)
