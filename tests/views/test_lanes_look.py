"""Every lane can be told from every other, by colour and without."""

from __future__ import annotations

import pytest

from twotower.metrics import Metrics
from twotower.sampling.generate import LANES
from twotower.views.lanes import lane_summary, look_of
from twotower.views.palette import rgb


def test_every_lane_has_a_look_of_its_own() -> None:
    looks = [look_of(lane) for lane in LANES]
    for attribute in ("label", "colour", "glyph", "dash"):
        assert len({getattr(look, attribute) for look in looks}) == len(looks), attribute
    assert all(look.about for look in looks)


def test_a_lane_nobody_has_drawn_yet_keeps_its_name() -> None:
    unknown = look_of("not-yet")
    assert unknown.label == "not-yet"
    assert unknown.dash not in {look_of(lane).dash for lane in LANES}


@pytest.mark.parametrize("ground", ["#fbfaf8", "#131211"])
def test_verify_stands_out_on_paper_and_in_the_dark(ground: str) -> None:
    first, second = sorted(map(luminance, (look_of("verify").colour, ground)), reverse=True)
    assert (first + 0.05) / (second + 0.05) >= 3  # WCAG 2, contrast of graphics


def luminance(colour: str) -> float:
    channels = [channel / 255 for channel in rgb(colour)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("end-token", "reached the end of its text"),
        ("length", "reached the length limit"),
        ("cancelled", "was stopped"),
    ],
)
def test_a_lanes_summary_says_why_it_ended_and_what_it_took(reason: str, words: str) -> None:
    metrics = Metrics("diffusion", 96, 0.1, 1.2345, {"denoiser pass": (0.03,) * 25, "context pass": (0.02,) * 6})
    said = lane_summary(metrics, reason)
    assert said == f"Diffusion {words}: 96 tokens in 1.23 seconds and 31 passes."
