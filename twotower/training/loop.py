"""The training run, stage after stage: context tower, denoiser as its copy, denoiser for parallel decoding.

Stops at any step and resumes at the last saved one. Knows ids and losses; knows no text.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from twotower.errors import InputError
from twotower.model.twotower import TwoTower
from twotower.training import checkpoints
from twotower.training.balance import LoadBalancer
from twotower.training.data import Batches
from twotower.training.schedule import wsd
from twotower.training.settings import CONTEXT, DENOISER, STAGES, TrainingSettings
from twotower.training.stages import stage_loss, start_denoiser, trained_parameters, trained_tower

_VALIDATION_BATCHES = 16


@dataclass(frozen=True)
class Course:
    """What one stage reads: batches to train on, and held-out ones of each kind of text."""

    train: Batches
    valid: Mapping[str, Batches]


class Trainer:
    """One stage of a run: the parameters it moves, their average, its optimizer, its place in the data."""

    def __init__(self, model: TwoTower, stage: str, settings: TrainingSettings, course: Course, folder: Path) -> None:
        self.model, self.stage, self.settings, self.course, self.folder = model, stage, settings, course, folder
        self.steps, self.rate = settings.steps(stage), settings.rate(stage)
        self.step = 0
        self.parameters = trained_parameters(model, stage)
        self.average = {name: parameter.detach().clone() for name, parameter in self.parameters.items()}
        model.requires_grad_(False)
        for parameter in self.parameters.values():
            parameter.requires_grad_(True)
        matrices = [p for p in self.parameters.values() if p.dim() >= 2]
        vectors = [p for p in self.parameters.values() if p.dim() < 2]
        groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=self.rate, betas=(0.9, 0.95), fused=True)
        self.balancer = LoadBalancer(trained_tower(model, stage), settings.balance_rate)

    def run(self) -> dict[str, float]:
        """Train to the last step; the model then holds the averaged weights. Returns their validation losses."""
        with tqdm(total=self.steps, initial=self.step, desc=f"{self.stage} stage", unit="step") as bar:
            while self.step < self.steps:
                began = time.perf_counter()
                loss, crowding = self._advance()
                seconds = time.perf_counter() - began
                bar.update(1)
                bar.set_postfix(loss=f"{loss:.3f}", crowding=f"{crowding:.1f}")
                self._log(loss=round(loss, 5), seconds=round(seconds, 4))
                if self.step % self.settings.save_every == 0 or self.step == self.steps:
                    losses = self.validate()
                    said = ", ".join(f"{kind} {value:.4f}" for kind, value in losses.items())
                    bar.write(f"{self.stage} step {self.step}: validation loss {said}")
                    self._log(**{f"validation_{kind}": round(value, 5) for kind, value in losses.items()})
                    self.save()
        self._take_average()
        return self._losses()

    def _advance(self) -> tuple[float, float]:
        settings = self.settings
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * wsd(self.step, self.steps, settings.warmup, settings.decay_fraction)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._loss(self.course.train[self.step], settings.seed * 1_000_003 + self.step)
        loss.backward()
        nn.utils.clip_grad_norm_(list(self.parameters.values()), settings.clip)
        self.optimizer.step()
        self.step += 1
        # Early on, an average over the whole span would still be full of the first weights.
        keep = min(settings.averaging, self.step / (self.step + 10))
        torch._foreach_lerp_(list(self.average.values()), [p.detach() for p in self.parameters.values()], 1 - keep)
        return float(loss.detach()), self.balancer.update()

    def _loss(self, batch: tuple[Tensor, Tensor], noise_seed: int) -> Tensor:
        ids, counted = (part.to(self.model.device) for part in batch)
        with torch.autocast(ids.device.type, dtype=torch.bfloat16):
            return stage_loss(self.model, self.stage, ids, counted, torch.Generator().manual_seed(noise_seed))

    def validate(self) -> dict[str, float]:
        """Mean loss of the averaged weights over fixed held-out batches of each kind, the same noise every time."""
        current = {name: parameter.detach().clone() for name, parameter in self.parameters.items()}
        self._take_average()
        losses = self._losses()
        for name, parameter in self.parameters.items():
            parameter.data.copy_(current[name])
        return losses

    @torch.no_grad()
    def _losses(self) -> dict[str, float]:
        losses = {}
        for kind, batches in self.course.valid.items():
            count = min(_VALIDATION_BATCHES, batches.distinct)
            losses[kind] = sum(float(self._loss(batches[i], i)) for i in range(count)) / count
        return losses

    def _take_average(self) -> None:
        for name, parameter in self.parameters.items():
            parameter.data.copy_(self.average[name])

    def _log(self, **figures: float) -> None:
        row: dict[str, object] = {
            "stage": self.stage,
            "step": self.step,
            "tokens": self.step * self.settings.tokens_per_step,
        }
        columns = ("loss", *(f"validation_{kind}" for kind in self.course.valid), "seconds")
        checkpoints.log(self.folder, {**row, **{name: figures.get(name, "") for name in columns}})

    def save(self) -> None:
        """Write everything that a restart needs."""
        checkpoints.save(self.folder, self.model, self.optimizer, self.average, self.stage, self.step, self.settings)

    def restore(self, checkpoint: Path, step: int) -> None:
        """Take up optimizer, average and place of a saved checkpoint (its weights are in the model already)."""
        self.step = step
        state = {**self.optimizer.state_dict(), "state": checkpoints.optimizer_state(checkpoint)}
        self.optimizer.load_state_dict(state)
        for parameter, entry in self.optimizer.state.items():
            for name, value in entry.items():
                if value.dim():  # the fused update walks memory: moments must lie as their parameter does
                    entry[name] = torch.empty_like(parameter).copy_(value)
        for name, tensor in checkpoints.average(checkpoint).items():
            self.average[name].copy_(tensor)


def train(
    start: Callable[[], TwoTower],
    settings: TrainingSettings,
    course_of: Callable[[str, TwoTower], Course],
    folder: Path,
    device: torch.device,
    first: str = CONTEXT,
) -> tuple[TwoTower, dict[str, dict[str, float]]]:
    """The stages from `first` on, from `start()` or from where `folder` stopped.

    Returns the model and each stage's validation losses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = checkpoints.find(folder)
    at_stage, at_step = first, 0
    if checkpoint is None:
        model = start().to(device)
    else:
        at_stage, at_step = checkpoints.place(checkpoint, settings)
        model = TwoTower.from_pretrained(checkpoint / "model", device=device, dtype=torch.float32)
    width = model.config.trained_block_size
    if settings.sequence_length % width or settings.sequence_length < 2 * width:
        raise InputError(
            "sequence_length", settings.sequence_length, f"a multiple of the block, {width}, and two or more"
        )
    losses = checkpoints.losses(folder)
    for stage in STAGES[STAGES.index(at_stage) :]:
        resuming = checkpoint is not None and stage == at_stage
        if stage == DENOISER and not resuming:
            start_denoiser(model)
        trainer = Trainer(model, stage, settings, course_of(stage, model), folder)
        if resuming and checkpoint is not None:
            trainer.restore(checkpoint, at_step)
        losses[stage] = trainer.run()
    return model.eval(), losses
