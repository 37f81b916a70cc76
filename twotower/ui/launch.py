"""Loads the model, warms it up and opens the page. Knows how the pieces go together, and none of them closely."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from twotower import DEFAULT_MODEL, TwoTower, TwoTowerConfig
from twotower.model.capturing import why_plain
from twotower.model.device import find_device, find_dtype
from twotower.model.engine import find_engine
from twotower.model.source import find_folder
from twotower.model.state import capacity_for
from twotower.model.threads import settle_threads
from twotower.race import warm_up
from twotower.sampling import generate
from twotower.sampling.events import Event
from twotower.sampling.settings import SamplingSettings
from twotower.ui.engine import Engine
from twotower.ui.page import build_demo, launch_options
from twotower.ui.worker import RunLane, ShouldStop, Worker


def make_demo(
    model_path: str | Path | None = None,
    device: str | None = None,
    dtype: str | None = None,
    engine: str | None = None,
) -> gr.Blocks:
    """The page around a model whose config is read here and whose weights load while the page is already open."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    path_or_repo = model_path or os.environ.get("TWOTOWER_MODEL") or DEFAULT_MODEL
    return build_demo(open_engine(path_or_repo, device, dtype, engine))


def open_engine(
    path_or_repo: str | Path, device: str | None = None, dtype: str | None = None, engine: str | None = None
) -> Engine:
    """Read the config, start loading and warming up. Raises at once what needs no weights to be known."""
    folder = find_folder(path_or_repo)
    config = TwoTowerConfig.from_folder(folder)
    place = find_device(device)
    kind = find_dtype(dtype, place, config)
    find_engine(engine, place, why_plain(config, kind))
    loaded: list[TwoTower] = []

    def build() -> RunLane:
        # On the worker's thread, where it will run: thread pools belong to the thread that first used them.
        model = TwoTower.from_pretrained(folder, device=place, dtype=kind, engine=engine)
        settle_threads(model)
        warm_up(model, SamplingSettings(block_size=config.trained_block_size))
        loaded.append(model)
        return WarmLanes(model)

    worker = Worker(build)

    def model() -> TwoTower:
        worker.wait()
        return loaded[0]

    return Engine(folder, config, place, kind, worker, model)


def serve(demo: gr.Blocks) -> None:
    """Serve the page until interrupted; Gradio reads GRADIO_SERVER_NAME and GRADIO_SERVER_PORT."""
    demo.launch(**launch_options())


class WarmLanes:
    """Runs lanes; one of a shape the model has not met yet is warmed up first, before its clock starts."""

    def __init__(self, model: TwoTower) -> None:
        self._model = model
        self._met: set[tuple[str, int, int, int, int]] = set()

    def __call__(
        self, prompt_ids: list[int], lane: str, settings: SamplingSettings, should_stop: ShouldStop
    ) -> Iterator[Event]:
        """The lane's events."""
        size = settings.block_size
        # Lengths from two blocks on differ by their last block alone.
        length = min(settings.max_new_tokens, 2 * size + settings.max_new_tokens % size)
        room = capacity_for(len(prompt_ids) + settings.max_new_tokens + size)
        shape = (lane, len(prompt_ids), size, length, room)
        if shape not in self._met:
            warm_up(self._model, settings, prompt_ids, [lane])
            self._met.add(shape)
        yield from generate(self._model, prompt_ids, lane=lane, settings=settings, should_stop=should_stop)
