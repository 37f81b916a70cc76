"""Loads the model, warms it up and opens the page. Knows how the pieces go together, and none of them closely."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from twotower import DEFAULT_MODEL, TwoTower
from twotower.model.setup import Wanted
from twotower.model.source import find_folder
from twotower.model.state import capacity_for
from twotower.model.threads import settle_threads
from twotower.planning.load import prepare
from twotower.race import warm_up
from twotower.sampling import generate
from twotower.sampling.events import Event
from twotower.sampling.settings import SamplingSettings
from twotower.ui import zero_gpu
from twotower.ui.engine import Engine
from twotower.ui.page import build_demo, launch_options
from twotower.ui.standing_in import found_or_embedded
from twotower.ui.worker import RunLane, ShouldStop, Worker


def make_demo(
    path_or_repo: str | Path = DEFAULT_MODEL, revision: str | None = None, wanted: Wanted | None = None
) -> gr.Blocks:
    """The page around a model whose config is read here and whose weights load while the page is already open."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    return build_demo(open_engine(path_or_repo, revision, wanted))


def open_engine(
    path_or_repo: str | Path = DEFAULT_MODEL, revision: str | None = None, wanted: Wanted | None = None
) -> Engine:
    """Read the config, start loading and warming up. Raises at once what needs no weights to be known."""
    if zero_gpu.is_on():
        zero_gpu.begin()
    (source, revision, setup), instead_of = found_or_embedded(
        path_or_repo,
        lambda: (path_or_repo, revision, prepare(path_or_repo, revision, wanted or Wanted())),
        lambda: (DEFAULT_MODEL, None, prepare(DEFAULT_MODEL, None, Wanted())),
    )
    folder = find_folder(source, revision, weights=False)
    loaded: list[TwoTower] = []

    def load() -> TwoTower:
        loaded.append(TwoTower.load(find_folder(source, revision), setup))
        return loaded[0]

    def build() -> RunLane:
        # On the worker's thread, where it will run: thread pools belong to the thread that first used them.
        model = load()
        settle_threads(model)
        warm_up(model, SamplingSettings(block_size=setup.config.trained_block_size))
        return WarmLanes(model)

    if zero_gpu.is_on():  # on this thread and before the page is served: no other may load, and no pass can run yet
        model = load()
        lanes = zero_gpu.lent(WarmLanes(model), sum(t.nbytes for t in (*model.parameters(), *model.buffers())))
        worker = Worker(lambda: lanes)
    else:
        worker = Worker(build)

    def loaded_model() -> TwoTower:
        worker.wait()
        return loaded[0]

    return Engine(folder, setup, worker, loaded_model, instead_of)


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
