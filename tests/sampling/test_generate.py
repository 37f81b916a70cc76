"""Properties every lane keeps, and what `generate` refuses."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch

from twotower.errors import InputError, NumericalError
from twotower.model.twotower import TwoTower
from twotower.sampling.events import BlockOpened, Denoised, Finished, Started, TokenDecoded
from twotower.sampling.generate import LANES, generate
from twotower.sampling.replay import Replay
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace

PROMPT = [5, 60, 7, 33, 8]
NO_END = ()
lanes = pytest.mark.parametrize("lane", list(LANES))


def run(model: TwoTower, lane: str, **settings: object) -> Trace:
    given = {"max_new_tokens": 20, "block_size": 8, "seed": 1, "end_token_ids": NO_END, **settings}
    return Trace.record(generate(model, PROMPT, lane, SamplingSettings(**given)))  # type: ignore[arg-type]


@lanes
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_the_same_seed_gives_the_same_text(tiny_model: TwoTower, lane: str, temperature: float) -> None:
    one, again = (run(tiny_model, lane, temperature=temperature) for _ in range(2))
    assert one.token_ids == again.token_ids
    assert one.slots == again.slots


@lanes
def test_another_seed_gives_another_text(tiny_model: TwoTower, lane: str) -> None:
    texts = {run(tiny_model, lane, temperature=1.5, seed=seed).token_ids for seed in range(4)}
    assert len(texts) > 1


@lanes
def test_a_drawn_seed_is_reported_and_repeats_the_run(tiny_model: TwoTower, lane: str) -> None:
    drawn = run(tiny_model, lane, temperature=1.0, seed=-1)
    assert drawn.started.seed >= 0
    assert run(tiny_model, lane, temperature=1.0, seed=drawn.started.seed).token_ids == drawn.token_ids


@lanes
@pytest.mark.parametrize("length", [1, 7, 8, 9, 20])
def test_any_length_is_reached_exactly(tiny_model: TwoTower, lane: str, length: int) -> None:
    trace = run(tiny_model, lane, max_new_tokens=length)
    assert len(trace.token_ids) == length
    assert trace.finished.reason == "length"


@lanes
def test_replaying_the_events_gives_the_ids(tiny_model: TwoTower, lane: str) -> None:
    trace = run(tiny_model, lane, temperature=0.8)
    replay = Replay()
    for event in trace.events:
        before, drafts = list(replay.slots), set(replay.drafts)
        replay.apply(event)
        kept = [
            new == old for i, (old, new) in enumerate(zip(before, replay.slots)) if old is not None and i not in drafts
        ]
        assert all(kept), "a committed token was revised"
    assert not replay.drafts
    assert tuple(replay.slots[: trace.finished.tokens]) == trace.token_ids


@lanes
def test_the_text_ends_with_its_first_end_token(tiny_model: TwoTower, lane: str) -> None:
    whole = run(tiny_model, lane).token_ids
    end = whole[9]
    # A block that is finished is the same block whatever ends the text.
    finished = run(tiny_model, lane, end_token_ids=(end,), finish_block=True)
    assert finished.token_ids == whole[: whole.index(end) + 1]
    # Where the slots after an end stay masked, the denoiser may fill the ones before it otherwise.
    cut = run(tiny_model, lane, end_token_ids=(end,))
    assert cut.token_ids.index(end) == len(cut.token_ids) - 1 <= whole.index(end)
    assert cut.finished.reason == finished.finished.reason == "end-token"


@lanes
def test_times_go_forward_and_end_the_run(tiny_model: TwoTower, lane: str) -> None:
    times = [event.time for event in run(tiny_model, lane).events]
    assert times[0] == 0
    assert times == sorted(times)


def test_lanes_taken_in_turn_are_lanes_taken_apart(tiny_model: TwoTower) -> None:
    settings = SamplingSettings(max_new_tokens=20, block_size=8, temperature=0.9, seed=3, end_token_ids=NO_END)
    apart = [Trace.record(generate(tiny_model, PROMPT, lane, settings)).slots for lane in LANES]
    together: dict[str, list] = {lane: [] for lane in LANES}
    for events in itertools.zip_longest(*(generate(tiny_model, PROMPT, lane, settings) for lane in LANES)):
        for lane, event in zip(LANES, events):
            if event is not None:
                together[lane].append(event)
    assert [Trace(tuple(events)).slots for events in together.values()] == apart


@lanes
def test_a_run_told_to_stop_ends_after_its_event(tiny_model: TwoTower, lane: str) -> None:
    seen: list = []
    settings = SamplingSettings(max_new_tokens=100, block_size=8, seed=0, end_token_ids=NO_END)
    for event in generate(tiny_model, PROMPT, lane, settings, should_stop=lambda: len(seen) >= 6):
        seen.append(event)  # noqa: PERF402 (the run looks at the list as it grows)
    assert isinstance(seen[-1], Finished)
    assert seen[-1].reason == "cancelled"
    assert len(seen) == 7
    assert len(Trace(tuple(seen)).token_ids) == seen[-1].tokens


@lanes
def test_nan_stops_the_run_and_names_the_pass(make_model: Callable[..., TwoTower], lane: str) -> None:
    model = make_model()
    for head in (model.lm_head, model.context_lm_head):
        head.weight[5] = torch.nan
    with pytest.raises(NumericalError, match=r"pass|step"):
        run(model, lane)


@lanes
def test_an_empty_prompt_starts_from_the_beginning_token(tiny_model: TwoTower, lane: str) -> None:
    settings = SamplingSettings(max_new_tokens=3, seed=0)
    empty = Trace.record(generate(tiny_model, [], lane, settings))
    assert empty.started.prompt_ids == (tiny_model.config.bos_token_id,)


def test_candidates_cost_nothing_when_not_asked_for(tiny_model: TwoTower) -> None:
    for lane in LANES:
        bare, full = run(tiny_model, lane, candidates=0), run(tiny_model, lane, candidates=4)
        assert bare.token_ids == full.token_ids
        for event in bare.events:
            assert not isinstance(event, TokenDecoded) or event.candidates == ()
            assert not isinstance(event, Denoised) or all(p.candidates == () for p in event.proposals)


def test_a_wide_block_warns_in_the_first_event(tiny_model: TwoTower) -> None:
    first = next(iter(generate(tiny_model, PROMPT, "diffusion", SamplingSettings(block_size=32))))
    assert isinstance(first, Started)
    assert "32" in first.warnings[0]


@pytest.mark.parametrize(
    ("field", "prompt", "lane", "settings"),
    [
        ("lane", PROMPT, "sideways", SamplingSettings()),
        ("prompt", [5, 3, 6], "diffusion", SamplingSettings()),
        ("prompt id", [5, 97], "diffusion", SamplingSettings()),
        ("prompt id", [-1], "diffusion", SamplingSettings()),
        ("prompt length", [5] * 500, "diffusion", SamplingSettings(max_new_tokens=13)),
        ("block_size", PROMPT, "autoregressive", SamplingSettings(block_size=65)),
    ],
)
def test_what_it_refuses_it_names(
    tiny_model: TwoTower, field: str, prompt: list[int], lane: str, settings: SamplingSettings
) -> None:
    with pytest.raises(InputError) as caught:
        next(iter(generate(tiny_model, prompt, lane, settings)))
    assert caught.value.field == field


def test_the_longest_prompt_that_fits_runs(tiny_model: TwoTower) -> None:
    settings = SamplingSettings(max_new_tokens=2, seed=0, end_token_ids=NO_END)
    assert len(Trace.record(generate(tiny_model, [5] * 510, "autoregressive", settings)).token_ids) == 2


def test_blocks_open_where_the_last_one_ended(tiny_model: TwoTower) -> None:
    opened = [event for event in run(tiny_model, "diffusion").events if isinstance(event, BlockOpened)]
    assert [(event.offset, event.size) for event in opened] == [(0, 8), (8, 8), (16, 4)]
