"""The whole benchmark, part by part; what it finds is a `Figures`."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import torch

from twotower.benchmark.batches import batch_figures
from twotower.benchmark.figures import Figures, PeerFigure, Setting
from twotower.benchmark.lanes import lane_figures
from twotower.benchmark.machine import Machine
from twotower.benchmark.measuring import Bench
from twotower.benchmark.overheads import recording_overheads, streaming_overheads
from twotower.benchmark.reading import reads_text
from twotower.model.device import machine_name
from twotower.model.twotower import TwoTower
from twotower.sizes import part_weights

Say = Callable[[str], None]


def benchmark(model: TwoTower, repeats: int, longest: int, peers: bool, say: Say) -> Figures:
    """Measure everything, growth up to `longest` tokens of context; `say` is told what is being measured."""
    machine = Machine(model.device, model.dtype, repeats)
    bench = Bench(model, machine, repeats)
    say("the machine")
    setting = _setting(model, machine, repeats)
    say("passes")
    passes, costs = bench.kinds()
    say("passes by context")
    by_context = bench.by_context(longest)
    say("passes by block size")
    by_block = bench.by_block()
    say("lanes")
    lanes = lane_figures(model, repeats)
    say("recording and streaming")
    overheads = [*recording_overheads(model, repeats), *streaming_overheads(model, repeats)]
    say("batches")
    batches = batch_figures(model, repeats)
    found: list[PeerFigure] = []
    if peers:
        from twotower.benchmark.peer_race import peer_figures  # imported late: transformers takes seconds

        say("transformers")
        found = peer_figures(model, repeats)
    return Figures(
        setting=setting,
        passes=tuple(passes),
        costs=costs,
        lanes=tuple(lanes),
        overheads=tuple(overheads),
        batches=tuple(batches),
        by_context=tuple(by_context),
        by_block=tuple(by_block),
        peers=tuple(found),
    )


def _setting(model: TwoTower, machine: Machine, repeats: int) -> Setting:
    return Setting(
        model=model.name,
        parameters=sum(weights.parameters for weights in part_weights(model.config).values()),
        device=machine_name(model.device),
        threads=torch.get_num_threads(),
        dtype=model.precision,
        engine=model.engine.name,
        torch=torch.__version__,
        date=datetime.date.today().isoformat(),
        repeats=repeats,
        reads="the model's example prompts" if reads_text(model) else "random ids",
        far_bandwidth=machine.far_bandwidth,
        operation_rate=machine.rate,
    )
