"""Our AR lane against the peer: same weights, prompt and number of tokens, one after the other, in alternation.

Both are timed on the wall clock from when the first new token is there to when the last one is, so neither pays for its
prefill, nor for what it sets up before it. Ours records no candidates, as theirs records none.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from twotower.benchmark.figures import PeerFigure
from twotower.benchmark.peers import Peer
from twotower.benchmark.reading import prompt_of
from twotower.benchmark.shapes import random_model
from twotower.model.configuration import TwoTowerConfig
from twotower.model.setup import Setup
from twotower.model.twotower import TwoTower
from twotower.race import Spread, collector_at_rest, warm_up
from twotower.sampling.events import TokenDecoded
from twotower.sampling.generate import generate
from twotower.sampling.settings import SamplingSettings

NEW_TOKENS = 48


def _made_up(size: int, experts: int) -> TwoTowerConfig:
    """Every kind of layer, in the released model's proportions where a laptop allows them."""
    return TwoTowerConfig(
        "ME*M-E",
        vocab_size=1024,
        hidden_size=size,
        num_attention_heads=size // 64,
        num_key_value_heads=2,
        head_dim=64,
        mamba_num_heads=size // 32,
        mamba_head_dim=64,
        n_groups=8,
        ssm_state_size=128,
        n_routed_experts=experts,
        num_experts_per_tok=4,
        moe_intermediate_size=size // 2,
        moe_shared_expert_intermediate_size=size,
        intermediate_size=2 * size,
        routed_scaling_factor=2.5,
        max_position_embeddings=2048,
    )


MADE_UP = {"hidden 512, 32 experts": _made_up(512, 32), "hidden 1024, 16 experts": _made_up(1024, 16)}


def peer_figures(model: TwoTower, repeats: int) -> list[PeerFigure]:
    """The model itself, where its device has room for a second copy, then larger shapes with random weights."""
    found = [against_peer(model, model.name, repeats)] if has_room(model) else []
    for name, config in MADE_UP.items():
        larger = random_model(Setup(config, model.device, model.device, model.dtype, model.engine.name))
        found.append(against_peer(larger, name, repeats))
    return found


def against_peer(model: TwoTower, size: str, repeats: int, tokens: int = NEW_TOKENS) -> PeerFigure:
    """One size."""
    prompt = prompt_of(model)[1]
    settings = SamplingSettings(tokens, candidates=0, seed=0, end_token_ids=())
    peer = Peer(model)
    if model.config.moe_layers:
        peer.choose_experts(prompt)
    warm_up(model, settings, prompt, ["autoregressive"])
    peer.run(prompt, 2)
    ours: list[float] = []
    theirs: list[float] = []
    written: tuple[list[int], list[int]] = ([], [])
    for repeat in range(repeats):
        with collector_at_rest():
            if repeat % 2 == 0:
                our = _our_run(model, prompt, settings)
                their = peer.run(prompt, tokens)
            else:
                their = peer.run(prompt, tokens)
                our = _our_run(model, prompt, settings)
        ours.append(our[0])
        theirs.append(their[0])
        written = our[1], their[1]
    return PeerFigure(
        size=size,
        parameters=model.parameters_per_tower(),
        experts_by=peer.experts_by,
        ours=Spread.of(ours),
        theirs=Spread.of(theirs),
        ratio=Spread.of([slow / fast for fast, slow in zip(ours, theirs)]),
        tokens=tokens,
        agreed=agreed(*written),
    )


def has_room(model: TwoTower) -> bool:
    """Whether the device can hold the context tower once more."""
    if model.device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(model.device)
    return free > 1.1 * model.parameters_per_tower() * model.dtype.itemsize


def agreed(ours: Sequence[int], theirs: Sequence[int]) -> int:
    """Tokens up to the first that differs."""
    different = (place for place, (our, their) in enumerate(zip(ours, theirs)) if our != their)
    return next(different, min(len(ours), len(theirs)))


def _our_run(model: TwoTower, prompt: Sequence[int], settings: SamplingSettings) -> tuple[float, list[int]]:
    """As `Peer.run`."""
    times: list[float] = []
    ids: list[int] = []
    for event in generate(model, prompt, "autoregressive", settings):
        if isinstance(event, TokenDecoded):
            times.append(time.perf_counter())
            ids.append(event.id)
    return (times[-1] - times[0]) / (len(times) - 1), ids
