"""What a visitor does on the page, and what can be seen of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, Request

Visit = Callable[..., Page]  # the fixture of that name
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120_000  # milliseconds that a test waits for anything; machines that run them may be busy


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
        page.locator(piece).first.wait_for()


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
    settle(page)


def settle(page: Page) -> None:
    """Wait until nothing slides or fades any more; what shimmers for ever may go on."""
    page.wait_for_function(
        "() => document.getAnimations().every((animation) => animation.playState !== 'running'"
        " || animation.effect.getComputedTiming().endTime === Infinity)"
    )


def make_runs_long(page: Page) -> None:
    """Settings under which diffusion takes seconds, for whoever is to stop it: a slot a pass, and passes are wide."""
    page.fill("#prompt textarea", "Once upon a time")
    open_more_settings(page)
    for elem_id in ("block-size", "steps-per-block"):
        set_number(page, elem_id, "64")
    set_number(page, "threshold", "1")
    set_number(page, "max-new-tokens", "512")
    page.fill("#pins textarea", "500: end")  # before which no text ends


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


def seek_end(page: Page) -> None:
    """The stage as it was when a run had come to its end: no slot held, no focus, the colours of the beginning."""
    page.mouse.move(0, 0)
    page.evaluate(
        """() => {
          const { stage } = document.querySelector(".tt-stage");
          document.activeElement.blur();
          stage.inspector.free();
          stage.whatIf.rest();
          stage.colourBy("confidence");
          stage.player.pause();
          stage.player.seek(stage.player.end);
        }"""
    )


def toast(page: Page) -> str:
    """The error message on the page."""
    message = page.locator(".toast-body.error").first
    message.wait_for()
    return message.inner_text()


def upload(page: Page, body: bytes) -> None:
    """Open a trace file of that content."""
    page.locator("#open-file").locator("xpath=..").locator("input[type=file]").first.set_input_files(
        {"name": "trace.json", "mimeType": "application/json", "buffer": body}
    )


def drawn_lanes(page: Page, chart: str, count: int) -> list[str]:
    """The names of a chart's traces, once it has so many: it is drawn a moment after Run can be pressed again."""
    names = page.wait_for_function(
        """([chart, count]) => {
          const traces = document.querySelector(`#${chart} .js-plotly-plot`)?.data;
          return traces?.length === count && traces.map((trace) => trace.name);
        }""",
        arg=[chart, count],
    )
    return names.json_value()


def prose(page: Page, lane: str) -> str:
    """The text of a lane as it can be read and copied."""
    return page.locator(f".tt-lane[data-lane={lane}] .tt-prose").evaluate("node => node.textContent")


def figure(page: Page, lane: str, name: str) -> str:
    """One of the counters in a lane's header."""
    return page.locator(f".tt-lane[data-lane={lane}] [data-figure={name}]").inner_text()
