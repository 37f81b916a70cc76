"""The model card: what the weights were trained on, how, how well they do, and what they cannot. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from twotower.model.twotower import TwoTower
from twotower.training.loop import CONTEXT, DENOISER, TrainingSettings


@dataclass(frozen=True)
class TrainingRecord:
    """What a finished run measured about itself."""

    files: tuple[tuple[str, int], ...]  # (name, documents)
    validation_files: tuple[tuple[str, int], ...]
    tokens: int  # in the training files
    validation_tokens: int
    losses: dict[str, float]  # by stage, on the validation files
    hours: float  # spent in training steps, both stages
    device: str


def model_card(
    name: str,
    model: TwoTower,
    record: TrainingRecord,
    settings: TrainingSettings,
    credits: Sequence[str],
    command: str,
) -> str:
    """Markdown with the front matter of the Hugging Face Hub."""
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
| vocabulary | {config.vocab_size} byte-level BPE tokens; `<mask>` is {config.mask_token_id}, the end token 2 |
| block | trained to unmask {config.trained_block_size} slots |
| longest text | {config.max_position_embeddings} tokens; trained on windows of {settings.sequence_length} |

## Data

{_files(record.files)}

{record.tokens:,} tokens in all. Held out for validation, never trained on: {_names(record.validation_files)}
({record.validation_tokens:,} tokens).
{_credits(credits)}
{_training(record, settings)}

## Limits

It writes short children's stories in simple English and knows nothing else: no facts, no instructions, no other
language. Stories lose their thread and repeat themselves. It is a model to watch, not to rely on.
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


def _stage(settings: TrainingSettings, record: TrainingRecord, stage: str) -> str:
    steps = settings.context_steps if stage == CONTEXT else settings.denoiser_steps
    return f"{steps:,} | {steps * settings.tokens_per_step:,} | {record.losses[stage]:.3f}"


def _training(record: TrainingRecord, settings: TrainingSettings) -> str:
    return f"""## Training

| stage | objective | steps | tokens read | validation loss (nats a token) |
|---|---|---|---|---|
| context tower | next token | {_stage(settings, record, CONTEXT)} |
| denoiser tower | masked tokens of a block, context tower frozen | {_stage(settings, record, DENOISER)} |

{settings.batch_size} windows of {settings.sequence_length} tokens a step, AdamW,
bfloat16 autocast over float32 weights, {record.hours:.1f} hours on {record.device}.
The two losses are of different tasks: the denoiser's is the mean over masked tokens, with masking rates spread evenly
from 0 to 1."""
