"""From two text files to a model folder that loads and writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from twotower.model.configuration import TwoTowerConfig
from twotower.model.twotower import TwoTower
from twotower.sampling import SamplingSettings, generate
from twotower.text import decode, encode_prompt
from twotower.trace import Trace
from twotower.training.card import model_card
from twotower.training.loop import TrainingSettings
from twotower.training.recipe import build, embedded_config


def stories(count: int) -> str:
    return "".join(f"One day, Tom found {n} red balls and ran home.\n<|endoftext|>\n" for n in range(count))


def test_files_to_a_model_that_writes(tiny_config: TwoTowerConfig, tmp_path: Path) -> None:
    train_file, valid_file = tmp_path / "train.txt", tmp_path / "valid.txt"
    train_file.write_text(stories(120), encoding="utf-8")
    valid_file.write_text(stories(40), encoding="utf-8")
    settings = TrainingSettings(context_steps=3, denoiser_steps=3, batch_size=2, sequence_length=64, save_every=3)
    shape = replace(tiny_config, vocab_size=300, trained_block_size=16)
    model, record = build([train_file], [valid_file], tmp_path / "run", settings, torch.device("cpu"), 300, shape)
    assert record.files == (("train.txt", 120),)
    assert record.validation_files == (("valid.txt", 40),)
    assert record.hours > 0
    assert set(record.losses) == {"context", "denoiser"}
    model.save_pretrained(tmp_path / "out", dtype=torch.bfloat16)
    loaded = TwoTower.from_pretrained(tmp_path / "out")
    events = generate(
        loaded, encode_prompt(loaded, "One day"), "diffusion", SamplingSettings(max_new_tokens=20, seed=0)
    )
    assert isinstance(decode(loaded.tokenizer, Trace.record(events).token_ids), str)
    card = model_card("small", loaded, record, settings, ["Made up, CC0"], "python -m twotower train")
    for words in (
        "`train.txt`: 120 documents",
        "Made up, CC0",
        f"{record.losses['context']:.3f}",
        "license: apache-2.0",
    ):
        assert words in card


def test_the_embedded_shape_has_the_released_models_layer_kinds() -> None:
    config = embedded_config(2048)
    assert set(config.hybrid_override_pattern) == set("ME*")
    assert config.trained_block_size == 16
    assert config.mask_token_id == 3
