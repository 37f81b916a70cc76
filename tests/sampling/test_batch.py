"""A batch gives each of its prompts the text of a run of its own, in float32, and nothing of its neighbours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from twotower.errors import InputError, NumericalError
from twotower.model.twotower import TwoTower
from twotower.sampling import LANES, Batch, Failed, SamplingSettings, generate, generate_batch
from twotower.sampling import batch as batch_module
from twotower.sampling.events import Event, Finished, Started
from twotower.sampling.executor import Executor
from twotower.sampling.legality import check_run
from twotower.sampling.passes import Choose, Prefill, ReadPrompt, RecordPass
from twotower.sampling.scheduling import Waiting, next_rows
from twotower.sampling.settings import UNMASKING
from twotower.text import encode_prompt
from twotower.trace import Trace

PROMPTS = ([5, 60, 7, 33, 8], [9], [4, 71, 6, 6, 90, 12, 55, 31, 2, 17, 44], [70, 12])
PLAIN = SamplingSettings(max_new_tokens=20, block_size=8, seed=1, end_token_ids=(), candidates=0, draft_passes=2)
OWN = ({"seed": 1}, {"seed": 2, "max_new_tokens": 9}, {"seed": 3, "max_new_tokens": 17}, {"seed": 4})
HOT = {"temperature": 1.1, "top_k": 40, "top_p": 0.9}
lanes = pytest.mark.parametrize("lane", list(LANES))


def asked(**changes: Any) -> list[SamplingSettings]:
    """Of each prompt, with a seed and a length of its own."""
    return [replace(PLAIN, **own, **changes) for own in OWN]


def alone(
    model: TwoTower, lane: str, prompts: Sequence[list[int]], settings: Sequence[SamplingSettings]
) -> list[Trace]:
    return [Trace.record(generate(model, prompt, lane, of_row)) for prompt, of_row in zip(prompts, settings)]


def together(
    model: TwoTower, lane: str, prompts: Sequence[list[int]], settings: Sequence[SamplingSettings]
) -> list[Trace]:
    """Traces of a batch, each of them a legal run."""
    rows: list[list[Event]] = [[] for _ in prompts]
    for row, event in generate_batch(model, prompts, lane, settings):
        assert not isinstance(event, Failed)
        rows[row].append(event)
    for events in rows:
        check_run(events)
    return [Trace(tuple(events)) for events in rows]


def same_texts(model: TwoTower, lane: str, settings: Sequence[SamplingSettings]) -> None:
    ours, theirs = together(model, lane, PROMPTS, settings), alone(model, lane, PROMPTS, settings)
    for mine, single in zip(ours, theirs, strict=True):
        assert mine.slots == single.slots
        assert replace(mine.finished, time=0.0) == replace(single.finished, time=0.0)


def untimed(events: Sequence[Event]) -> list[Event]:
    return [replace(event, time=0.0, **({"seconds": 0.0} if hasattr(event, "seconds") else {})) for event in events]


@lanes
@pytest.mark.parametrize("drawn", [{}, HOT], ids=["greedy", "sampled"])
def test_every_lane(tiny_model: TwoTower, lane: str, drawn: dict) -> None:
    same_texts(tiny_model, lane, asked(**drawn))


@pytest.mark.parametrize("rule", UNMASKING)
def test_every_unmasking_rule(tiny_model: TwoTower, rule: str) -> None:
    loose = {"threshold": 0.05, "factor": 3.0, "entropy_bound": 6.0, "kl_bound": 3.0}  # so that all rules commit many
    same_texts(tiny_model, "diffusion", asked(unmasking=rule, steps_per_block=6, **loose))


@pytest.mark.parametrize(
    ("lane", "changes"),
    [
        ("diffusion", {"ar_anchor": True, "candidates": 3}),
        ("diffusion", {"pins": ((2, 50), (8, 70)), **HOT}),
        ("diffusion", {"candidates": 2, "steps_per_block": 2}),
        ("verify", {"accept_from": 0.01, "candidates": 2}),
        ("verify", {"draft_passes": 0}),
        ("mock-ar", {"candidates": 2}),
    ],
)
def test_what_lanes_can_do_beside(tiny_model: TwoTower, lane: str, changes: dict) -> None:
    same_texts(tiny_model, lane, asked(**changes))


@lanes
def test_rows_end_when_they_end(tiny_model: TwoTower, lane: str) -> None:
    whole = alone(tiny_model, lane, PROMPTS, asked())
    ends = tuple({whole[0].token_ids[2], whole[3].token_ids[11]})
    for finish in (False, True):
        same_texts(tiny_model, lane, asked(end_token_ids=ends, finish_block=finish))


@lanes
def test_a_model_of_few_tokens_accepts_drafts(make_model: Callable[..., TwoTower], lane: str) -> None:
    # Rounds of very different lengths: rows go apart.
    model = make_model(0, vocab_size=6)
    prompts = [[4, 5], [1], [5, 5, 0, 2], [0, 1, 2]]
    settings = asked(temperature=1.5, end_token_ids=(5,), draft_passes=1)
    ours, theirs = together(model, lane, prompts, settings), alone(model, lane, prompts, settings)
    assert [trace.slots for trace in ours] == [trace.slots for trace in theirs]


@pytest.mark.parametrize("lane", ["diffusion", "autoregressive"])
def test_the_embedded_model_whose_passes_are_replayed(embedded_model: TwoTower, lane: str) -> None:
    texts = ["Once upon a time, there was a little girl named", "Tom had a boat.", "3+4="]
    prompts = [encode_prompt(embedded_model, text) for text in texts]
    settings = [replace(own, block_size=16, max_new_tokens=32, end_token_ids=None) for own in asked()[:3]]
    ours, theirs = together(embedded_model, lane, prompts, settings), alone(embedded_model, lane, prompts, settings)
    assert [trace.slots for trace in ours] == [trace.slots for trace in theirs]


@lanes
def test_a_batch_of_one_is_a_run(tiny_model: TwoTower, lane: str) -> None:
    settings = replace(PLAIN, candidates=3, temperature=0.9)
    (ours,) = together(tiny_model, lane, PROMPTS[:1], [settings])
    (single,) = alone(tiny_model, lane, PROMPTS[:1], [settings])
    for mine, other in zip(untimed(ours.events), untimed(single.events), strict=True):
        assert type(mine) is type(other)
        assert vars(mine) == vars(other)


@lanes
@pytest.mark.parametrize(("seats", "steps"), [(4, 3), (2, 1), (2, 30), (1, 0)])
def test_rows_may_come_while_others_are_under_way(tiny_model: TwoTower, lane: str, seats: int, steps: int) -> None:
    settings, batch = asked(**HOT), Batch(tiny_model, lane, PLAIN.block_size, seats, 40)
    rows: dict[int, list[Event]] = {}
    for prompt, of_row in zip(PROMPTS, settings):
        number, started = batch.add(prompt, of_row)
        rows[number] = [started]
        for _ in range(steps):
            for row, event in batch.step() if batch.rows else ():
                rows[row].append(event)  # type: ignore[arg-type]
    while batch.rows:
        for row, event in batch.step():
            rows[row].append(event)  # type: ignore[arg-type]
    for events, single in zip(rows.values(), alone(tiny_model, lane, PROMPTS, settings), strict=True):
        check_run(events)
        assert Trace(tuple(events)).slots == single.slots


ROWS = st.tuples(
    st.lists(st.integers(4, 96), min_size=1, max_size=12),
    st.fixed_dictionaries(
        {
            "seed": st.integers(0, 99),
            "max_new_tokens": st.integers(1, 12),
            "temperature": st.sampled_from((0.0, 1.2)),
            "threshold": st.sampled_from((0.0, 0.1, 1.0)),
            "end_token_ids": st.sampled_from(((), tuple(range(4, 20)))),
        }
    ),
)


@examples(max_examples=12, deadline=None, derandomize=True)
@given(st.sampled_from(list(LANES)), st.lists(ROWS, min_size=1, max_size=4))
def test_a_text_does_not_depend_on_its_neighbours(tiny_model: TwoTower, lane: str, rows: list) -> None:
    prompts = [prompt for prompt, _ in rows]
    settings = [replace(PLAIN, block_size=4, **own) for _, own in rows]
    ours, theirs = together(tiny_model, lane, prompts, settings), alone(tiny_model, lane, prompts, settings)
    assert [trace.slots for trace in ours] == [trace.slots for trace in theirs]


@lanes
def test_rows_that_ask_for_the_same_share_a_pass(
    tiny_model: TwoTower, monkeypatch: pytest.MonkeyPatch, lane: str
) -> None:
    passes, real = [], Executor.carry_out
    monkeypatch.setattr(Executor, "carry_out", lambda self, asked: passes.append(asked) or real(self, asked))
    settings = [replace(PLAIN, seed=seed, candidates=2) for seed in range(4)]  # rows alike, that never go apart
    together(tiny_model, lane, [PROMPTS[0]] * 4, settings)
    kinds: dict[type, set[int]] = defaultdict(set)
    for asked in passes:
        (kind,) = {type(each) for each in asked.values()}
        kinds[kind].add(len(asked))
    assert kinds.pop(Choose) <= {1, 4}  # of one, what its prompt gave
    assert kinds.pop(Prefill, {1}) == kinds.pop(ReadPrompt, {1}) == {1}
    assert kinds
    assert all(rows == {4} for rows in kinds.values())
    assert (RecordPass in kinds) == (lane == "diffusion")


def test_no_row_waits_for_long(tiny_model: TwoTower, monkeypatch: pytest.MonkeyPatch) -> None:
    # Three rows fill blocks a slot at a time, the fourth is through with each of its blocks in one step.
    waited = []

    def spy(waiting: dict[int, Waiting], free: int) -> list[int]:
        waited.append(max(each.turns for each in waiting.values()))
        return next_rows(waiting, free)

    monkeypatch.setattr(batch_module, "next_rows", spy)
    slow, fast = replace(PLAIN, threshold=1.0, max_new_tokens=32), replace(PLAIN, threshold=0.0, max_new_tokens=32)
    together(tiny_model, "diffusion", PROMPTS, [slow, slow, slow, fast])
    assert 4 < max(waited) <= 10


@lanes
def test_a_row_that_fails_ends_alone_and_says_why(make_model: Callable[..., TwoTower], lane: str) -> None:
    model, settings = make_model(), asked()
    wanted = alone(model, lane, PROMPTS, settings)
    read = {token for row in (0, 1, 3) for token in (*PROMPTS[row], *wanted[row].token_ids)}
    read |= {token for trace in wanted for event in trace.events for token in getattr(event, "drafted", ())}
    rare = next(token for token in PROMPTS[2] if token not in read)
    (embeddings,) = (part for part in model.context_tower.modules() if isinstance(part, torch.nn.Embedding))
    embeddings.weight[rare] = torch.nan  # of a token that prompt 2 alone holds
    texts: dict[int, list[Event]] = {row: [] for row in range(4)}
    failures = {}
    for row, event in generate_batch(model, PROMPTS, lane, settings):
        if isinstance(event, Failed):
            failures[row] = event.error
        else:
            texts[row].append(event)
    assert list(failures) == [2]
    assert isinstance(failures[2], NumericalError)
    assert "pass" in str(failures[2]) or "step" in str(failures[2])
    assert not any(isinstance(event, Finished) for event in texts[2])
    for row in (0, 1, 3):
        assert Trace(tuple(texts[row])).token_ids == wanted[row].token_ids


@lanes
@pytest.mark.parametrize("passes", [0, 1, 4, 9])
def test_a_batch_told_to_stop_ends_every_row(tiny_model: TwoTower, lane: str, passes: int) -> None:
    whole = alone(tiny_model, lane, PROMPTS, asked())
    left = iter(range(passes))
    rows: dict[int, list[Event]] = {row: [] for row in range(4)}
    for row, event in generate_batch(tiny_model, PROMPTS, lane, asked(), lambda: next(left, None) is None):
        rows[row].append(event)  # type: ignore[arg-type]
    for events, trace in zip(rows.values(), whole):
        check_run(events)
        cut = Trace(tuple(events))
        assert isinstance(events[0], Started)
        assert cut.finished.reason == "cancelled"
        assert lane == "diffusion" or cut.token_ids == trace.token_ids[: len(cut.token_ids)]


def test_a_row_may_be_cancelled_alone(tiny_model: TwoTower) -> None:
    settings, batch = asked(), Batch(tiny_model, "autoregressive", PLAIN.block_size, 4, 40)
    rows: dict[int, list[Event]] = {}
    for prompt, of_row in zip(PROMPTS, settings):
        number, started = batch.add(prompt, of_row)
        rows[number] = [started]
    while batch.rows:
        for row, event in batch.step():
            rows[row].append(event)  # type: ignore[arg-type]
        if 0 in batch.rows and len(rows[0]) == 6:
            rows[0].append(batch.cancel(0))
    assert Trace(tuple(rows[0])).finished.reason == "cancelled"
    whole = alone(tiny_model, "autoregressive", PROMPTS, settings)
    assert Trace(tuple(rows[0])).token_ids == whole[0].token_ids[:4]
    assert all(Trace(tuple(rows[row])).token_ids == whole[row].token_ids for row in (1, 2, 3))


def test_a_text_that_a_batch_has_no_room_for_is_refused(tiny_model: TwoTower) -> None:
    batch = Batch(tiny_model, "diffusion", PLAIN.block_size, 2, 24)
    with pytest.raises(InputError, match="text length is 25"):
        batch.add(PROMPTS[0], PLAIN)
    assert batch.rows == ()


@pytest.mark.parametrize(
    ("named", "prompts", "settings"),
    [
        ("prompts", [], None),
        ("prompts[1].prompt id", [[5], [97]], PLAIN),
        ("prompts[0].prompt", [[3], [5]], PLAIN),
        ("prompts[1].block_size", [[5], [6]], [PLAIN, replace(PLAIN, block_size=4)]),
        ("settings", [[5], [6]], [PLAIN]),
        ("lane", [[5]], PLAIN),
    ],
)
def test_what_it_refuses_it_names(tiny_model: TwoTower, named: str, prompts: list, settings: Any) -> None:
    with pytest.raises(InputError) as caught:
        generate_batch(tiny_model, prompts, "sideways" if named == "lane" else "diffusion", settings)
    assert caught.value.field == named
