"""The embedded model's shape and the whole way from text files to a model folder."""

from __future__ import annotations

from pathlib import Path

import torch

from twotower.model.configuration import TwoTowerConfig
from twotower.model.twotower import TwoTower
from twotower.training.data import Batches, encode, read_documents, train_tokenizer
from twotower.training.loop import TrainingSettings, new_model, train


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
) -> tuple[TwoTower, dict[str, float]]:
    """Train both towers on the files in `folder`, resuming what stands there; returns the model and its losses."""
    folder.mkdir(parents=True, exist_ok=True)
    documents, held_out = read_documents(train_files), read_documents(validation_files)
    tokens = folder / "tokenizer"
    if not (tokens / "tokenizer.json").is_file():
        train_tokenizer(documents, vocab_size).save_pretrained(tokens)
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast.from_pretrained(tokens)
    shape = config if config is not None else embedded_config(len(tokenizer))
    length, size = settings.sequence_length, settings.batch_size
    batches = Batches(encode(documents, tokenizer), length, size, settings.seed)
    valid = Batches(encode(held_out, tokenizer), length, size, seed=0)
    model, losses = train(lambda: new_model(shape, settings.seed).to(device), settings, batches, valid, folder)
    model.folder = tokens
    return model, losses
