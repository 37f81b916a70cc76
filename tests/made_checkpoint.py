"""Checkpoints in the official layout with random weights: the released model's at a fortieth of its widths."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import torch
from released import RELEASED

from twotower import DEFAULT_MODEL
from twotower.benchmark.shapes import random_model
from twotower.model.configuration import TwoTowerConfig
from twotower.model.setup import Setup, Wanted

SHARDS = 24
# 52 layers of the released pattern, 128 experts of which 6 are chosen; widths about 1/40 of the released ones, and the
# vocabulary that of the embedded model, whose tokenizer it borrows.
SMALL = replace(
    RELEASED,
    vocab_size=1024,
    hidden_size=64,
    num_attention_heads=8,
    num_key_value_heads=2,
    head_dim=8,
    mamba_num_heads=8,
    mamba_head_dim=8,
    n_groups=4,
    ssm_state_size=16,
    moe_intermediate_size=48,
    moe_shared_expert_intermediate_size=96,
    max_position_embeddings=4096,
)
CARD = """---
license: other
license_name: nvidia-open-model-license
license_link: >-
  https://www.nvidia.com/en-us/agreements/enterprise-software/nvidia-open-model-license/
---
# Made of random numbers
"""


def make_checkpoint(folder: Path, config: TwoTowerConfig = SMALL, shards: int = SHARDS) -> Path:
    """Write it in bfloat16, in so many shards with an index, experts one by one; gives the folder."""
    model = random_model(Setup.find(config, Wanted(dtype="bfloat16")))
    nbytes = sum(tensor.nbytes for tensor in model.state_dict().values())
    widest = max(tensor.nbytes for name, tensor in model.state_dict().items() if ".experts." not in name)
    model.save_pretrained(folder, dtype=torch.bfloat16, shard_bytes=nbytes // shards + widest)
    shutil.copyfile(DEFAULT_MODEL / "tokenizer.json", folder / "tokenizer.json")
    shutil.copyfile(DEFAULT_MODEL / "tokenizer_config.json", folder / "tokenizer_config.json")
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    (folder / "modeling_twotower.py").write_text("raise SystemExit('code of a repository was run')\n", encoding="utf-8")
    return folder
