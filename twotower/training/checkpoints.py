"""A training run on disk: written so that a crash leaves the older checkpoint whole, read to go on as if uninterrupted.

`checkpoint/` holds `model/` (official layout, float32), `optimizer.safetensors`, `average.safetensors` and
`progress.json`; beside it stands `log.csv`.
"""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from twotower.errors import InputError
from twotower.model.twotower import TwoTower
from twotower.training.settings import STAGES, TrainingSettings


def save(
    folder: Path,
    model: TwoTower,
    optimizer: torch.optim.Optimizer,
    average: dict[str, Tensor],
    stage: str,
    step: int,
    settings: TrainingSettings,
) -> None:
    """Write the model, the optimizer, the averaged weights and the place."""
    fresh = folder / "saving"
    shutil.rmtree(fresh, ignore_errors=True)
    model.save_pretrained(fresh / "model")
    state = optimizer.state_dict()["state"]
    tensors = {f"{i}.{name}": value.contiguous() for i, entry in state.items() for name, value in entry.items()}
    save_file(tensors, fresh / "optimizer.safetensors")
    save_file({name: value.contiguous() for name, value in average.items()}, fresh / "average.safetensors")
    progress = {"stage": stage, "step": step, "settings": asdict(settings)}
    (fresh / "progress.json").write_text(json.dumps(progress, indent=2) + "\n", encoding="utf-8")
    kept, old = folder / "checkpoint", folder / "old"
    if kept.exists():
        shutil.rmtree(old, ignore_errors=True)
        kept.rename(old)
    fresh.rename(kept)
    shutil.rmtree(old, ignore_errors=True)


def find(folder: Path) -> Path | None:
    """The newest whole checkpoint of a run."""
    return next((c for c in (folder / "checkpoint", folder / "old") if c.is_dir()), None)


def optimizer_state(checkpoint: Path) -> dict[int, dict[str, Tensor]]:
    """Each parameter's entries, by its index in the optimizer."""
    entries: dict[int, dict[str, Tensor]] = {}
    for key, value in load_file(checkpoint / "optimizer.safetensors").items():
        index, _, name = key.partition(".")
        entries.setdefault(int(index), {})[name] = value
    return entries


def average(checkpoint: Path) -> dict[str, Tensor]:
    """The averaged weights by name."""
    return load_file(checkpoint / "average.safetensors")


def place(checkpoint: Path, settings: TrainingSettings) -> tuple[str, int]:
    """Stage and step of a checkpoint. Raises InputError where other settings would contradict what has been done."""
    progress = json.loads((checkpoint / "progress.json").read_text(encoding="utf-8"))
    stage, step, begun = progress["stage"], progress["step"], progress["settings"]
    fixed = ["batch_size", "sequence_length", "seed", "task_share", "retold"]
    fixed += [f"{ended}_steps" for ended in STAGES[: STAGES.index(stage)]]
    if step == begun[f"{stage}_steps"]:
        fixed.append(f"{stage}_steps")
    for name in fixed:
        if getattr(settings, name) != begun[name]:
            raise InputError(name, getattr(settings, name), f"{begun[name]}, with which the run to resume was begun")
    if settings.steps(stage) < step:
        name = f"{stage}_steps"
        raise InputError(name, settings.steps(stage), f"at least {step}, which the run to resume has done")
    return stage, step


def log(folder: Path, row: dict[str, object]) -> None:
    """Append a row to the run's log."""
    path = folder / "log.csv"
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def seconds_spent(folder: Path) -> float:
    """Seconds of every training step a run has logged."""
    with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
        return sum(float(row["seconds"]) for row in csv.DictReader(file) if row["seconds"])


def losses(folder: Path) -> dict[str, dict[str, float]]:
    """The last validation losses of each stage that a run has logged, by kind of text."""
    found: dict[str, dict[str, float]] = {}
    if not (folder / "log.csv").is_file():
        return found
    with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            given = {name: value for name, value in row.items() if name.startswith("validation_") and value}
            if given:
                found[row["stage"]] = {name.removeprefix("validation_"): float(given[name]) for name in given}
    return found
