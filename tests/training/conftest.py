"""Made-up stories, a tokenizer that knows them and the words of the tasks."""

from __future__ import annotations

from itertools import islice

import pytest
from transformers import PreTrainedTokenizerFast

from twotower.training.data import train_tokenizer
from twotower.training.tasks import TASKS, instances


@pytest.fixture(scope="session")
def stories() -> list[str]:
    """60 short stories, all different."""
    return [
        f"One day, {name} found {count} red balls. They were near the old house."
        for name in ("Tom", "Lily", "Max")
        for count in range(20)
    ]


@pytest.fixture(scope="session")
def tokenizer(stories: list[str]) -> PreTrainedTokenizerFast:
    asked = [instance for task in TASKS for instance in islice(instances(task, "words", held_out=False), 100)]
    return train_tokenizer([*stories, *(instance.prompt + instance.answer for instance in asked)], 600)
