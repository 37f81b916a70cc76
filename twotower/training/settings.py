"""The recipe of a training run in numbers, validated once."""

from __future__ import annotations

from dataclasses import dataclass

from twotower.errors import InputError

CONTEXT, DENOISER, PARALLEL = "context", "denoiser", "parallel"
STAGES = (CONTEXT, DENOISER, PARALLEL)


@dataclass(frozen=True)
class TrainingSettings:
    """One recipe for all stages. A step reads batch_size windows of sequence_length tokens, or twice as many tasks."""

    context_steps: int = 12000
    denoiser_steps: int = 3000
    parallel_steps: int = 6000
    batch_size: int = 8
    sequence_length: int = 256
    task_share: float = 0.6  # of the batches; they hold twice batch_size tasks, the others text
    retold: int = 8000  # texts that the context tower writes for the last stage
    context_rate: float = 3e-3
    denoiser_rate: float = 2e-3
    parallel_rate: float = 1.5e-3
    warmup: int = 100
    decay_fraction: float = 0.25
    averaging: float = 0.998  # of the weights that are kept, an exponential moving average over steps
    weight_decay: float = 0.1
    clip: float = 1.0
    balance_rate: float = 1e-3
    save_every: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        for name in (*(f"{stage}_steps" for stage in STAGES), "batch_size", "sequence_length", "save_every"):
            if getattr(self, name) < 1:
                raise InputError(name, getattr(self, name), "a whole number of at least 1")
        for name in ("seed", "retold"):
            if getattr(self, name) < 0:
                raise InputError(name, getattr(self, name), "a whole number of at least 0")
        if 0 < self.retold < self.batch_size:
            raise InputError("retold", self.retold, f"0, or at least batch_size ({self.batch_size})")
        if not 0 <= self.task_share < 1:
            raise InputError("task_share", self.task_share, "a number from 0 up to 1, 1 left out")

    @property
    def tokens_per_step(self) -> int:
        """Tokens of text one optimizer step reads; a batch of tasks is about as long."""
        return self.batch_size * self.sequence_length

    def steps(self, stage: str) -> int:
        """Optimizer steps of a stage."""
        return getattr(self, f"{stage}_steps")

    def rate(self, stage: str) -> float:
        """Peak learning rate of a stage."""
        return getattr(self, f"{stage}_rate")
