"""The real app in its own process, and a real browser. A missing browser fails: these tests never skip."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
STARTUP_SECONDS = 120
LANE_SECONDS = 120  # patience of the tests; machines that run them may be busy


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`python app.py` on a free port of this machine."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}/"
    log = tmp_path_factory.mktemp("app") / "log.txt"
    environment = {**os.environ, "GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(port)}
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait_for(url, process, log)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, app_url: str) -> Iterator[Page]:
    """The page, opened; afterwards it must have raised nothing and asked no other host for anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    errors, outside = watch(opened, app_url)
    open_page(opened, app_url)
    yield opened
    context.close()
    assert errors == []
    assert outside == []


def watch(page: Page, app_url: str) -> tuple[list[str], list[str]]:
    """Lists that fill with page errors and with requests that leave this machine."""
    errors: list[str] = []
    outside: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((app_url, "data:", "blob:")):
            outside.append(request.url)

    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", note)
    return errors, outside


def open_page(page: Page, url: str) -> None:
    """Go there and wait until the stage is drawn."""
    page.goto(url)
    page.wait_for_selector("#stage .tt-lane", timeout=60_000)


def set_number(page: Page, elem_id: str, value: str) -> None:
    """Type into the number box of a slider or number field."""
    box = page.locator(f"#{elem_id} input[type=number]").first
    box.click()  # waits until an accordion that is opening has come to rest
    box.fill(value)
    box.press("Tab")


def open_more_settings(page: Page) -> None:
    """Open the accordion with block size, seed, top-k and top-p."""
    page.click("#more-settings > button")
    page.locator("#seed input").wait_for()
    page.wait_for_timeout(300)  # it slides


def run_to_end(page: Page, lanes: int = 2) -> None:
    """Press Run and wait until that many lanes have ended and Run can be pressed again."""
    page.click("#run")
    page.wait_for_selector("#stop:not([disabled])")
    page.wait_for_function(
        "n => document.querySelectorAll('.tt-lane[data-state=finished]').length === n",
        arg=lanes,
        timeout=1000 * LANE_SECONDS * lanes,
    )
    page.wait_for_selector("#run:not([disabled])")


def prose(page: Page, lane: str) -> str:
    """The text of a lane as it can be read and copied."""
    return page.locator(f".tt-lane[data-lane={lane}] .tt-prose").evaluate("node => node.textContent")


def figure(page: Page, lane: str, name: str) -> str:
    """One of the counters in a lane's header."""
    return page.locator(f".tt-lane[data-lane={lane}] [data-figure={name}]").inner_text()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            pytest.fail(f"app.py ended with {process.returncode}:\n{log.read_text()}")
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"app.py did not answer within {STARTUP_SECONDS} s:\n{log.read_text()}")
