"""How a pass is run: called plainly, or captured once for its shapes and replayed without Python.

A pass is a function of a state and of tensors whose shapes never change: `work(state, *inputs)` writes the state's
buffers in place and returns tensors. The plain engine is what the captured ones must equal, and what runs a pass that
cannot be captured.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Hashable
from typing import Protocol

import torch
from torch import Tensor, nn

from twotower.errors import InputError
from twotower.model.state import ContextState

Work = Callable[..., tuple[Tensor, ...]]
Capture = Callable[[Work, ContextState, tuple[Tensor, ...]], Work]
MakeState = Callable[[int, int], ContextState]  # (rows, capacity)

_WARM_UPS = 3  # TorchScript settles in its first runs, and CUDA's libraries allocate in theirs


class Engine(Protocol):
    """Makes states, and runs passes over them."""

    name: str

    def new_state(self, make: MakeState, batch: int, capacity: int) -> ContextState:
        """A state that holds nothing."""

    def __call__(self, work: Work, state: ContextState, *inputs: Tensor) -> tuple[Tensor, ...]:
        """work(state, *inputs)."""


class Plain:
    """Python calls every operation."""

    name = "plain"

    def new_state(self, make: MakeState, batch: int, capacity: int) -> ContextState:
        """A new one."""
        return make(batch, capacity)

    def __call__(self, work: Work, state: ContextState, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Call it."""
        return work(state, *inputs)


class Traced(Plain):
    """TorchScript replays a pass: on a CPU a small model's operations take less time than Python takes to call them.

    torch means to be left with `compile` one day, whose passes are faster still. It needs a C++ compiler and most of a
    minute for each shape of each pass, which is what a whole demo is to take; a trace takes a tenth of a second.
    """

    name = "traced"

    def __init__(self) -> None:
        self._traces: dict[Hashable, Work] = {}

    def __call__(self, work: Work, state: ContextState, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Replay the trace of this pass with these shapes, which the first call makes."""
        key = (_signature(work, inputs), state.batch, state.capacity)
        if key not in self._traces:
            self._traces[key] = _or_plainly(trace, work, state, inputs)
        return self._traces[key](state, *inputs)


class Graphs:
    """CUDA replays a pass as one graph. A graph knows addresses: states come from a pool, each with its own graphs."""

    name = "graphs"

    def __init__(self, capture: Capture | None = None) -> None:
        self._capture = capture if capture is not None else capture_graph
        self._graphs: dict[Hashable, Work] = {}
        self._free: dict[tuple[MakeState, int, int], list[ContextState]] = {}

    def new_state(self, make: MakeState, batch: int, capacity: int) -> ContextState:
        """One over buffers that no living state uses: those of a state that is gone, or new ones."""
        free = self._free.setdefault((make, batch, capacity), [])  # each tower makes them on its own device
        buffers = free.pop() if free else make(batch, capacity)
        for tensor in buffers.tensors:
            tensor.zero_()
        state = buffers.over(buffers.tensors)
        weakref.finalize(state, free.append, buffers)
        return state

    def __call__(self, work: Work, state: ContextState, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Replay the graph of this pass over these very buffers, which the first call captures."""
        key = (_signature(work, inputs), state.addresses)
        if key not in self._graphs:
            self._graphs[key] = _or_plainly(self._capture, work, state, inputs)
        return self._graphs[key](state, *inputs)


ENGINES: dict[str, Callable[[], Engine]] = {engine.name: engine for engine in (Plain, Traced, Graphs)}


def find_engine(wanted: str | None, device: torch.device, why_plain: str | None = None) -> Engine:
    """The engine asked for; none asked for is the fast one of the device.

    `why_plain` is `capturing.why_plain`'s: why only the plain engine runs the model rightly, None where all do. Raises
    InputError.
    """
    name = wanted
    if name is None:
        name = "plain" if why_plain is not None else "graphs" if device.type == "cuda" else "traced"
    if name not in ENGINES:
        raise InputError("engine", name, ", ".join(ENGINES))
    if why_plain is not None and name != "plain":
        raise InputError("engine", name, f"plain, as {why_plain}: no pass can be captured")
    if name == "graphs" and device.type != "cuda":
        raise InputError("engine", name, f"plain or traced on the device {device}: graphs are CUDA's")
    return ENGINES[name]()


def trace(work: Work, state: ContextState, inputs: tuple[Tensor, ...]) -> Work:
    """A TorchScript trace of a pass, good for every state of this shape; `state` is left as it is."""
    copy = state.clone()
    buffers = len(copy.tensors)

    class OfTensors(nn.Module):
        def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
            return work(copy.over(tensors[:buffers]), *tensors[buffers:])

    # That shapes become constants is what we want. For good: `catch_warnings` is not safe beside other threads.
    warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
    traced = torch.jit.freeze(torch.jit.trace(OfTensors().eval(), (*copy.tensors, *inputs), check_trace=False))
    for _ in range(_WARM_UPS):
        traced(*copy.tensors, *inputs)
    return lambda state, *inputs: traced(*state.tensors, *inputs)


def capture_graph(work: Work, state: ContextState, inputs: tuple[Tensor, ...]) -> Work:
    """A CUDA graph of a pass over the buffers of `state`, whose contents are left as they are."""
    with torch.cuda.device(state.lengths.device):
        return _captured(work, state, inputs)


def _captured(work: Work, state: ContextState, inputs: tuple[Tensor, ...]) -> Work:
    before = state.clone()
    fixed = [tensor.clone() for tensor in inputs]
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(_WARM_UPS):
            work(state, *fixed)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=aside):  # by itself torch takes one stream for all devices
        outputs = work(state, *fixed)
    for tensor, was in zip(state.tensors, before.tensors):
        tensor.copy_(was)

    def replay(state: ContextState, *inputs: Tensor) -> tuple[Tensor, ...]:
        for tensor, given in zip(fixed, inputs):
            tensor.copy_(given, non_blocking=True)
        graph.replay()
        return tuple(output.clone() for output in outputs)  # the next replay overwrites its own

    return replay


def _or_plainly(capture: Capture, work: Work, state: ContextState, inputs: tuple[Tensor, ...]) -> Work:
    """What `capture` makes of a pass; the pass itself, with a warning, where it cannot be captured."""
    try:
        return capture(work, state, inputs)
    except (RuntimeError, NotImplementedError) as error:  # what torch raises for an operation it cannot capture
        warnings.warn(f"{work.__name__} cannot be captured and runs plainly: {error}", stacklevel=3)
        return work


def _signature(work: Work, inputs: tuple[Tensor, ...]) -> Hashable:
    return work.__name__, tuple(tensor.shape for tensor in inputs)
