"""The sweep tab, wired. What a press does is in `sweep_handlers.py`, what there is to press in `sweep_layout.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twotower.examples import Examples
from twotower.sweeping.grid import SweepGrid
from twotower.ui.controls import Controls
from twotower.ui.sweep_handlers import SweepHandlers
from twotower.ui.sweep_layout import SweepTab, lay_out
from twotower.ui.worker import Worker

if TYPE_CHECKING:
    from twotower import TwoTower

FIRST_REPEATS = 2  # there and back: a machine that slows down slows the first and the last point alike
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def build_sweep(
    get_model: Callable[[], TwoTower],
    worker: Worker,
    controls: Controls,
    examples: Examples,
    block_size: int,
    queue: dict[str, Any],
) -> SweepHandlers:
    """Lay the content of the tab out inside `with gr.Tab(...)` and wire it.

    `get_model` waits until the model is there and is not called while the page is built. `controls` are the page's:
    the prompt above, and every setting that a sweep does not vary. `block_size` is the width the model was trained on.
    `queue` says in which of Gradio's lines a sweep waits; with one of its own, races of other visitors start while a
    sweep runs, and their lanes take turns with its lanes on the worker. The caller wires `leave` to the page's unload.
    """
    handlers = SweepHandlers(get_model, worker, examples)
    steps = (block_size, max(1, block_size // 4))
    grid = SweepGrid(steps_per_block=steps, block_sizes=(block_size,), repeats=FIRST_REPEATS, verify=True)
    tab = lay_out(examples, grid)
    _wire(handlers, tab, controls, queue)
    return handlers


def _wire(handlers: SweepHandlers, tab: SweepTab, controls: Controls, queue: dict[str, Any]) -> None:
    prepared = tab.run.click(
        handlers.prepare,
        [tab.quality, *controls.inputs, *tab.inputs],
        [tab.seed_used, tab.run, tab.stop, tab.bar],
        concurrency_limit=None,
        **QUIET,
    )
    swept = prepared.success(handlers.sweep, None, [tab.bar, tab.chart], **queue, **QUIET)
    settled = [tab.run, tab.stop, tab.bar, tab.chart, tab.summary, tab.download]
    swept.then(handlers.settle, None, settled, queue=False, **QUIET)
    tab.stop.click(handlers.stop, None, None, queue=False, **QUIET)
    tab.quality.change(handlers.look_at, tab.quality, [tab.chart, tab.summary], queue=False, **QUIET)
