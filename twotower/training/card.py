"""The model card: what the weights were trained on, how, how well they do, and what they cannot. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from twotower.model.twotower import TwoTower
from twotower.training.settings import CONTEXT, DENOISER, PARALLEL, STAGES, TrainingSettings
from twotower.training.tasks import HELD_OUT_SHARE, TASKS

OBJECTIVES = {
    CONTEXT: "context tower: next token",
    DENOISER: "denoiser tower, a copy of it: masked tokens of a block (the paper's objective)",
    PARALLEL: "denoiser tower: two steps of its own decoding, on stories the context tower wrote",
}


@dataclass(frozen=True)
class TrainingRecord:
    """What a finished run measured about itself."""

    files: tuple[tuple[str, int], ...]  # (name, documents)
    validation_files: tuple[tuple[str, int], ...]
    tokens: int  # in the training files
    validation_tokens: int
    losses: dict[str, dict[str, float]]  # by stage and kind of text, held out
    hours: float  # spent in training steps, all stages
    device: str
    began_with: str | None = None  # the model whose weights the first of these stages found


def model_card(
    name: str,
    model: TwoTower,
    record: TrainingRecord,
    settings: TrainingSettings,
    credits: Sequence[str],
    command: str,
) -> str:
    """Markdown with the front matter of the Hugging Face Hub; `evaluate --markdown` fills in its table."""
    config = model.config
    size = model.parameters_per_tower() / 1e6
    return f"""---
license: apache-2.0
language: en
pipeline_tag: text-generation
tags: [diffusion, mask-diffusion, mamba2, mixture-of-experts]
---
# {name}

A small two-tower diffusion language model in the checkpoint layout of NVIDIA's Nemotron-Labs-TwoTower, trained from
nothing for the `twotower` demo. No weights of NVIDIA's are in it.

| | |
|---|---|
| towers | context tower (autoregressive, frozen after its stage) and denoiser tower (started as its copy) |
| parameters | {size:.2f} M a tower with its head |
| layers | `{config.hybrid_override_pattern}` (M Mamba-2, E mixture of experts, * attention) |
| width | {config.hidden_size} |
| vocabulary | {config.vocab_size} byte-level BPE tokens, digits single; `<mask>` is {config.mask_token_id}, the end 2 |
| block | trained to unmask {config.trained_block_size} slots |
| longest text | {config.max_position_embeddings} tokens; trained on windows of {settings.sequence_length} |

## How well it does

<!-- evaluation -->
Not measured yet: `python -m twotower evaluate --model FOLDER --markdown FOLDER/README.md` writes the table here.
<!-- /evaluation -->

## Data

{_files(record.files)}

{record.tokens:,} tokens in all. Held out for validation, never trained on: {_names(record.validation_files)}
({record.validation_tokens:,} tokens).
{_credits(credits)}{_tasks(settings)}
{_training(record, settings)}

![Loss against tokens read](curves.svg)

## Limits

It writes text like what it was trained on, and solves tasks only in the words they were trained in. It knows nothing
else: no facts, no instructions, no other language. Its texts lose their thread and repeat themselves. It is a model to
watch, not to rely on.
The denoiser tower was never trained to predict one token at a time, so the mock-AR lane is much worse here than with
the released model; blocks wider than {config.trained_block_size} are outside of what it has seen.

## Train it again

```
{command}
```
"""


def _files(files: Sequence[tuple[str, int]]) -> str:
    return "\n".join(f"- `{name}`: {documents:,} documents" for name, documents in files)


def _names(files: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"`{name}`" for name, _ in files)


def _credits(credits: Sequence[str]) -> str:
    return "\n" + "\n".join(f"- {credit}" for credit in credits) + "\n" if credits else ""


def _tasks(settings: TrainingSettings) -> str:
    if not settings.task_share:
        return ""
    return f"""
{settings.task_share:.0%} of the batches are tasks that the training command makes: {", ".join(TASKS)}.
One instance in {HELD_OUT_SHARE}, told by a checksum of its question, is held out and never trained on.
"""


def _training(record: TrainingRecord, settings: TrainingSettings) -> str:
    ran = [stage for stage in STAGES if stage in record.losses]
    kinds = list(record.losses[ran[0]])
    head = " | ".join(f"held-out {kind}" for kind in kinds)
    rows = [
        f"| {OBJECTIVES[stage]} | {settings.steps(stage):,} | {settings.steps(stage) * settings.tokens_per_step:,} | "
        + " | ".join(f"{record.losses[stage][kind]:.3f}" for kind in kinds)
        + " |"
        for stage in ran
    ]
    began = (
        [f"Began with the weights of `{record.began_with}`, whose own card tells what they went through.", ""]
        if record.began_with
        else []
    )
    return "\n".join(
        (
            "## Training",
            "",
            *began,
            f"| stage | steps | tokens read | {head} |",
            "|---|---:|---:|" + "---:|" * len(kinds),
            *rows,
            "",
            f"{settings.batch_size} windows of {settings.sequence_length} tokens a step; AdamW with warm-up, stable",
            f"rate and decay; averaged weights (EMA {settings.averaging}); experts balanced without an auxiliary loss;",
            f"bfloat16 autocast over float32 weights; {record.hours:.1f} hours on {record.device}. Losses are nats a",
            "token; those of different stages are of different tasks: the last one's is the sum over both steps.",
        )
    )
