"""Seats: shapes that never change, nothing left of who sat there, and who sits in none disturbs nobody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from twotower.model.twotower import TwoTower
from twotower.sampling import LANES, Batch, Failed, SamplingSettings, generate, generate_batch
from twotower.sampling.clock import Clock
from twotower.sampling.events import Event
from twotower.sampling.executor import Executor
from twotower.sampling.passes import Choose, ContextPass, Prefill, RecordPass
from twotower.trace import Trace

PLAIN = SamplingSettings(max_new_tokens=20, block_size=8, seed=1, end_token_ids=(), candidates=0, draft_passes=1)
lanes = pytest.mark.parametrize("lane", list(LANES))


def texts(batch: Batch) -> dict[int, list[int]]:
    """Run it to its end: what each row says, as far as its events reach."""
    rows: dict[int, list[Event]] = defaultdict(list)
    while batch.rows:
        for row, event in batch.step():
            if not isinstance(event, Failed):
                rows[row].append(event)
    return {row: list(Trace(tuple(events)).slots) for row, events in rows.items()}


def alone(model: TwoTower, prompt: list[int], lane: str, settings: SamplingSettings) -> list[int | None]:
    return list(Trace.record(generate(model, prompt, lane, settings)).slots)


@pytest.mark.parametrize("rows", [1, 3])
def test_what_the_context_tower_reads_has_one_shape(
    tiny_model: TwoTower, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    shapes: dict[str, set[tuple[int, ...]]] = defaultdict(set)
    for name in ("context_pass", "verify_pass", "ar_step", "context_step", "denoiser_pass"):
        real = getattr(tiny_model, name)

        def spy(ids: torch.Tensor, *args, _name=name, _real=real):  # type: ignore[no-untyped-def]
            shapes[_name].add(tuple(ids.shape))
            return _real(ids, *args)

        monkeypatch.setattr(tiny_model, name, spy)
    for lane in ("diffusion", "verify", "autoregressive"):
        list(generate_batch(tiny_model, [[5, 6], [7], [8, 9, 10]][:rows], lane, replace(PLAIN, candidates=2)))
    assert shapes["context_pass"] == shapes["verify_pass"] == {(rows, 8)}
    assert shapes["ar_step"] == {(rows,)}
    assert all(batch == rows for batch, _ in shapes["denoiser_pass"])


@torch.inference_mode()
def test_a_filled_up_block_leaves_the_state_of_its_tokens_alone(tiny_model: TwoTower) -> None:
    executor = Executor(tiny_model, Clock(torch.device("cpu")), 8, seats=3, tokens=40)
    for row, prompt in enumerate([(5, 6, 7), (60, 61)]):
        executor.carry_out({row: Prefill(prompt, 20)})
    block = (9, 10, 11)
    executor.carry_out({1: ContextPass(block)})
    (hidden, seconds) = executor.carry_out({1: RecordPass((12, 13)), 0: RecordPass((14,))})[1]
    assert seconds == 0
    wanted = tiny_model.context_logits([60, 61, *block, 12, 13])[0, -2:]
    torch.testing.assert_close(tiny_model.context_lm_head(hidden), wanted, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_only_a_pass_takes_time(tiny_model: TwoTower) -> None:
    executor = Executor(tiny_model, Clock(torch.device("cpu")), 8)
    logits, seconds = executor.carry_out({0: Prefill((5, 6), 4)})[0]
    assert seconds > 0
    chosen, seconds = executor.carry_out({0: Choose(logits, logits)})[0]
    assert (chosen.tokens, seconds) == (logits.argmax(-1).tolist(), 0.0)


@lanes
def test_who_comes_next_finds_nothing_of_one_that_failed(make_model: Callable[..., TwoTower], lane: str) -> None:
    model = make_model()
    wanted = [alone(model, [5, 6], lane, PLAIN), alone(model, [7], lane, PLAIN)]
    (embeddings,) = (part for part in model.context_tower.modules() if isinstance(part, torch.nn.Embedding))
    embeddings.weight[2] = torch.nan
    assert all(2 not in text for text in wanted)
    batch = Batch(model, lane, 8, seats=2, tokens=60)
    for prompt in ([5, 2, 6] * 10, [5, 6], [7]):  # one of the last two sits where the first, a longer one, has sat
        batch.add(prompt, PLAIN)
    ours = texts(batch)
    assert [ours[1], ours[2]] == wanted


@pytest.mark.parametrize("lane", ["autoregressive", "mock-ar"])
def test_a_seat_that_stays_empty_runs_along_for_ever(tiny_model: TwoTower, lane: str) -> None:
    # It has room for 256 tokens, the least that a state has.
    settings = replace(PLAIN, max_new_tokens=140)
    batch = Batch(tiny_model, lane, 8, seats=2, tokens=150)
    for prompt in ([5, 6], [7, 8, 9]):
        batch.add(prompt, settings)
        (text,) = texts(batch).values()
        assert text == alone(tiny_model, prompt, lane, settings)
