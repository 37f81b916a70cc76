"""The training run: context tower, then the denoiser as its copy. Stops and resumes at any saved step.

A run's folder holds `model/` (official layout, float32), `optimizer.safetensors`, `progress.json` and `log.csv`.
"""

from __future__ import annotations

import csv
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm import tqdm

from twotower.errors import InputError
from twotower.model.configuration import TwoTowerConfig
from twotower.model.tower import init_weights
from twotower.model.twotower import TwoTower
from twotower.training.balance import LoadBalancer
from twotower.training.data import Batches
from twotower.training.objective import masked_block_loss, next_token_loss
from twotower.training.schedule import wsd

CONTEXT, DENOISER = "context", "denoiser"
_VALIDATION_BATCHES = 16


@dataclass(frozen=True)
class TrainingSettings:
    """One recipe for both stages. `steps` are optimizer steps, of batch_size * sequence_length tokens each."""

    context_steps: int = 2000
    denoiser_steps: int = 1500
    batch_size: int = 16
    sequence_length: int = 256
    context_rate: float = 3e-3
    denoiser_rate: float = 1e-3
    warmup: int = 100
    decay_fraction: float = 0.25
    weight_decay: float = 0.1
    clip: float = 1.0
    balance_rate: float = 1e-3
    save_every: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("context_steps", "denoiser_steps", "batch_size", "sequence_length", "save_every"):
            if getattr(self, name) < 1:
                raise InputError(name, getattr(self, name), "a whole number of at least 1")
        if self.seed < 0:
            raise InputError("seed", self.seed, "a whole number of at least 0")

    @property
    def tokens_per_step(self) -> int:
        """Training tokens one optimizer step reads."""
        return self.batch_size * self.sequence_length


class Trainer:
    """One stage of a run: the parameters it moves, its optimizer, its place in the data."""

    def __init__(
        self, model: TwoTower, stage: str, settings: TrainingSettings, train: Batches, valid: Batches, folder: Path
    ) -> None:
        self.model, self.stage, self.settings, self.folder = model, stage, settings, folder
        self.train, self.valid = train, valid
        self.steps = settings.context_steps if stage == CONTEXT else settings.denoiser_steps
        self.rate = settings.context_rate if stage == CONTEXT else settings.denoiser_rate
        self.step = 0
        self.parameters = trained_parameters(model, stage)
        model.requires_grad_(False)
        for parameter in self.parameters.values():
            parameter.requires_grad_(True)
        matrices = [p for p in self.parameters.values() if p.dim() >= 2]
        vectors = [p for p in self.parameters.values() if p.dim() < 2]
        groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=self.rate, betas=(0.9, 0.95))
        tower = model.context_tower if stage == CONTEXT else model.denoiser_tower
        self.balancer = LoadBalancer(tower, settings.balance_rate)

    def run(self) -> float:
        """Train to the last step; returns the validation loss there."""
        log = self.folder / "log.csv"
        with tqdm(total=self.steps, initial=self.step, desc=f"{self.stage} tower", unit="step") as bar:
            while self.step < self.steps:
                began = time.perf_counter()
                loss, crowding = self._advance()
                seconds = time.perf_counter() - began
                bar.update(1)
                bar.set_postfix(loss=f"{loss:.3f}", crowding=f"{crowding:.1f}")
                row = {"stage": self.stage, "step": self.step, "tokens": self.step * self.settings.tokens_per_step}
                _append(log, {**row, "loss": round(loss, 5), "validation": "", "seconds": round(seconds, 3)})
                if self.step % self.settings.save_every == 0 or self.step == self.steps:
                    validation = self.validate()
                    bar.write(f"{self.stage} step {self.step}: validation loss {validation:.4f}")
                    _append(log, {**row, "loss": "", "validation": round(validation, 5), "seconds": ""})
                    self.save()
        return self.validate()

    def _advance(self) -> tuple[float, float]:
        settings = self.settings
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * wsd(self.step, self.steps, settings.warmup, settings.decay_fraction)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._loss(self.train[self.step], settings.seed * 1_000_003 + self.step)
        loss.backward()
        nn.utils.clip_grad_norm_(list(self.parameters.values()), settings.clip)
        self.optimizer.step()
        self.step += 1
        return float(loss.detach()), self.balancer.update()

    def _loss(self, ids: Tensor, noise_seed: int) -> Tensor:
        ids = ids.to(self.model.device)
        with torch.autocast(ids.device.type, dtype=torch.bfloat16):
            if self.stage == CONTEXT:
                return next_token_loss(self.model, ids)
            noise = torch.Generator().manual_seed(noise_seed)
            return masked_block_loss(self.model, ids, self.model.config.trained_block_size, noise)

    @torch.no_grad()
    def validate(self) -> float:
        """Mean loss over a fixed set of held-out batches, the same noise every time."""
        batches = min(_VALIDATION_BATCHES, self.valid.per_epoch)
        return sum(float(self._loss(self.valid[i], i)) for i in range(batches)) / batches

    def save(self) -> None:
        """Write the model, the optimizer and the place; a crash while writing leaves the older ones whole."""
        fresh = self.folder / "saving"
        shutil.rmtree(fresh, ignore_errors=True)
        self.model.save_pretrained(fresh / "model")
        state = self.optimizer.state_dict()["state"]
        tensors = {f"{i}.{name}": value for i, entry in state.items() for name, value in entry.items()}
        save_file(tensors, fresh / "optimizer.safetensors")
        progress = {"stage": self.stage, "step": self.step, "settings": asdict(self.settings)}
        (fresh / "progress.json").write_text(json.dumps(progress, indent=2) + "\n", encoding="utf-8")
        kept, old = self.folder / "checkpoint", self.folder / "old"
        shutil.rmtree(old, ignore_errors=True)
        if kept.exists():
            kept.rename(old)
        fresh.rename(kept)
        shutil.rmtree(old, ignore_errors=True)

    def restore(self, checkpoint: Path, step: int) -> None:
        """Take up the optimizer and the place of a saved checkpoint (its weights are in the model already)."""
        self.step = step
        entries: dict[int, dict[str, Tensor]] = {}
        for key, value in load_file(checkpoint / "optimizer.safetensors").items():
            index, _, name = key.partition(".")
            entries.setdefault(int(index), {})[name] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": entries})


