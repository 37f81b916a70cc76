"""`generate`: the one door to every lane. Checks what comes in, keeps the clock, ends a run that is told to stop."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence

import torch

from twotower.errors import InputError
from twotower.model.twotower import TwoTower
from twotower.sampling.autoregressive import autoregressive
from twotower.sampling.choice import Noise
from twotower.sampling.clock import Clock
from twotower.sampling.diffusion import mask_diffusion
from twotower.sampling.events import VERIFYING, Event, Finished, Started
from twotower.sampling.executor import Executor
from twotower.sampling.mock_ar import mock_ar
from twotower.sampling.passes import Lane, Request
from twotower.sampling.row import Row
from twotower.sampling.run import Run
from twotower.sampling.settings import PINNABLE, SamplingSettings
from twotower.sampling.verification import draft_and_verify

LANES: dict[str, Callable[[Run], Lane]] = {
    "diffusion": mask_diffusion,
    "autoregressive": autoregressive,
    VERIFYING: draft_and_verify,
    "mock-ar": mock_ar,
}


def generate(
    model: TwoTower,
    prompt_ids: Sequence[int],
    lane: str = "diffusion",
    settings: SamplingSettings | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    room: int = 0,
) -> Iterator[Event]:
    """Run one lane and yield its events, from Started to Finished.

    An empty prompt starts from the model's BOS token. `should_stop` is asked after every event, so a run ends within
    one pass of a True. `room` is for warming up: passes are captured for the room of a state, and a short run that asks
    for a longer one's, in tokens behind the prompt, meets its shapes. Raises InputError at once where prompt, lane or
    settings cannot be used.
    """
    settings = settings if settings is not None else SamplingSettings()
    clock = Clock(*model.devices)
    row = begin(model, prompt_ids, lane, settings, clock, room)
    return _drive(row, Executor(model, clock, settings.block_size), should_stop)


def begin(
    model: TwoTower, prompt_ids: Sequence[int], lane: str, settings: SamplingSettings, clock: Clock, room: int = 0
) -> Row:
    """A run that is ready to go, on a clock it may share. Raises InputError as `generate` does."""
    run_lane = lane_named(lane, lanes_of(model.has_denoiser))
    warnings = settings.warnings(model.config.trained_block_size)
    prompt = check_prompt(model, prompt_ids, settings.max_new_tokens)
    check_pins(model, settings, lane)
    ends = settings.end_token_ids if settings.end_token_ids is not None else model.end_token_ids
    seed = settings.seed if settings.seed >= 0 else secrets.randbelow(2**31)
    started = Started(
        time=0.0,
        lane=lane,
        prompt_ids=prompt,
        settings=settings.to_json(),
        seed=seed,
        model=model.name,
        device=" and ".join(map(str, model.devices)),
        dtype=model.precision,
        threads=torch.get_num_threads(),
        mask_token_id=model.config.mask_token_id,
        end_token_ids=ends,
        warnings=warnings,
    )
    run = Run(
        model=model,
        prompt=prompt,
        settings=settings,
        room=max(room, settings.max_new_tokens),
        end_token_ids=frozenset(ends),
        clock=clock,
        began=clock.now,
        noise=Noise(seed),
    )
    return Row(run, started, run_lane(run))


def lanes_of(has_denoiser: bool) -> tuple[str, ...]:
    """The names of the lanes that a model has, with its denoiser tower or with the context tower alone."""
    return tuple(LANES) if has_denoiser else ("autoregressive",)


def lane_named(name: str, lanes: Sequence[str] = tuple(LANES)) -> Callable[[Run], Lane]:
    """The lane of that name. Raises InputError where it is none of `lanes`."""
    if name not in lanes:
        without = "" if len(lanes) == len(LANES) else ": the denoiser tower is not loaded"
        raise InputError("lane", name, ", ".join(lanes) + without)
    return LANES[name]


def check_prompt(model: TwoTower, prompt_ids: Sequence[int], max_new_tokens: int) -> tuple[int, ...]:
    """The prompt as it will be read; raises InputError naming what is wrong with it."""
    config = model.config
    prompt = tuple(int(token) for token in prompt_ids) or (config.bos_token_id,)
    if config.mask_token_id in prompt:
        raise InputError("prompt", prompt, f"text without the mask token (id {config.mask_token_id})")
    outside = [token for token in prompt if not 0 <= token < config.vocab_size]
    if outside:
        raise InputError("prompt id", outside[0], f"a token id from 0 to {config.vocab_size - 1}")
    if len(prompt) + max_new_tokens > config.max_position_embeddings:
        room = config.max_position_embeddings
        raise InputError(
            "prompt length",
            len(prompt),
            f"prompt and max_new_tokens ({max_new_tokens}) together up to {room} tokens for this model",
        )
    return prompt


def check_pins(model: TwoTower, settings: SamplingSettings, lane: str) -> None:
    """Raise InputError where the model cannot write around the pinned tokens, or the lane cannot keep them."""
    if not settings.pins:
        return
    if lane not in PINNABLE:
        raise InputError("pins", settings.pins, f"none in the {lane} lane: it writes from left to right")
    config = model.config
    ends = settings.end_token_ids if settings.end_token_ids is not None else model.end_token_ids
    for position, token in settings.pins:
        if token >= config.vocab_size or token == config.mask_token_id:
            allowed = (
                f"a token id from 0 to {config.vocab_size - 1} other than the mask token's, {config.mask_token_id}"
            )
            raise InputError("pins: token id", token, allowed)
        if token in ends and position < settings.pins[-1][0]:
            raise InputError("pins: position", settings.pins[-1][0], f"nothing behind the end token at {position}")


def _drive(row: Row, executor: Executor, should_stop: Callable[[], bool]) -> Iterator[Event]:
    yield row.started
    while not should_stop():
        # Entered anew for every event: between two of them the consumer has the thread, and neither its time nor
        # its tensors are the lane's business.
        with torch.inference_mode(), row.run.clock.running():
            event = _next_event(row, executor)
        row.note(event)
        yield event
        if isinstance(event, Finished):
            return
    yield row.cancelled()


def _next_event(row: Row, executor: Executor) -> Event:
    happening = row.go_on()
    while isinstance(happening, Request):
        happening = row.go_on(executor.carry_out({0: happening})[0])
    return happening
