"""Towers on two devices, and the context tower alone.

A second device is not at hand, so the towers are told that they are apart where they are not: the denoiser then reads
a mirror of the context tower's state, which is all that is different.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from twotower import DEFAULT_MODEL
from twotower.errors import InputError
from twotower.model.configuration import ATTENTION, MOE
from twotower.model.memory import KVCache
from twotower.model.setup import Setup, Wanted
from twotower.model.twotower import TwoTower
from twotower.race import warm_up
from twotower.sampling import SamplingSettings, generate
from twotower.sampling.batch import Batch
from twotower.sampling.events import Event, Finished
from twotower.sampling.generate import LANES
from twotower.trace import Trace

PROMPT = (5, 6, 7, 8, 9)
SETTINGS = SamplingSettings(max_new_tokens=23, block_size=5, temperature=0.7, seed=4, end_token_ids=())


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setattr(TwoTower, "apart", True)


@pytest.fixture(params=["plain", "traced"])
def model(request: pytest.FixtureRequest, make_model: Callable[..., TwoTower]) -> TwoTower:
    made = make_model(1)
    made.use(request.param)
    return made


def written(events: Any) -> list[int]:
    return list(Trace.record(events).token_ids)


@pytest.mark.parametrize("lane", LANES)
def test_every_lane_writes_what_it_writes_on_one_device(model: TwoTower, apart: Callable[[], None], lane: str) -> None:
    wanted = written(generate(model, PROMPT, lane, SETTINGS))
    apart()
    assert written(generate(model, PROMPT, lane, SETTINGS)) == wanted


def test_rows_that_come_and_go_leave_nothing_in_the_mirror(model: TwoTower, apart: Callable[[], None]) -> None:
    prompts = [(5, 6, 7, 8, 9, 10, 11), (12,), (13, 14, 15), (), (16, 17)]
    wanted = [written(generate(model, prompt, "diffusion", SETTINGS)) for prompt in prompts]
    apart()
    batch = Batch(model, "diffusion", SETTINGS.block_size, seats=2, tokens=64)
    events: dict[int, list[Event]] = {}
    for prompt in prompts:
        row, started = batch.add(prompt, SETTINGS)
        events[row] = [started]
    while batch.rows:
        for row, event in batch.step():
            assert isinstance(event, Event)
            events[row].append(event)
    assert [written(events[row]) for row in range(len(prompts))] == wanted


def test_only_new_keys_and_values_cross(make_model: Callable[..., TwoTower], apart: Callable[[], None]) -> None:
    model = make_model(1)
    apart()
    ids = torch.tensor([PROMPT])
    with torch.inference_mode():
        _, state = model.prefill(ids, room=32)
        block = torch.full((1, 5), 3)
        model.denoiser_pass(block, state, 1.0)
        assert state.mirror is not None
        assert state.mirror.held == [5]
        old = [memory.buffer for memory in state.layers if isinstance(memory, KVCache)]
        for buffer in old:
            buffer[:, :5] = torch.nan  # had they to cross again, the next pass would see them
        mirrored = [memory.buffer for memory in state.mirror.layers if isinstance(memory, KVCache)]
        before = [buffer[:, :5].clone() for buffer in mirrored]
        state.held = [8]
        state.lengths.fill_(8)
        for buffer in old:
            buffer[:, 5:8] = 0.25
        logits = model.denoiser_pass(block, state, 1.0)
    assert torch.isfinite(logits).all()
    assert state.mirror.held == [8]
    for buffer, was in zip(mirrored, before, strict=True):
        assert torch.equal(buffer[:, :5], was)
        assert (buffer[:, 5:8] == 0.25).all()


def test_a_mirror_asked_twice_of_the_same_text_copies_nothing(
    make_model: Callable[..., TwoTower], apart: Callable[[], None]
) -> None:
    model = make_model(1)
    apart()
    with torch.inference_mode():
        _, state = model.prefill(torch.tensor([PROMPT]), room=32)
        block = torch.full((1, 5), 3)
        first = model.denoiser_pass(block, state, 1.0)
        for tensor in state.tensors:
            tensor.zero_()
        assert torch.equal(model.denoiser_pass(block, state, 1.0), first)


def test_a_row_that_is_overwritten_is_mirrored_anew(
    make_model: Callable[..., TwoTower], apart: Callable[[], None]
) -> None:
    model = make_model(1)
    apart()
    block = torch.full((1, 5), 3)
    with torch.inference_mode():
        _, state = model.prefill(torch.tensor([PROMPT]), room=32)
        model.denoiser_pass(block, state, 1.0)
        _, other = model.prefill(torch.tensor([[9, 8, 7, 6, 5, 4, 10]]), room=32)
        wanted = model.denoiser_pass(block, other, 1.0)
        state.put(0, other)
        assert torch.equal(model.denoiser_pass(block, state, 1.0), wanted)


# ---- the context tower alone -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def alone() -> TwoTower:
    return TwoTower.from_pretrained(DEFAULT_MODEL, denoiser_device="none")


def test_alone_it_holds_no_byte_of_the_denoiser(alone: TwoTower) -> None:
    there = [name for name, tensor in alone.state_dict().items() if not tensor.is_meta]
    assert there
    assert all(name.startswith("context_") for name in there)
    assert not alone.has_denoiser
    assert alone.devices == (torch.device("cpu"),)


def test_alone_it_is_the_same_autoregressive_model(alone: TwoTower, embedded_model: TwoTower) -> None:
    settings = SamplingSettings(max_new_tokens=12, seed=0)
    ours, theirs = (written(generate(m, PROMPT, "autoregressive", settings)) for m in (alone, embedded_model))
    assert ours == theirs


@pytest.mark.parametrize("lane", [lane for lane in LANES if lane != "autoregressive"])
def test_alone_the_other_lanes_are_refused_by_name(alone: TwoTower, lane: str) -> None:
    with pytest.raises(
        InputError, match=rf"lane is '{lane}'; allowed: autoregressive: the denoiser tower is not loaded"
    ):
        generate(alone, PROMPT, lane, SETTINGS)


def test_alone_it_warms_up_what_it_has(alone: TwoTower) -> None:
    warm_up(alone, SamplingSettings(max_new_tokens=3))


def test_alone_it_is_not_saved_as_a_model(alone: TwoTower, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="denoiser device"):
        alone.save_pretrained(tmp_path / "half")
    assert not (tmp_path / "half").exists()


def test_a_checkpoint_without_denoiser_serves_the_context_tower_alone(
    make_model: Callable[..., TwoTower], tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    make_model(1).save_pretrained(tmp_path)
    shard = tmp_path / "model.safetensors"
    save_file({name: t for name, t in load_file(shard).items() if name.startswith("context_")}, shard)
    setup = Setup.find(make_model(1).config, Wanted(denoiser_device="none"))
    model = TwoTower.load(tmp_path, setup)
    *_, last = generate(model, PROMPT, "autoregressive", SETTINGS)
    assert isinstance(last, Finished)
    assert {ATTENTION, MOE} <= set(model.config.hybrid_override_pattern)
