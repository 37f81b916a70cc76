"""The exported player: one file, nothing from outside, and text that stays text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import handmade_recording

from twotower.trace import Trace
from twotower.ui.theme import page_theme
from twotower.views.canvas import recording_message
from twotower.views.palette import CIVIDIS, DARK, LIGHT, cividis, ink_on
from twotower.views.player import PLAYER, STAGE_SCRIPTS, STYLES, read_assets
from twotower.views.report import html_player


class Elements(HTMLParser):
    """Tags with their attributes, and the text in each kind of tag."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data)


def test_the_scripts_get_the_recording() -> None:
    recording = handmade_recording.recording()
    (data, _) = Elements(html_player(recording)).texts["script"]
    assert json.loads(data) == json.loads(json.dumps(recording_message(recording)))


def test_nothing_of_a_text_becomes_markup() -> None:
    page = html_player(handmade_recording.evil())
    elements = Elements(page)
    assert [tag for tag, _ in elements.tags].count("script") == 2
    assert page.count("</script>") == 2
    assert not any(tag == "img" for tag, _ in elements.tags)
    assert "\u2028" not in elements.texts["script"][0]
    assert "<" not in elements.texts["script"][0]
    assert json.loads(elements.texts["script"][0])["parts"][0]["pieces"]["10"] == handmade_recording.EVIL
    assert elements.texts["title"] == [handmade_recording.EVIL]


def test_nothing_is_fetched() -> None:
    page = html_player(handmade_recording.recording())
    elements = Elements(page)
    policy = next(attributes["content"] for tag, attributes in elements.tags if "http-equiv" in attributes)
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'")
    assert not [attributes for _, attributes in elements.tags if {"src", "href"} & set(attributes)]
    assert not re.search(r"url\(|@import|\bimport\(|fetch\(|XMLHttpRequest", page)


def test_the_head_says_what_ran_where() -> None:
    page = Elements(html_player(handmade_recording.recording()))
    said = dict(zip(page.texts["dt"], page.texts["dd"], strict=True))
    assert said == {
        "Model": "m",
        "Recorded on": "cpu, float32, 2 threads",
        "Seed": "7",
        "Max new tokens": "4",
        "Block size": "2",
        "Steps per block": "2",
        "Unmasking": "threshold",
        "Threshold": "0.8",
        "Temperature": "0.0",
        "Top-k": "0",
        "Top-p": "1.0",
    }
    assert page.texts["h1"] == ["By hand"]
    assert "Once <b>upon</b>\n a time" in page.texts["p"]


def heeded(lane: str, **settings: object) -> dict[str, str]:
    """The head of a run with these settings."""
    whole = handmade_recording.recording()
    record = whole.lanes[0]
    started = replace(record.trace.started, lane=lane, settings={**record.trace.started.settings, **settings})
    changed = replace(record, trace=Trace((started, *record.trace.events[1:])))
    page = Elements(html_player(replace(whole, lanes=(changed, whole.lanes[1]))))
    return dict(zip(page.texts["dt"], page.texts["dd"], strict=True))


def test_settings_that_made_no_difference_are_left_out() -> None:
    assert "Threshold" not in heeded("diffusion", unmasking="entropy")
    assert heeded("diffusion", unmasking="entropy")["Entropy bound"] == "0.1"
    assert heeded("diffusion", unmasking="stability").items() >= {"KL bound": "0.01", "Threshold": "0.8"}.items()
    assert heeded("verify")["Draft passes"] == "as many as pay"
    assert (
        heeded("verify", draft_passes=2, accept_from=0.3).items() >= {"Draft passes": "2", "Accept from": "0.3"}.items()
    )
    said = heeded("diffusion", ar_anchor=True, pins=[[2, 5], [3, 6]])
    assert (said["AR anchor"], said["Pinned slots"]) == ("yes", "3, 4")


def test_pins_are_told_whichever_lane_comes_first() -> None:
    whole = handmade_recording.recording()
    record = whole.lanes[0]
    started = replace(record.trace.started, settings={**record.trace.started.settings, "pins": [[1, 12]]})
    pinned = replace(record, trace=Trace((started, *record.trace.events[1:])))
    page = Elements(html_player(replace(whole, lanes=(whole.lanes[1], pinned))))
    assert dict(zip(page.texts["dt"], page.texts["dd"], strict=True))["Pinned slots"] == "2"


def test_every_colour_of_the_styles_is_defined() -> None:
    used = set(re.findall(r"var\(--([a-z0-9-]+)", read_assets(STYLES) + read_assets(STAGE_SCRIPTS)))
    assert {name for name in used if not name.startswith("tt-")} <= set(LIGHT)
    assert set(LIGHT) == set(DARK)
    assert ".dark" not in read_assets(STYLES)  # the file follows the system's wish, not a class


def test_the_colours_are_the_theme_s() -> None:
    theme = page_theme()
    for name in LIGHT:
        attribute = name.replace("-", "_")
        wanted = {"color_accent": (theme.primary_500, theme.primary_500)}.get(attribute) or (
            getattr(theme, attribute),
            getattr(theme, attribute + "_dark"),
        )
        assert (LIGHT[name], DARK[name]) == wanted, name


def test_the_scale_is_the_player_s() -> None:
    table = (PLAYER / "palette.js").read_text(encoding="utf-8").split("CIVIDIS = [")[1].split("];")[0]
    points = [tuple(map(int, point.split(","))) for point in re.findall(r"\[([\d, ]+)\]", table)]
    assert points == list(CIVIDIS)
    assert (cividis(-1), cividis(0.5), cividis(1)) == (CIVIDIS[0], (124, 124, 118), CIVIDIS[-1])
    assert (ink_on(CIVIDIS[0]), ink_on(CIVIDIS[-1])) == ((255, 255, 255), (0, 0, 0))
