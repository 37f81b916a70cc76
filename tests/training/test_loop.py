"""A run that was stopped goes on as if it had not been; a stage moves its own tower and leaves an average of it."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from twotower.errors import InputError
from twotower.model.configuration import TwoTowerConfig
from twotower.model.twotower import TwoTower
from twotower.training.data import Rows
from twotower.training.loop import Course, Trainer, train
from twotower.training.settings import CONTEXT, DENOISER, PARALLEL, STAGES, TrainingSettings
from twotower.training.stages import new_model, trained_parameters

CPU = torch.device("cpu")
SETTINGS = TrainingSettings(
    context_steps=4,
    denoiser_steps=4,
    parallel_steps=4,
    batch_size=2,
    sequence_length=32,
    warmup=2,
    save_every=2,
    seed=3,
)
Losses = dict[str, dict[str, float]]


class Run(NamedTuple):
    """A run that came to its end, and the weights as each stage found them."""

    model: TwoTower
    losses: Losses
    folder: Path
    found: dict[str, dict[str, Tensor]]


class Interrupted(Exception):
    """Stands for a machine that goes away."""


def batches(seed: int, count: int = 20) -> Rows:
    """Text of no meaning, of which three tokens in four are counted."""
    order = np.random.default_rng(seed)
    ids = order.integers(4, 97, (count, 32)).astype(np.int32)
    return Rows(ids, order.random(ids.shape) < 0.75, 2, seed=1)


def run(config: TwoTowerConfig, folder: Path, settings: TrainingSettings = SETTINGS) -> Run:
    found: dict[str, dict[str, Tensor]] = {}

    def course_of(stage: str, model: TwoTower) -> Course:
        found[stage] = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        own = batches(1 + (stage == PARALLEL), count=6)  # four steps are more than an epoch
        return Course(own, {"text": batches(3, count=6), "tasks": batches(4, count=6)})

    model, losses = train(lambda: new_model(config, settings.seed), settings, course_of, folder, CPU)
    return Run(model, losses, folder, found)


@pytest.fixture(scope="module")
def whole(tiny_config: TwoTowerConfig, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that nothing stopped; tests leave it as it is."""
    return run(tiny_config, tmp_path_factory.mktemp("whole"))


def log_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def figures(folder: Path) -> dict[tuple[str, int, str], float]:
    """By stage, step and column, the last one logged: a step that was lost is logged again."""
    columns = ("loss", "validation_text", "validation_tasks")
    return {
        (row["stage"], int(row["step"]), column): float(row[column])
        for row in log_of(folder)
        for column in columns
        if row.get(column)
    }


def interrupt(monkeypatch: pytest.MonkeyPatch, stage: str, step: int) -> None:
    real = Trainer._advance

    def advance(trainer: Trainer) -> tuple[float, float]:
        if (trainer.stage, trainer.step) == (stage, step):
            raise Interrupted
        return real(trainer)

    monkeypatch.setattr(Trainer, "_advance", advance)


@pytest.mark.parametrize("step", [0, 1, 2, 3])
@pytest.mark.parametrize("stage", STAGES)
def test_stopped_and_resumed_is_uninterrupted(
    tiny_config: TwoTowerConfig, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, step: int
) -> None:
    interrupt(monkeypatch, stage, step)
    with pytest.raises(Interrupted):
        run(tiny_config, tmp_path)
    monkeypatch.undo()
    resumed = run(tiny_config, tmp_path)
    for name, tensor in whole.model.state_dict().items():
        torch.testing.assert_close(resumed.model.state_dict()[name], tensor, atol=1e-6, rtol=1e-5)
    assert resumed.losses.keys() == whole.losses.keys()
    for each, losses in whole.losses.items():
        assert resumed.losses[each] == pytest.approx(losses, abs=1e-4)
    assert figures(tmp_path) == pytest.approx(figures(whole.folder), abs=1e-4)


