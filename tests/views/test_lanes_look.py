"""Every lane can be told from every other, by colour and without."""

from __future__ import annotations

from twotower.sampling.generate import LANES
from twotower.views.lanes import look_of


def test_every_lane_has_a_look_of_its_own() -> None:
    looks = [look_of(lane) for lane in LANES]
    for attribute in ("label", "colour", "glyph", "dash"):
        assert len({getattr(look, attribute) for look in looks}) == len(looks), attribute
    assert all(look.about for look in looks)


def test_a_lane_nobody_has_drawn_yet_keeps_its_name() -> None:
    assert look_of("verify").label == "verify"
