"""A run on disk: what is written comes back, a crash leaves a whole checkpoint, other settings are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from twotower.errors import InputError
from twotower.model.configuration import TwoTowerConfig
from twotower.model.twotower import TwoTower
from twotower.training import checkpoints
from twotower.training.settings import CONTEXT, DENOISER, PARALLEL, TrainingSettings
from twotower.training.stages import new_model

SETTINGS = TrainingSettings(
    context_steps=4, denoiser_steps=6, parallel_steps=8, batch_size=2, sequence_length=32, task_share=0.5, retold=3
)
State = tuple[TwoTower, torch.optim.Optimizer, dict[str, Tensor]]


@pytest.fixture(scope="module")
def state(tiny_config: TwoTowerConfig) -> State:
    """A model after a step, its optimizer, and an average that is not the model."""
    model = new_model(tiny_config, 0)
    parameters = [model.lm_head.weight, model.denoiser_tower.norm_f.weight]
    optimizer = torch.optim.AdamW(parameters, fused=True)
    sum(p.square().sum() for p in parameters).backward()
    optimizer.step()
    return model, optimizer, {"lm_head.weight": model.lm_head.weight.detach() / 2}


def save(folder: Path, state: State, stage: str = DENOISER, step: int = 5) -> Path:
    checkpoints.save(folder, *state, stage, step, SETTINGS)
    return folder / "checkpoint"


def test_what_is_saved_comes_back(state: State, tmp_path: Path) -> None:
    model, optimizer, average = state
    checkpoint = save(tmp_path, state)
    assert checkpoints.find(tmp_path) == checkpoint
    assert checkpoints.place(checkpoint, SETTINGS) == (DENOISER, 5)
    loaded = TwoTower.from_pretrained(checkpoint / "model", dtype=torch.float32).state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in model.state_dict().items())
    assert torch.equal(checkpoints.average(checkpoint)["lm_head.weight"], average["lm_head.weight"])
    wanted, found = optimizer.state_dict()["state"], checkpoints.optimizer_state(checkpoint)
    assert found.keys() == wanted.keys() == {0, 1}
    for index, entries in wanted.items():
        assert found[index].keys() == entries.keys()
        assert all(torch.equal(found[index][name], entry) for name, entry in entries.items())


def test_nothing_is_found_where_nothing_was_saved(tmp_path: Path) -> None:
    assert checkpoints.find(tmp_path) is None
    assert checkpoints.losses(tmp_path) == {}


def test_a_newer_checkpoint_takes_the_place_of_the_older(state: State, tmp_path: Path) -> None:
    save(tmp_path, state, step=2)
    save(tmp_path, state, step=3)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
    assert checkpoints.place(tmp_path / "checkpoint", SETTINGS) == (DENOISER, 3)


@pytest.mark.parametrize("crash_at", [0, 1])
def test_a_crash_while_saving_leaves_the_older_checkpoint_whole(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crash_at: int
) -> None:
    save(tmp_path, state, step=2)
    calls: list[Path] = []

    def crash(_: object, path: Path) -> None:
        calls.append(path)
        if len(calls) > crash_at:
            raise OSError("no space left")

    monkeypatch.setattr(checkpoints, "save_file", crash)
    with pytest.raises(OSError, match="no space"):
        save(tmp_path, state, step=3)
    monkeypatch.undo()
    found = checkpoints.find(tmp_path)
    assert found is not None
    assert checkpoints.place(found, SETTINGS) == (DENOISER, 2)
    assert checkpoints.optimizer_state(found).keys() == {0, 1}
    save(tmp_path, state, step=4)
    assert checkpoints.place(tmp_path / "checkpoint", SETTINGS) == (DENOISER, 4)


@pytest.mark.parametrize("crash_at", [0, 1])
def test_a_crash_while_renaming_leaves_the_older_checkpoint_whole(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crash_at: int
) -> None:
    save(tmp_path, state, step=2)
    real, renamed = Path.rename, []

    def rename(path: Path, target: Path) -> Path:
        renamed.append(path)
        if len(renamed) > crash_at:
            raise OSError("gone")
        return real(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="gone"):
        save(tmp_path, state, step=3)
    monkeypatch.undo()
    found = checkpoints.find(tmp_path)
    assert found is not None
    assert checkpoints.place(found, SETTINGS) == (DENOISER, 2)
    assert checkpoints.optimizer_state(found).keys() == {0, 1}


@pytest.mark.parametrize(
    ("stage", "step", "fixed"),
    [
        (CONTEXT, 2, set()),
        (CONTEXT, 4, {"context_steps"}),
        (DENOISER, 5, {"context_steps"}),
        (DENOISER, 6, {"context_steps", "denoiser_steps"}),
        (PARALLEL, 2, {"context_steps", "denoiser_steps"}),
        (PARALLEL, 8, {"context_steps", "denoiser_steps", "parallel_steps"}),
    ],
)
def test_what_has_been_done_cannot_be_asked_for_otherwise_and_what_lies_ahead_can(
    state: State, tmp_path: Path, stage: str, step: int, fixed: set[str]
) -> None:
    checkpoint = save(tmp_path, state, stage, step)
    fixed = fixed | {"batch_size", "sequence_length", "seed", "task_share", "retold"}
    ahead = {"context_steps", "denoiser_steps", "parallel_steps", "save_every"} - fixed
    for name in fixed:
        begun = getattr(SETTINGS, name)
        changed = replace(SETTINGS, **{name: {"task_share": 0.25, "batch_size": begun - 1}.get(name, begun + 16)})
        with pytest.raises(InputError, match=rf"{name} is .*; allowed: {begun}, with which"):
            checkpoints.place(checkpoint, changed)
    for name in ahead:
        assert checkpoints.place(checkpoint, replace(SETTINGS, **{name: getattr(SETTINGS, name) + 16})) == (stage, step)


def test_a_stage_is_not_ended_before_what_it_has_done(state: State, tmp_path: Path) -> None:
    checkpoint = save(tmp_path, state, PARALLEL, 3)
    with pytest.raises(InputError, match="parallel_steps is 2; allowed: at least 3, which"):
        checkpoints.place(checkpoint, replace(SETTINGS, parallel_steps=2))


def test_the_last_losses_of_a_stage_and_all_its_seconds_are_read_from_the_log(tmp_path: Path) -> None:
    columns = {"stage": CONTEXT, "loss": "", "validation_text": "", "validation_tasks": "", "seconds": ""}
    for figures in (
        {"loss": 4.0, "seconds": 0.5},
        {"validation_text": 3.5, "validation_tasks": 2.5},
        {"loss": 3.0, "seconds": 0.25},
        {"validation_text": 2.75, "validation_tasks": 1.5},
        {"stage": DENOISER, "loss": 6.0, "seconds": 1.0},
        {"stage": DENOISER, "validation_text": 5.5, "validation_tasks": 4.5},
        {"stage": PARALLEL, "loss": 9.0, "seconds": 2.0},
    ):
        checkpoints.log(tmp_path, {**columns, **figures})
    assert checkpoints.losses(tmp_path) == {
        CONTEXT: {"text": 2.75, "tasks": 1.5},
        DENOISER: {"text": 5.5, "tasks": 4.5},
    }
    assert checkpoints.seconds_spent(tmp_path) == 3.75
