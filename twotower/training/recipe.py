"""The embedded model's shape and the whole way from text files to a model folder."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast

from twotower.errors import InputError
from twotower.model.configuration import TwoTowerConfig
from twotower.model.twotower import TwoTower
from twotower.training.card import TrainingRecord
from twotower.training.data import Batches, encode, read_documents, train_tokenizer
from twotower.training.loop import TrainingSettings, new_model, seconds_spent, train


def embedded_config(vocab_size: int) -> TwoTowerConfig:
    """The released model's layer kinds at a size that feels instant on two CPU cores."""
    return TwoTowerConfig(
        hybrid_override_pattern="MEM*EMEM*E",
        vocab_size=vocab_size,
        hidden_size=192,
        num_attention_heads=6,
        num_key_value_heads=2,
        head_dim=32,
        mamba_num_heads=12,
        mamba_head_dim=32,
        n_groups=2,
        ssm_state_size=32,
        chunk_size=64,
        n_routed_experts=8,
        num_experts_per_tok=2,
        moe_intermediate_size=128,
        moe_shared_expert_intermediate_size=256,
        routed_scaling_factor=2.5,
        max_position_embeddings=2048,
    )


def build(
    train_files: list[Path],
    validation_files: list[Path],
    folder: Path,
    settings: TrainingSettings,
    device: torch.device,
    vocab_size: int = 2048,
    config: TwoTowerConfig | None = None,
) -> tuple[TwoTower, TrainingRecord]:
    """Train both towers on the files in `folder`, resuming what stands there."""
    documents = {file.name: read_documents([file]) for file in train_files}
    held_out = {file.name: read_documents([file]) for file in validation_files}
    everything = [text for texts in documents.values() for text in texts]
    tokenizer = _tokenizer(folder / "tokenizer", everything, vocab_size)
    stream = encode(everything, tokenizer)
    valid_stream = encode([text for texts in held_out.values() for text in texts], tokenizer)
    length, size = settings.sequence_length, settings.batch_size
    shape = config if config is not None else embedded_config(len(tokenizer))
    model, losses = train(
        lambda: new_model(shape, settings.seed),
        settings,
        Batches(stream, length, size, settings.seed),
        Batches(valid_stream, length, size, seed=0),
        folder,
        device,
    )
    model.folder = folder / "tokenizer"
    record = TrainingRecord(
        files=tuple((name, len(texts)) for name, texts in documents.items()),
        validation_files=tuple((name, len(texts)) for name, texts in held_out.items()),
        tokens=len(stream),
        validation_tokens=len(valid_stream),
        losses=losses,
        hours=seconds_spent(folder) / 3600,
        device=_device_name(device),
    )
    return model, record


def _tokenizer(folder: Path, documents: list[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """The run's tokenizer, trained the first time; small texts may give fewer tokens than asked for."""
    asked = folder / "asked.json"
    if not asked.is_file():
        train_tokenizer(documents, vocab_size).save_pretrained(folder)
        asked.write_text(json.dumps({"vocab_size": vocab_size}) + "\n", encoding="utf-8")
    begun = json.loads(asked.read_text(encoding="utf-8"))["vocab_size"]
    if begun != vocab_size:
        raise InputError("vocab_size", vocab_size, f"{begun}, with which the run to resume was begun")
    return PreTrainedTokenizerFast.from_pretrained(folder)


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{torch.get_num_threads()} CPU threads"
