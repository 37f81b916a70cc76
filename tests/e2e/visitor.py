"""What a visitor does on the page, and what can be seen of it."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, Request

ROOT = Path(__file__).resolve().parents[2]
LANE_SECONDS = 120  # patience of the tests; machines that run them may be busy


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
    """Go there and wait until everything a visitor can touch is there: Gradio mounts piece by piece."""
    page.goto(url)
    for piece in ("#stage .tt-lane", "#run", "#lanes input[type=checkbox]", "#more-settings", "footer"):
        page.locator(piece).first.wait_for(timeout=60_000)


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


def make_runs_long(page: Page) -> None:
    """Settings under which the embedded model takes seconds: one slot a pass, chance, and a seed that finds no end."""
    page.fill("#prompt textarea", "Once upon a time")
    open_more_settings(page)
    set_number(page, "seed", "25")
    set_number(page, "temperature", "2")
    set_number(page, "threshold", "1")
    set_number(page, "max-new-tokens", "512")


def run_to_end(page: Page, lanes: int = 2) -> None:
    """Press Run and wait until that many lanes of the new run have ended and Run can be pressed again."""
    before = run_on_stage(page)
    page.click("#run")
    page.wait_for_function(
        """([before, n]) => {
          const stage = document.querySelector(".tt-stage").stage;
          const states = stage.views.map((lane) => lane.root.dataset.state);
          return stage.run !== before && states.length === n && states.every((state) => state === "finished");
        }""",
        arg=[before, lanes],
        timeout=1000 * LANE_SECONDS * lanes,
    )
    page.wait_for_selector("#run:not([disabled])")


def start_run(page: Page) -> None:
    """Press Run and wait until the stage shows the new run."""
    before = run_on_stage(page)
    page.click("#run")
    page.wait_for_function("before => document.querySelector('.tt-stage').stage.run !== before", arg=before)


def run_on_stage(page: Page) -> str | None:
    """The name of the run on the stage."""
    return page.evaluate("document.querySelector('.tt-stage').stage.run")


def keep_screenshot(page: Page, name: str) -> None:
    """The whole page as a picture in `screenshots/`, for a person to look at; no test compares it."""
    folder = ROOT / "screenshots"
    folder.mkdir(exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=True)


def stand_still(page: Page) -> None:
    """Pause whatever plays and go to the end of the run on the stage."""
    page.click(".tt-end")


def prose(page: Page, lane: str) -> str:
    """The text of a lane as it can be read and copied."""
    return page.locator(f".tt-lane[data-lane={lane}] .tt-prose").evaluate("node => node.textContent")


def figure(page: Page, lane: str, name: str) -> str:
    """One of the counters in a lane's header."""
    return page.locator(f".tt-lane[data-lane={lane}] [data-figure={name}]").inner_text()
