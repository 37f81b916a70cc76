"""What the stage's picker does: it writes into the box of pinned words. Knows the tokenizer; knows no layout."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from twotower.errors import InputError
from twotower.pins import FIELD, read_pins
from twotower.ui.errors import plain_errors
from twotower.ui.pin_lines import drop_pin, pin_lines, put_pin
from twotower.ui.request import MOST_NEW_TOKENS, read_count

if TYPE_CHECKING:
    from twotower import TwoTower

# The stage hears in the browser what the box says, whoever wrote it.
TELL_STAGE = "text => { document.dispatchEvent(new CustomEvent('twotower:pins', { detail: text ?? '' })); return []; }"


class Pinning:
    """Pins of the next run. `get_model` waits until there is one."""

    def __init__(self, get_model: Callable[[], TwoTower]) -> None:
        self._get_model = get_model

    def pin(self, text: str | None, longest: Any, event: gr.EventData) -> str:
        """The box with the words the stage sends as `{slot, text}`; where they cannot be pinned it stays as it was."""
        with plain_errors():
            most = read_count("max_new_tokens", longest, MOST_NEW_TOKENS)
            slot, words = read_count(f"{FIELD}: slot", _sent(event, "slot"), most), _sent(event, "text")
            if not isinstance(words, str):
                raise InputError(FIELD, words, "text")
            after = put_pin(text or "", slot, words)
            read_pins(self._get_model(), pin_lines(after), most)
        return after

    def unpin(self, text: str | None, event: gr.EventData) -> str:
        """The box without what begins in the slot the stage sends as `{slot}`."""
        with plain_errors():
            return drop_pin(text or "", read_count(f"{FIELD}: slot", _sent(event, "slot"), MOST_NEW_TOKENS))


def _sent(event: gr.EventData, name: str) -> object:
    return event._data.get(name) if isinstance(event._data, dict) else None
