"""Figures written by hand, for whatever shows them."""

from __future__ import annotations

from twotower.benchmark.figures import (
    BatchFigure,
    CostModel,
    Figures,
    LaneFigure,
    Overhead,
    PassFigure,
    PeerFigure,
    Setting,
)
from twotower.race import Spread


def spread(median: float) -> Spread:
    return Spread(median, median / 2, median * 2)


def pass_figure(kind: str, size: int, context: int, seconds: float, beyond: bool = False) -> PassFigure:
    return PassFigure(
        kind=kind,
        engine="plain",
        size=size,
        context=context,
        seconds=spread(seconds),
        experts=2.25,
        bytes=10_200_000,
        operations=5_460_000,
        bandwidth=21.5e9,
        floor_seconds=seconds / 4,
        beyond=beyond,
    )


FIGURES = Figures(
    setting=Setting(
        model="tiny",
        parameters=6_260_000,
        device="2 CPU threads",
        threads=2,
        dtype="float32",
        engine="plain",
        torch="9.9",
        date="2030-01-02",
        repeats=5,
        reads="random ids",
        far_bandwidth=spread(7.5e9),
        operation_rate=spread(1.25e12),
    ),
    passes=(pass_figure("AR step", 1, 256, 0.00125), pass_figure("prefill", 64, 0, 0.5)),
    costs=CostModel(16, denoiser=spread(2.0), context=spread(4.0), verify=spread(3.0)),
    lanes=(LaneFigure("diffusion", "A fox", 128, spread(200.0), spread(0.5), 1.25, 0.975),),
    overheads=(Overhead("recording", "diffusion", "wall", spread(1.0625)),),
    batches=(BatchFigure("diffusion", 4, spread(800.0), spread(1.75)),),
    by_context=(pass_figure("AR step", 1, 256, 0.001), pass_figure("AR step", 1, 512, 0.002, beyond=True)),
    by_block=(pass_figure("denoiser pass", 4, 256, 0.003), pass_figure("denoiser pass", 8, 256, 0.004)),
    peers=(PeerFigure("tiny", 3_030_000, "grouped_mm", spread(0.002), spread(0.008), spread(4.0), 48, 31),),
)
