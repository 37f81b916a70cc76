"""The five sentences of "How it works", with this model's numbers. Pure; knows no page and no run.

Each step names the event of the diffusion lane it speaks of, and the part of the stage that lights meanwhile.
"""

from __future__ import annotations

from twotower.model.configuration import TwoTowerConfig
from twotower.sampling.settings import SamplingSettings

Json = dict[str, object]


def tour(config: TwoTowerConfig, settings: SamplingSettings) -> Json:
    """`{"steps": [{"title", "text", "moment", "light"}, ...]}`; the block size is the one the model was trained on."""
    size, most = config.trained_block_size, settings.steps_per_block
    return {
        "steps": [
            _step(
                "Read the prompt",
                "The context tower reads the prompt once, from left to right: the prefill. "
                "Each layer that mixes tokens keeps a memory of it.",
                "Prefilled",
                "prompt",
            ),
            _step(
                "Open a block",
                f"A block of {size} masked slots opens. The denoiser tower sees all {size} at once, and, "
                "layer by layer, what the context tower remembers.",
                "BlockOpened",
                "block",
            ),
            _step(
                "Propose and commit",
                "The denoiser proposes a token for every mask at once. Tokens with a confidence above "
                f"{settings.threshold:g} are committed and stay; the other slots wait for the next pass. "
                f"Every pass commits at least one, and a block takes at most {most} passes.",
                "Denoised",
                "slots",
            ),
            _step(
                "Read the block",
                "The context tower reads the finished block in one causal pass and hands its longer memory on. "
                "The next block opens from there.",
                "ContextExtended",
                "context",
            ),
            _step(
                "Race",
                "Autoregression is the context tower alone: one pass for every token. A denoiser pass can cost several "
                "of those, so diffusion gains only where a pass commits enough tokens. The measured clock "
                "decides, and autoregression may win.",
                "Finished",
                "race",
            ),
        ]
    }


def _step(title: str, text: str, moment: str, light: str) -> Json:
    return {"title": title, "text": text, "moment": moment, "light": light}
