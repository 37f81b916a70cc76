"""The exported player, opened from disk: it plays, asks for nothing, and what tries to be markup stays text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import handmade_recording
import pytest
from playwright.sync_api import Browser, Page

from twotower.views.palette import DARK, LIGHT
from twotower.views.report import html_player


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[tuple[Page, list[str], list[str]]]:
    """The file of a recording whose texts try to be markup: page, errors, requests."""
    file = tmp_path / "player.html"
    file.write_text(html_player(handmade_recording.evil()), encoding="utf-8")
    errors: list[str] = []
    requests: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri())
    yield page, errors, requests
    context.close()


def test_it_plays_from_disk(opened: tuple[Page, list[str], list[str]]) -> None:
    page, errors, requests = opened
    page.locator(".tt-lane").nth(1).wait_for()
    page.keyboard.press("End")
    for lane in ("diffusion", "autoregressive"):
        prose = page.locator(f".tt-lane[data-lane={lane}] .tt-prose")
        assert prose.evaluate("node => node.textContent") == " é🗼 </script>"
    page.keyboard.press("Home")
    assert page.locator(".tt-lane[data-lane=diffusion] .tt-prose").evaluate("node => node.textContent") == ""
    page.keyboard.press("ArrowRight")
    assert page.evaluate("Number(document.querySelector('.tt-stage').stage.player.time)") == pytest.approx(0.01)
    assert page.title() == handmade_recording.EVIL
    assert page.locator("img").count() == 0
    assert errors == []
    assert len(requests) == 1


@pytest.mark.parametrize(("scheme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_it_follows_the_system_s_colours(
    opened: tuple[Page, list[str], list[str]], scheme: str, colours: dict[str, str]
) -> None:
    page, _, _ = opened
    page.emulate_media(color_scheme=scheme)
    shown = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert shown == "rgb({}, {}, {})".format(*bytes.fromhex(colours["body-background-fill"][1:]))
