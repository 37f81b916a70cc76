"""The embedded model's shape and the whole way from text files to a model folder."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from transformers import PreTrainedTokenizerFast

from twotower.errors import InputError
from twotower.model.configuration import TwoTowerConfig
from twotower.model.device import machine_name
from twotower.model.twotower import TwoTower
from twotower.training.card import TrainingRecord
from twotower.training.checkpoints import seconds_spent
from twotower.training.data import Batches, Mixture, Rows, TaskBatches, Windows, encode, read_documents, train_tokenizer
from twotower.training.loop import Course, train
from twotower.training.retelling import retell
from twotower.training.settings import CONTEXT, PARALLEL, TrainingSettings
from twotower.training.stages import new_model
from twotower.training.tasks import CONTEXT_TURNS, DENOISER_TURNS, TASKS, instances

WIDTH, UNITS = 192, 4  # the embedded model's; its card says what others cost and learn
WIDTH_STEP = 96  # heads, groups and experts divide it, and rows stay multiples of 16 bytes in bfloat16
_TASK_SAMPLE = 1000  # instances of each task that the tokenizer learns words from


def embedded_config(vocab_size: int, width: int = WIDTH, units: int = UNITS) -> TwoTowerConfig:
    """The released model's layer kinds at a size that feels instant on two CPU cores.

    A unit is a Mamba-2, an attention and a mixture-of-experts layer. Raises InputError naming width or units.
    """
    if width < WIDTH_STEP or width % WIDTH_STEP:
        raise InputError("width", width, f"a multiple of {WIDTH_STEP}")
    if units < 1:
        raise InputError("units", units, "a whole number of at least 1")
    return TwoTowerConfig(
        hybrid_override_pattern="M*E" * units,
        vocab_size=vocab_size,
        hidden_size=width,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=width // 4,
        mamba_num_heads=width // 16,
        mamba_head_dim=32,
        n_groups=2,
        ssm_state_size=32,
        chunk_size=32,
        n_routed_experts=8,
        num_experts_per_tok=2,
        moe_intermediate_size=width // 3,
        moe_shared_expert_intermediate_size=4 * width // 3,
        routed_scaling_factor=2.5,
        max_position_embeddings=2048,
    )


def build(
    train_files: list[Path],
    validation_files: list[Path],
    folder: Path,
    settings: TrainingSettings,
    device: torch.device,
    vocab_size: int = 1024,
    config: TwoTowerConfig | None = None,
    begin_with: TwoTower | None = None,
    first: str = CONTEXT,
) -> tuple[TwoTower, TrainingRecord]:
    """Train on the files and on tasks in `folder`, resuming what stands there.

    The config's vocabulary becomes the tokenizer's.
    From nothing, or from stage `first` on with the weights and the tokenizer of the model to `begin_with`.
    """
    documents = {file.name: read_documents([file]) for file in train_files}
    held_out = {file.name: read_documents([file]) for file in validation_files}
    everything = [text for texts in documents.values() for text in texts]
    if begin_with is None:
        tokenizer = _tokenizer(folder / "tokenizer", everything, vocab_size)
    else:
        tokenizer = begin_with.tokenizer
        tokenizer.save_pretrained(folder / "tokenizer")
    text = encode(everything, tokenizer)
    valid_text = encode([text for texts in held_out.values() for text in texts], tokenizer)
    size, seed = settings.batch_size, settings.seed
    shape = replace(config if config is not None else embedded_config(vocab_size), vocab_size=len(tokenizer))
    if begin_with is not None:
        shape = begin_with.config
    block = shape.trained_block_size
    valid: dict[str, Batches] = {"text": Windows(valid_text, settings.sequence_length, size, seed=0)}
    if settings.task_share:
        # The same tasks for every stage, so that a tower and its copy can be compared.
        valid["tasks"] = TaskBatches(tokenizer, 2 * size, seed=0, held_out=True, turns=CONTEXT_TURNS, block=block)

    def course_of(stage: str, model: TwoTower) -> Course:
        own: Batches = Windows(text, settings.sequence_length, size, seed)
        if stage == PARALLEL and settings.retold:
            own = Rows(*_retold(folder, model, everything, tokenizer, settings), size, seed)
        turns = CONTEXT_TURNS if stage == CONTEXT else DENOISER_TURNS
        tasks = TaskBatches(tokenizer, 2 * size, seed, held_out=False, turns=turns, block=block)
        return Course(Mixture(own, tasks, settings.task_share) if settings.task_share else own, valid)

    def start() -> TwoTower:
        return begin_with if begin_with is not None else new_model(shape, seed)

    began_with = begin_with.name if begin_with is not None else None  # of the folder it came from, not of this run's
    model, losses = train(start, settings, course_of, folder, device, first)
    model.folder = folder / "tokenizer"
    record = TrainingRecord(
        files=tuple((name, len(texts)) for name, texts in documents.items()),
        validation_files=tuple((name, len(texts)) for name, texts in held_out.items()),
        tokens=len(text),
        validation_tokens=len(valid_text),
        losses=losses,
        hours=seconds_spent(folder) / 3600,
        device=machine_name(device),
        began_with=began_with,
    )
    return model, record


def _retold(
    folder: Path,
    model: TwoTower,
    documents: list[str],
    tokenizer: PreTrainedTokenizerFast,
    settings: TrainingSettings,
) -> tuple[np.ndarray, np.ndarray]:
    """The context tower's own text, written once in a run."""
    kept = folder / "retold.safetensors"
    if not kept.is_file():
        ids, counted = retell(model, documents, tokenizer, settings.retold, settings.sequence_length, settings.seed)
        save_file({"ids": ids, "counted": counted}, kept.with_suffix(".part"))
        kept.with_suffix(".part").rename(kept)  # a crash leaves no half a file to go on from
    rows = load_file(kept)
    return rows["ids"], rows["counted"]


def _tokenizer(folder: Path, documents: list[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """The run's tokenizer, trained the first time; small texts may give fewer tokens than asked for."""
    asked = folder / "asked.json"
    if not asked.is_file():
        sample = [asked for task in TASKS for asked in islice(instances(task, "words", held_out=False), _TASK_SAMPLE)]
        words = [*documents, *(instance.prompt + instance.answer for instance in sample)]
        train_tokenizer(words, vocab_size).save_pretrained(folder)
        asked.write_text(json.dumps({"vocab_size": vocab_size}) + "\n", encoding="utf-8")
    begun = json.loads(asked.read_text(encoding="utf-8"))["vocab_size"]
    if begun != vocab_size:
        raise InputError("vocab_size", vocab_size, f"{begun}, with which the run to resume was begun")
    return PreTrainedTokenizerFast.from_pretrained(folder)
