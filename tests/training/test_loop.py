"""A run that was stopped goes on as if it had not been; the context tower is frozen in the second stage."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from twotower.errors import InputError
from twotower.model.configuration import TwoTowerConfig
from twotower.model.twotower import TwoTower
from twotower.training import loop
from twotower.training.data import Batches
from twotower.training.loop import CONTEXT, DENOISER, TrainingSettings, new_model, start_denoiser, train

CPU = torch.device("cpu")
SETTINGS = TrainingSettings(
    context_steps=4, denoiser_steps=4, batch_size=2, sequence_length=32, warmup=2, save_every=2, seed=3
)


class Interrupted(Exception):
    """Stands for a machine that goes away."""


@pytest.fixture
def batches() -> Batches:
    ids = np.random.default_rng(0).integers(4, 97, 2000).astype(np.int32)
    return Batches(ids, SETTINGS.sequence_length, SETTINGS.batch_size, seed=1)


def run(config: TwoTowerConfig, batches: Batches, folder: Path) -> tuple[TwoTower, dict[str, float]]:
    return train(lambda: new_model(config, SETTINGS.seed), SETTINGS, batches, batches, folder, CPU)


@pytest.mark.parametrize(("stage", "step"), [(CONTEXT, 3), (DENOISER, 1), (DENOISER, 3)])
def test_stopped_and_resumed_is_uninterrupted(
    tiny_config: TwoTowerConfig,
    batches: Batches,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    step: int,
) -> None:
    whole, losses = run(tiny_config, batches, tmp_path / "whole")
    real = loop.Trainer._advance

    def interrupted(trainer: loop.Trainer) -> tuple[float, float]:
        if (trainer.stage, trainer.step) == (stage, step):
            raise Interrupted
        return real(trainer)

    monkeypatch.setattr(loop.Trainer, "_advance", interrupted)
    with pytest.raises(Interrupted):
        run(tiny_config, batches, tmp_path / "halves")
    monkeypatch.undo()
    resumed, resumed_losses = run(tiny_config, batches, tmp_path / "halves")
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], tensor, atol=1e-6, rtol=1e-5)
    assert resumed_losses == pytest.approx(losses, abs=1e-4)


def test_the_denoiser_starts_as_the_context_tower(tiny_config: TwoTowerConfig) -> None:
    model = new_model(tiny_config, 0)
    model.context_tower.embeddings.weight.data.add_(1)
    start_denoiser(model)
    ours, copied = model.context_tower.state_dict(), model.denoiser_tower.state_dict()
    assert all(torch.equal(ours[name], copied[name]) for name in ours)
    # With no other token in sight, a block of one is the context tower's own forward, whatever t.
    context, block = [5, 6, 7], [8]
    wanted = model.context_logits([*context, *block])[:, -1:]
    torch.testing.assert_close(model.denoiser_logits(context, block, 0.7), wanted, atol=1e-4, rtol=1e-4)


def test_the_second_stage_leaves_the_context_tower_alone(
    tiny_config: TwoTowerConfig, batches: Batches, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_first: dict[str, torch.Tensor] = {}

    def remember(model: TwoTower) -> None:
        start_denoiser(model)
        after_first.update({name: tensor.clone() for name, tensor in model.state_dict().items()})

    monkeypatch.setattr(loop, "start_denoiser", remember)
    model, _ = run(tiny_config, batches, tmp_path)
    for name, tensor in model.state_dict().items():
        frozen = name.startswith(("context_tower.", "context_lm_head."))
        assert torch.equal(tensor, after_first[name]) == frozen or "norm" in name or tensor.dim() < 2, name
    context = [name for name in after_first if name.startswith("context_")]
    assert all(torch.equal(model.state_dict()[name], after_first[name]) for name in context)


def test_it_learns(tiny_config: TwoTowerConfig, tmp_path: Path) -> None:
    ids = np.tile(np.arange(4, 20, dtype=np.int32), 200)
    settings = TrainingSettings(
        context_steps=40, denoiser_steps=40, batch_size=4, sequence_length=32, warmup=5, save_every=40
    )
    data = Batches(ids, 32, 4, seed=0)
    _, losses = train(lambda: new_model(tiny_config, 0), settings, data, data, tmp_path, CPU)
    assert losses[CONTEXT] < 0.5 * np.log(97)
    assert losses[DENOISER] < 0.5 * np.log(97)


def test_the_log_has_a_row_for_every_step(tiny_config: TwoTowerConfig, batches: Batches, tmp_path: Path) -> None:
    run(tiny_config, batches, tmp_path)
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    steps = [(row["stage"], int(row["step"])) for row in rows if row["loss"]]
    assert steps == [(stage, step) for stage in (CONTEXT, DENOISER) for step in range(1, 5)]
    assert sum(bool(row["validation"]) for row in rows) == 4


@pytest.mark.parametrize("name", ["batch_size", "sequence_length", "seed", "context_steps", "denoiser_steps"])
def test_a_finished_run_is_not_resumed_as_another(
    tiny_config: TwoTowerConfig, batches: Batches, tmp_path: Path, name: str
) -> None:
    run(tiny_config, batches, tmp_path)
    changed = TrainingSettings(**{**vars(SETTINGS), name: getattr(SETTINGS, name) + 16})
    with pytest.raises(InputError, match=name):
        train(lambda: new_model(tiny_config, 0), changed, batches, batches, tmp_path, CPU)


@pytest.mark.parametrize("name", ["context_steps", "denoiser_steps", "batch_size", "sequence_length", "save_every"])
def test_settings_below_one_are_named(name: str) -> None:
    with pytest.raises(InputError, match=name):
        TrainingSettings(**{name: 0})
