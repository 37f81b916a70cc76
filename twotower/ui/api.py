"""The named endpoint `/generate`: a whole trace as JSON. Knows the request and the worker; knows no widgets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from twotower.pins import check_lane
from twotower.ui.engine import Engine
from twotower.ui.errors import plain_errors
from twotower.ui.race import whole_trace
from twotower.ui.request import read_request


def register_api(engine: Engine, lanes: Sequence[str], queue: dict[str, Any]) -> None:
    """Add the endpoint to the page being built."""

    def generate(
        prompt: str,
        lane: str = "diffusion",
        max_new_tokens: int = 128,
        block_size: int = 16,
        steps_per_block: int = 16,
        threshold: float = 0.8,
        temperature: float = 0.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = -1,
        unmasking: str = "threshold",
        factor: float = 1.0,
        entropy_bound: float = 0.1,
        kl_bound: float = 0.01,
        ar_anchor: bool = False,
        draft_passes: int = 0,
        accept_from: float = 1.0,
        pins: tuple[str, ...] = (),
    ) -> dict:
        """Run one lane and return its trace: schema, every event with its times, and the text.

        Lanes: diffusion, autoregressive, verify, mock-ar. Unmasking rules: threshold, fixed, factor, entropy,
        stability. Pins, in lane diffusion, are POSITION:TEXT each: "13: cat" puts " cat" into slot 13, counted from 1.
        A seed of -1 draws one; the first event says which was used.
        """
        values: dict[str, object] = {
            "max_new_tokens": max_new_tokens,
            "block_size": block_size,
            "steps_per_block": steps_per_block,
            "threshold": threshold,
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "seed": seed,
            "unmasking": unmasking,
            "factor": factor,
            "entropy_bound": entropy_bound,
            "kl_bound": kl_bound,
            "ar_anchor": ar_anchor,
            "draft_passes": draft_passes,
            "accept_from": accept_from,
        }
        with plain_errors():
            request = read_request(prompt, lane, values, lanes, engine.config.trained_block_size, pins=pins)
            check_lane(request.lanes[0], request.pins)
            return whole_trace(engine.model(), engine.worker, request)

    gr.api(generate, api_name="generate", **queue)
