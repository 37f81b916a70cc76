"""Passes beside their floors, in the order they are shown, and the cost model from hand-written seconds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from twotower.benchmark import measuring
from twotower.benchmark.machine import Machine
from twotower.benchmark.measuring import CONTEXT, Bench, cost_model
from twotower.benchmark.passes import AR_STEP, PREFILL, ROLL_BACK
from twotower.metrics import CONTEXT_PASS, DENOISER_PASS, VERIFY_PASS
from twotower.model.twotower import TwoTower
from twotower.race import Spread


@pytest.fixture
def bench(quick: None, make_model: Callable[..., TwoTower]) -> Bench:
    model = make_model(max_position_embeddings=300)
    return Bench(model, Machine(model.device, torch.float32, 2), 2)


def test_ratios_are_taken_within_a_repeat() -> None:
    costs = cost_model(
        {
            AR_STEP: [1.0, 2.0, 4.0],
            DENOISER_PASS: [3.0, 4.0, 4.0],
            CONTEXT_PASS: [5.0, 10.0, 20.0],
            VERIFY_PASS: [4.0, 4.0, 4.0],
            ROLL_BACK: [1.0, 2.0, 8.0],
        },
        16,
    )
    assert costs.block_size == 16
    assert costs.denoiser == Spread(2.0, 1.0, 3.0)
    assert costs.context == Spread(5.0, 5.0, 5.0)
    assert costs.verify == Spread(3.0, 3.0, 5.0)


def test_every_kind_of_pass_has_a_figure_and_a_floor(bench: Bench) -> None:
    figures, costs = bench.kinds()
    shapes = [(figure.kind, figure.size, figure.context) for figure in figures]
    assert shapes == [
        (AR_STEP, 1, CONTEXT),
        (DENOISER_PASS, 16, CONTEXT),
        (CONTEXT_PASS, 16, CONTEXT),
        (VERIFY_PASS, 16, CONTEXT),
        (ROLL_BACK, 8, CONTEXT),
        (PREFILL, 16, 0),
        (PREFILL, 64, 0),
    ]
    for figure in figures:
        assert 0 < figure.seconds.low <= figure.seconds.high
        assert figure.ratio == figure.seconds.median / figure.floor_seconds > 0
        assert (figure.experts is None) == (figure.kind == ROLL_BACK)
        assert figure.engine == "plain"
    assert figures[0].experts == bench.model.config.num_experts_per_tok
    assert costs.denoiser.median > 0


def test_a_prompt_the_model_has_no_positions_for_is_no_prefill(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "PREFILL_LENGTHS", (300, 301))
    figures, _ = bench.kinds()
    assert [figure.size for figure in figures if figure.kind == PREFILL] == [300]


def test_after_a_slow_prefill_no_longer_one_is_tried(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "seconds_of", lambda run, device: 60.0)
    figures, _ = bench.kinds()
    assert [figure.size for figure in figures if figure.kind == PREFILL] == [16]


def test_growth_by_context_is_kind_by_kind_and_says_what_lies_beyond(bench: Bench) -> None:
    figures = bench.by_context(600)
    shapes = [(figure.kind, figure.context) for figure in figures]
    assert shapes == [(kind, length) for kind in (AR_STEP, DENOISER_PASS, CONTEXT_PASS) for length in (256, 512)]
    assert [figure.beyond for figure in figures] == [False, True] * 3
    assert figures[0].bytes < figures[1].bytes


def test_growth_by_block_size_leaves_the_ar_step_out(bench: Bench) -> None:
    shapes = [(figure.kind, figure.size) for figure in bench.by_block()]
    assert shapes == [(kind, size) for kind in (DENOISER_PASS, CONTEXT_PASS) for size in (4, 16)]


def test_a_fast_engine_has_the_plain_one_beside_it_and_stays_in_use(bench: Bench) -> None:
    bench.model.use("traced")
    engine = bench.model.engine
    figures, _ = bench.kinds()
    kinds = [(figure.kind, figure.engine) for figure in figures]
    assert kinds[:10] == [(kind, name) for name in ("traced", "plain") for kind, _ in kinds[:5]]
    assert {name for kind, name in kinds if kind == PREFILL} == {"traced"}
    assert bench.model.engine is engine
    assert {figure.engine for figure in bench.by_block()} == {"traced"}
    assert bench.model.engine is engine
