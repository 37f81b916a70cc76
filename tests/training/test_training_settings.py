"""What a recipe refuses, by name."""

from __future__ import annotations

import pytest

from twotower.errors import InputError
from twotower.training.settings import STAGES, TrainingSettings


@pytest.mark.parametrize("value", [0, -1])
@pytest.mark.parametrize(
    "name", ["context_steps", "denoiser_steps", "parallel_steps", "batch_size", "sequence_length", "save_every"]
)
def test_settings_below_one_are_named(name: str, value: int) -> None:
    with pytest.raises(InputError, match=f"{name} is {value}; allowed: .*at least 1"):
        TrainingSettings(**{name: value})


@pytest.mark.parametrize("name", ["seed", "retold"])
def test_seed_and_retold_may_be_nothing_and_not_less(name: str) -> None:
    assert getattr(TrainingSettings(**{name: 0}), name) == 0
    with pytest.raises(InputError, match=f"{name} is -1; allowed: .*at least 0"):
        TrainingSettings(**{name: -1})


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5, float("nan")])
def test_tasks_are_a_part_of_the_windows_and_never_all(share: float) -> None:
    assert TrainingSettings(task_share=0.0).task_share == 0
    with pytest.raises(InputError, match="task_share"):
        TrainingSettings(task_share=share)


def test_every_stage_has_its_steps_and_its_rate() -> None:
    settings = TrainingSettings(
        context_steps=1,
        denoiser_steps=2,
        parallel_steps=3,
        context_rate=0.1,
        denoiser_rate=0.2,
        parallel_rate=0.3,
        batch_size=5,
        sequence_length=7,
    )
    assert [settings.steps(stage) for stage in STAGES] == [1, 2, 3]
    assert [settings.rate(stage) for stage in STAGES] == [0.1, 0.2, 0.3]
    assert settings.tokens_per_step == 35
