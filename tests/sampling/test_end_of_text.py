"""What the diffusion lane does once an end token is committed: fill the text before it, and stop."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from twotower.model.twotower import TwoTower
from twotower.sampling.events import BlockOpened, Denoised
from twotower.sampling.generate import generate
from twotower.sampling.replay import Replay
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace

PROMPT = [5, 60, 7, 33, 8]
LENGTH = 16
ASKED = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 99),
        "temperature": st.sampled_from((0.0, 0.7, 1.5)),
        "threshold": st.sampled_from((0.0, 0.05, 0.3, 0.8, 1.0)),
        "steps_per_block": st.integers(1, 8),
        "block_size": st.sampled_from((4, 8, 16)),
    }
)
ENDS = st.sets(st.integers(0, LENGTH - 1), min_size=1, max_size=2)  # where in a run that knows no end token they stand
few = settings(max_examples=20, deadline=None, derandomize=True)


def run(model: TwoTower, **changes: object) -> Trace:
    given = {"max_new_tokens": LENGTH, "block_size": 8, "seed": 1, "candidates": 0, "end_token_ids": (), **changes}
    return Trace.record(generate(model, PROMPT, "diffusion", SamplingSettings(**given)))  # type: ignore[arg-type]


def ending(model: TwoTower, asked: dict, ends: set[int]) -> dict:
    """The same settings with end tokens that such a run commits."""
    written = run(model, **asked).token_ids
    return {**asked, "end_token_ids": tuple({written[position] for position in ends})}


def passes(trace: Trace) -> list[Denoised]:
    return [event for event in trace.events if isinstance(event, Denoised)]


def before_each_pass(trace: Trace) -> Iterator[tuple[Denoised, int, list[int | None]]]:
    """Every denoiser pass with its block's offset and what the block's slots held when it ran."""
    replay, opened = Replay(), BlockOpened(0.0, 0, 0, 0)
    for event in trace.events:
        if isinstance(event, BlockOpened):
            opened = event
        if isinstance(event, Denoised):
            yield event, opened.offset, replay.slots[opened.offset :]
        replay.apply(event)


@few
@given(ASKED, ENDS)
def test_the_text_is_whole_and_ends_at_its_first_end_token(tiny_model: TwoTower, asked: dict, ends: set[int]) -> None:
    asked = ending(tiny_model, asked, ends)
    for finish_block in (False, True):
        trace = run(tiny_model, **asked, finish_block=finish_block)
        assert trace.finished.reason == "end-token"
        assert None not in trace.token_ids
        assert trace.token_ids[-1] in asked["end_token_ids"]
        assert not set(trace.token_ids[:-1]) & set(asked["end_token_ids"])


@few
@given(ASKED, ENDS)
def test_a_pass_proposes_for_every_masked_slot_before_the_end_and_for_none_after_it(
    tiny_model: TwoTower, asked: dict, ends: set[int]
) -> None:
    asked = ending(tiny_model, asked, ends)
    for event, offset, slots in before_each_pass(run(tiny_model, **asked)):
        committed = [slot for slot, token in enumerate(slots) if token in asked["end_token_ids"]]
        text = slots[: committed[0]] if committed else slots
        wanted = [offset + slot for slot, token in enumerate(text) if token is None]
        assert wanted
        assert [proposal.position for proposal in event.proposals] == wanted
        assert event.masked_fraction == slots.count(None) / len(slots)


@few
@given(ASKED, ENDS)
def test_a_finished_block_has_no_masked_slot_and_proposals_for_all(
    tiny_model: TwoTower, asked: dict, ends: set[int]
) -> None:
    asked = ending(tiny_model, asked, ends)
    trace = run(tiny_model, **asked, finish_block=True)
    assert None not in trace.slots
    for event, _, slots in before_each_pass(trace):
        assert len(event.proposals) == slots.count(None)


@few
@given(ASKED, ENDS)
def test_both_ways_are_one_run_until_an_end_token_is_committed(
    tiny_model: TwoTower, asked: dict, ends: set[int]
) -> None:
    asked = ending(tiny_model, asked, ends)
    for short, long in zip(passes(run(tiny_model, **asked)), passes(run(tiny_model, **asked, finish_block=True))):
        assert short.proposals == long.proposals
        if any(proposal.id in asked["end_token_ids"] for proposal in short.committed):
            return
    raise AssertionError("no end token was committed")


@few
@given(ASKED, ENDS)
def test_stopping_at_the_end_never_takes_more_passes(tiny_model: TwoTower, asked: dict, ends: set[int]) -> None:
    # At threshold 1 the number of commits follows from the slots that are left: fewer slots, no more passes.
    asked = ending(tiny_model, {**asked, "threshold": 1.0}, ends)
    assert len(passes(run(tiny_model, **asked))) <= len(passes(run(tiny_model, **asked, finish_block=True)))


def test_slots_after_the_end_stay_masked_and_their_passes_are_saved(tiny_model: TwoTower) -> None:
    one_by_one = {"threshold": 1.0, "steps_per_block": 8}
    (first,) = passes(run(tiny_model, **one_by_one))[0].committed  # of the whole block, the surest slot
    short, long = (
        run(tiny_model, **one_by_one, end_token_ids=(first.id,), finish_block=finish) for finish in (False, True)
    )
    assert len(short.token_ids) == first.position + 1 < 8
    assert short.slots == (*short.token_ids, *[None] * (8 - len(short.token_ids)))
    assert len(passes(short)) == len(short.token_ids)
    assert len(passes(long)) == 8


def test_an_end_token_in_a_later_block_ends_there(tiny_model: TwoTower) -> None:
    whole = run(tiny_model).token_ids
    late = next(token for position, token in enumerate(whole) if position >= 8 and token not in whole[:position])
    trace = run(tiny_model, end_token_ids=(late,))
    assert trace.token_ids == whole[: whole.index(late) + 1]


def test_a_masked_slot_is_no_end_whatever_is_named_as_one(tiny_model: TwoTower) -> None:
    trace = run(tiny_model, end_token_ids=(tiny_model.config.mask_token_id,))
    assert trace.token_ids == run(tiny_model).token_ids
