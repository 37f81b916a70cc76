"""What "Watch the experts" does: one diffusion run with its routers watched, on the thread that owns the model.

Knows the request, the worker and the chart; knows no layout.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import gradio as gr

from twotower.errors import InputError
from twotower.pins import with_pins
from twotower.routing import Routing, record_routing
from twotower.sampling.settings import SamplingSettings
from twotower.text import encode_prompt
from twotower.ui import zero_gpu
from twotower.ui.controls import SETTING_NAMES
from twotower.ui.errors import plain_errors
from twotower.ui.pin_lines import pin_lines
from twotower.ui.request import read_request
from twotower.views.routing_chart import routing_caption, routing_chart

if TYPE_CHECKING:
    from twotower import TwoTower

T = TypeVar("T")

ALL_LAYERS = -1
LANE = "diffusion"
DEADLINE_SECONDS = 300.0


class Caller(Protocol):
    """Runs a function on the model's thread, after whatever is waiting there."""

    def call(self, function: Callable[[], T]) -> Future[T]: ...


class ExpertWatch:
    """One watched run a press; what it counted stays with the visitor's page."""

    def __init__(self, get_model: Callable[[], TwoTower], worker: Caller) -> None:
        self._get_model = get_model
        self._worker = worker

    def run(self, layer: int, *raw: Any) -> tuple[Routing, Any, Any]:
        """raw: prompt, lanes, the settings in the order of `SETTING_NAMES`, the box of pins, and the seed of the last
        race ("" for none).

        Gives what was counted, its chart and the caption. Where no seed is asked for, the last race's is taken: what
        is watched is then the text on the stage.
        """
        prompt, _lanes, *values, pins, used = raw
        named = dict(zip(SETTING_NAMES, values, strict=True))
        with plain_errors():
            if zero_gpu.is_on():  # counts are taken beside the lanes, and only lanes are lent a GPU
                raise InputError("hardware", "ZeroGPU", "a GPU of the Space's own, to watch the experts on")
            model = self._get_model()
            trained = model.config.trained_block_size
            asked = read_request(prompt, LANE, named, (LANE,), trained, pins=pin_lines(pins))
            settings = with_pins(model, asked.settings, asked.pins)
            if named["seed"] == -1 and str(used or "").isdecimal():
                settings = replace(settings, seed=int(used))
            ids = encode_prompt(model, asked.prompt)
            routing = self._worker.call(lambda: _watch(model, ids, settings)).result()
        return (routing, *self.draw(routing, layer))

    def draw(self, routing: Routing | None, layer: int) -> tuple[Any, Any]:
        """Chart and caption of a layer, or of all of them; nothing before the first run."""
        if routing is None:
            return gr.skip(), gr.skip()
        wanted = None if layer == ALL_LAYERS else layer
        return gr.update(value=routing_chart(routing, wanted), visible=True), routing_caption(routing, wanted)


def _watch(model: TwoTower, ids: list[int], settings: SamplingSettings) -> Routing:
    end = time.monotonic() + DEADLINE_SECONDS  # from here on it holds the model
    return record_routing(model, ids, settings, lambda: time.monotonic() > end)
