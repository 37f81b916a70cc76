"""The stage's picker, called as Gradio calls it."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from twotower import TwoTower
from twotower.ui.panel import Stage
from twotower.ui.pinning import Pinning
from twotower.views.player import STAGE_SCRIPTS


@pytest.fixture
def pinning(embedded: TwoTower) -> Pinning:
    return Pinning(lambda: embedded)


def sent(**data: Any) -> gr.EventData:
    return gr.EventData(None, data)


def test_a_pin_goes_into_the_box_and_out_again(pinning: Pinning) -> None:
    box = pinning.pin("3: cat", 128, sent(slot=13, text=" dog"))
    assert box == "3: cat\n13: dog"
    assert pinning.pin(box, 128.0, sent(slot=3, text=" fox")) == "3: fox\n13: dog"
    assert pinning.unpin(box, sent(slot=3)) == "13: dog"
    assert pinning.pin(None, 128, sent(slot=1, text="a")) == "1:a"


@pytest.mark.parametrize(
    ("box", "data", "said"),
    [
        ("", {"slot": 13, "text": " cat"}, "pin: slot is 13; allowed: a whole number from 1 to 12"),
        ("", {"slot": 12, "text": " cat cat"}, "would end in 13"),
        ("", {"slot": 3, "text": ""}, "not empty"),
        ("", {"slot": 3, "text": "<mask>"}, "&lt;mask&gt;"),
        ("3: cat cat", {"slot": 4, "text": " dog"}, "takes slot 4"),
        ("cat", {"slot": 4, "text": " dog"}, "pin is 'cat'"),
        ("", {"slot": 3, "text": None}, "pin is None"),
        ("", {"slot": "3", "text": " a"}, "pin: slot is '3'"),
        ("", {}, "pin: slot is None"),
    ],
)
def test_what_cannot_be_pinned_is_said(pinning: Pinning, box: str, data: dict[str, Any], said: str) -> None:
    with pytest.raises(gr.Error) as caught:
        pinning.pin(box, 12, sent(**data))
    assert said in caught.value.message


def test_a_bad_length_is_named(pinning: Pinning) -> None:
    with pytest.raises(gr.Error, match="max_new_tokens"):
        pinning.pin("", 0, sent(slot=1, text="a"))


def test_what_nobody_can_read_can_still_be_unpinned(pinning: Pinning) -> None:
    assert pinning.unpin("cat\n13: dog", sent(slot=13)) == "cat"
    with pytest.raises(gr.Error, match="slot"):
        pinning.unpin("", gr.EventData(None, None))


def test_an_exported_player_has_no_picker() -> None:
    assert (*STAGE_SCRIPTS, "pinning.js") == Stage.SCRIPTS