def trained_parameters(model: TwoTower, stage: str) -> dict[str, nn.Parameter]:
    """The parameters a stage moves: a tower and its head, and for the denoiser the time conditioning."""
    of_stage = {
        CONTEXT: ("context_tower.", "context_lm_head."),
        DENOISER: ("denoiser_tower.", "lm_head.", "conditioning."),
    }
    prefixes = of_stage[stage]
    return {name: p for name, p in model.named_parameters() if name.startswith(prefixes)}


def new_model(config: TwoTowerConfig, seed: int) -> TwoTower:
    """Fresh weights, both towers equal."""
    model = TwoTower(config)
    generator = torch.Generator().manual_seed(seed)
    init_weights(model.context_tower, generator)
    drawn = [model.context_lm_head.weight]
    for name, parameter in model.conditioning.t_embedder.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            drawn.append(parameter)
    for weight in drawn:
        weight.data.normal_(0, config.initializer_range, generator=generator)
    start_denoiser(model)
    return model


def start_denoiser(model: TwoTower) -> None:
    """The denoiser tower becomes a copy of the context tower (paper, section 3).

    Time conditioning starts as the identity: shift 0, scale 0, gate 1, whatever t.
    """
    model.denoiser_tower.load_state_dict(model.context_tower.state_dict())
    model.lm_head.load_state_dict(model.context_lm_head.state_dict())
    projection = cast(nn.Linear, model.conditioning.t_block[1])
    nn.init.zeros_(projection.weight)
    nn.init.zeros_(projection.bias)
    for table in model.conditioning.scale_shift_tables:
        nn.init.zeros_(table)
        table.data[2] = 1.0


def train(
    start: Callable[[], TwoTower],
    settings: TrainingSettings,
    train_data: Batches,
    valid: Batches,
    folder: Path,
    device: torch.device,
) -> tuple[TwoTower, dict[str, float]]:
    """Both stages, from nothing or from where `folder` stopped; returns the model and its validation losses."""
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = next((c for c in (folder / "checkpoint", folder / "old") if c.is_dir()), None)
    at_stage, at_step = CONTEXT, 0
    if checkpoint is None:
        model = start().to(device)
    else:
        at_stage, at_step = _place(checkpoint, settings)
        model = TwoTower.from_pretrained(checkpoint / "model", device=device, dtype=torch.float32)
    if settings.sequence_length % model.config.trained_block_size:
        width = model.config.trained_block_size
        raise InputError("sequence_length", settings.sequence_length, f"a multiple of the block, {width}")
    losses: dict[str, float] = {}
    for stage in (CONTEXT, DENOISER):
        resuming = checkpoint is not None and stage == at_stage
        if stage == DENOISER and not resuming:
            start_denoiser(model)
        trainer = Trainer(model, stage, settings, train_data, valid, folder)
        if stage == CONTEXT and at_stage == DENOISER:
            losses[stage] = trainer.validate()
            continue
        if resuming and checkpoint is not None:
            trainer.restore(checkpoint, at_step)
        losses[stage] = trainer.run()
    return model.eval(), losses


def _place(checkpoint: Path, settings: TrainingSettings) -> tuple[str, int]:
    """Stage and step of a checkpoint. Raises InputError where other settings would contradict what has been done."""
    progress = json.loads((checkpoint / "progress.json").read_text(encoding="utf-8"))
    fixed = ["batch_size", "sequence_length", "seed"]
    if progress["stage"] == DENOISER:
        fixed.append("context_steps")  # that stage has ended
        if progress["step"] == progress["settings"]["denoiser_steps"]:
            fixed.append("denoiser_steps")
    for name in fixed:
        begun = progress["settings"][name]
        if getattr(settings, name) != begun:
            raise InputError(name, getattr(settings, name), f"{begun}, with which the run to resume was begun")
    return progress["stage"], progress["step"]


def seconds_spent(folder: Path) -> float:
    """Seconds of every training step a run has logged."""
    with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
        return sum(float(row["seconds"]) for row in csv.DictReader(file) if row["seconds"])


def _append(path: Path, row: dict[str, object]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)