@pytest.mark.parametrize("stage", STAGES)
def test_a_machine_that_goes_away_while_saving_is_no_loss(
    tiny_config: TwoTowerConfig, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    real = Trainer.save

    def save(trainer: Trainer) -> None:
        if (trainer.stage, trainer.step) == (stage, 4):
            raise Interrupted
        real(trainer)

    monkeypatch.setattr(Trainer, "save", save)
    with pytest.raises(Interrupted):
        run(tiny_config, tmp_path)
    monkeypatch.undo()
    resumed = run(tiny_config, tmp_path)
    for name, tensor in whole.model.state_dict().items():
        torch.testing.assert_close(resumed.model.state_dict()[name], tensor, atol=1e-6, rtol=1e-5)


def test_a_finished_run_is_read_and_not_trained_again(
    tiny_config: TwoTowerConfig, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tiny_config, tmp_path)
    log = (tmp_path / "log.csv").read_bytes()
    monkeypatch.setattr(Trainer, "_advance", None)
    again = run(tiny_config, tmp_path)
    assert all(torch.equal(again.model.state_dict()[name], t) for name, t in whole.model.state_dict().items())
    assert list(again.losses) == list(STAGES)
    for stage, losses in whole.losses.items():
        assert again.losses[stage] == pytest.approx(losses, abs=1e-4)
    assert (tmp_path / "log.csv").read_bytes() == log


def test_every_stage_asks_for_its_course_with_the_weights_it_starts_from(whole: Run) -> None:
    assert list(whole.found) == list(STAGES)
    start = whole.found[DENOISER]
    towers = [name for name in start if name.startswith("context_tower.")]
    assert all(torch.equal(start[name], start[name.replace("context", "denoiser", 1)]) for name in towers)
    assert not torch.equal(
        start["context_tower.embeddings.weight"], whole.found[CONTEXT]["context_tower.embeddings.weight"]
    )


def test_only_its_own_tower_moves_in_a_stage(whole: Run) -> None:
    after = {**whole.found, "end": whole.model.state_dict()}
    for stage, following in zip(STAGES, (DENOISER, PARALLEL, "end")):
        moving = {name for name in trained_parameters(whole.model, stage) if name.startswith(("context", "denoiser"))}
        matrices = {name for name in moving if name.endswith(("proj.weight", "embeddings.weight", "lm_head.weight"))}
        assert len(matrices) > 10
        assert all(not torch.equal(after[stage][name], after[following][name]) for name in matrices)
    context = [name for name in after["end"] if name.startswith(("context_tower.", "context_lm_head."))]
    for name in context:  # the routers' buffers too
        assert torch.equal(after[DENOISER][name], after[PARALLEL][name]), name
        assert torch.equal(after[DENOISER][name], after["end"][name]), name


def test_only_a_moving_towers_experts_are_balanced(whole: Run) -> None:
    after = {**whole.found, "end": whole.model.state_dict()}
    for stage, following in zip(STAGES, (DENOISER, PARALLEL, "end")):
        tower = "context_tower." if stage == CONTEXT else "denoiser_tower."
        biases = [name for name in after["end"] if name.startswith(tower) and name.endswith("score_correction_bias")]
        moved = [(after[following][name] - after[stage][name]).abs().max() for name in biases]
        assert 0 < max(moved) <= 4 * SETTINGS.balance_rate + 1e-6


def test_the_finished_model_holds_the_averaged_weights(whole: Run) -> None:
    average = load_file(whole.folder / "checkpoint" / "average.safetensors")
    ours = dict(whole.model.named_parameters())
    assert average.keys() == trained_parameters(whole.model, PARALLEL).keys()
    assert all(torch.equal(ours[name], tensor) for name, tensor in average.items())
    last = TwoTower.from_pretrained(whole.folder / "checkpoint" / "model", dtype=torch.float32)
    assert not torch.equal(ours["lm_head.weight"], last.lm_head.weight)


def test_the_average_follows_the_weights_step_by_step(
    tiny_config: TwoTowerConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Trainer._advance
    wanted: list[Tensor] = []

    def advance(trainer: Trainer) -> tuple[float, float]:
        weight = trainer.parameters["context_lm_head.weight"] if trainer.stage == CONTEXT else None
        if weight is not None and not wanted:
            wanted.append(weight.detach().clone())
        figures = real(trainer)
        if weight is not None:
            # Fast at first, at the end as the settings say: 1/11 of the past is kept, 2/12, 3/13, then no more.
            keep = min(0.2, trainer.step / (trainer.step + 10))
            wanted.append(keep * wanted[-1] + (1 - keep) * weight.detach())
        return figures

    monkeypatch.setattr(Trainer, "_advance", advance)
    finished = run(tiny_config, tmp_path, replace(SETTINGS, averaging=0.2))
    torch.testing.assert_close(finished.model.context_lm_head.weight.data, wanted[-1], atol=1e-6, rtol=1e-5)


def test_validation_losses_are_the_averaged_weights(whole: Run) -> None:
    logged = figures(whole.folder)
    for stage, losses in whole.losses.items():
        assert losses == pytest.approx({kind: logged[stage, 4, f"validation_{kind}"] for kind in losses}, abs=1e-4)


def test_the_log_has_a_row_for_every_step_and_every_validation(whole: Run) -> None:
    rows = log_of(whole.folder)
    trained = [row for row in rows if row["loss"]]
    steps = [(stage, step) for stage in STAGES for step in range(1, 5)]
    assert [(row["stage"], int(row["step"])) for row in trained] == steps
    assert all(int(row["tokens"]) == 64 * int(row["step"]) for row in rows)
    assert all(float(row["seconds"]) > 0 and not row["validation_text"] for row in trained)
    validated = [row for row in rows if row["validation_text"]]
    assert [(row["stage"], int(row["step"])) for row in validated] == [step for step in steps if step[1] % 2 == 0]
    assert all(row["validation_tasks"] and not row["loss"] and not row["seconds"] for row in validated)
    assert len(rows) == len(trained) + len(validated)


@pytest.mark.parametrize(
    "name",
    ["batch_size", "sequence_length", "seed", "task_share", "retold", *(f"{stage}_steps" for stage in STAGES)],
)
def test_a_finished_run_is_not_resumed_as_another(tiny_config: TwoTowerConfig, whole: Run, name: str) -> None:
    log = (whole.folder / "log.csv").read_bytes()
    begun = getattr(SETTINGS, name)
    changed = replace(SETTINGS, **{name: 0.25 if name == "task_share" else begun + 16})
    with pytest.raises(InputError, match=name):
        run(tiny_config, whole.folder, changed)
    assert (whole.folder / "log.csv").read_bytes() == log


def test_a_run_that_was_stopped_may_be_lengthened(
    tiny_config: TwoTowerConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(monkeypatch, DENOISER, 2)
    with pytest.raises(Interrupted):
        run(tiny_config, tmp_path)
    monkeypatch.undo()
    run(tiny_config, tmp_path, replace(SETTINGS, denoiser_steps=5, parallel_steps=1))
    assert {stage: sum(key[0] == stage and key[2] == "loss" for key in figures(tmp_path)) for stage in STAGES} == {
        CONTEXT: 4,
        DENOISER: 5,
        PARALLEL: 1,
    }


def test_windows_that_blocks_do_not_fill_are_refused(tiny_config: TwoTowerConfig, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sequence_length is 40; allowed: a multiple of the block, 16"):
        run(tiny_config, tmp_path, replace(SETTINGS, sequence_length=40))


def test_it_learns(tiny_config: TwoTowerConfig, tmp_path: Path) -> None:
    settings = TrainingSettings(
        context_steps=40,
        denoiser_steps=40,
        parallel_steps=40,
        batch_size=4,
        sequence_length=32,
        warmup=5,
        save_every=40,
    )
    ids = np.tile(np.arange(4, 20, dtype=np.int32), (8, 2))
    data = Rows(ids, np.ones(ids.shape, dtype=bool), 4, seed=0)
    course = Course(data, {"text": data})
    _, losses = train(lambda: new_model(tiny_config, 0), settings, lambda *_: course, tmp_path, CPU)
    assert losses[CONTEXT]["text"] < 0.5 * np.log(97)
    assert losses[DENOISER]["text"] < 0.5 * np.log(97)
    assert losses[PARALLEL]["text"] < 0.8 * figures(tmp_path)[PARALLEL, 1, "loss"]
