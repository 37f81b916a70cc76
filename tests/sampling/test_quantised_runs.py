"""Every lane over quantised weights: legal runs, AR's own text by draft and verify, rows as runs of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import pytest
from quantised import WIDTHS, read_in

from twotower import DEFAULT_MODEL
from twotower.metrics import Metrics
from twotower.model import quantised_layers
from twotower.model.twotower import TwoTower
from twotower.sampling import LANES, SamplingSettings, generate, generate_batch
from twotower.sampling.events import Event
from twotower.sampling.legality import check_run
from twotower.text import encode_prompt
from twotower.trace import Trace
from twotower.training.tasks import TASKS, instances

PROMPTS = ([5, 60, 7, 33, 8], [9], [4, 71, 6, 6, 90, 12, 55, 31, 2, 17, 44])
SETTINGS = SamplingSettings(max_new_tokens=20, block_size=8, seed=1, end_token_ids=(), candidates=2, draft_passes=2)
lanes = pytest.mark.parametrize("lane", list(LANES))


@pytest.fixture(scope="module", params=[(8, True), (4, True), (4, False)], ids=["8 bits", "4 bits", "large experts"])
def model(
    request: pytest.FixtureRequest, make_model: Callable[..., TwoTower], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoTower]:
    """Of every layer kind; with small experts, and with experts that are expanded by who chose them."""
    bits, small = request.param
    with pytest.MonkeyPatch.context() as patch:
        if not small:
            patch.setattr(quantised_layers, "are_small", lambda nbytes: False)
        yield read_in(make_model(**WIDTHS), tmp_path_factory.mktemp("quantised"), bits)


def run(model: TwoTower, prompt: Sequence[int], lane: str, settings: SamplingSettings = SETTINGS) -> Trace:
    events = list(generate(model, prompt, lane, settings))
    check_run(events)
    return Trace(tuple(events))


@lanes
def test_every_lane_runs_and_says_what_it_ran_on(model: TwoTower, lane: str) -> None:
    for prompt in PROMPTS:
        trace = run(model, prompt, lane)
        assert len(trace.token_ids) == SETTINGS.max_new_tokens
        assert trace.started.dtype == f"float32, {model.bits}-bit weights"


@pytest.mark.parametrize("block", [2, 5, 8, 16])
def test_draft_and_verify_is_autoregression(model: TwoTower, block: int) -> None:
    for prompt in PROMPTS:
        wanted = run(model, prompt, "autoregressive")
        for passes in (0, 1, 3):
            settings = SamplingSettings(
                max_new_tokens=20, block_size=block, seed=1, end_token_ids=(), candidates=0, draft_passes=passes
            )
            assert run(model, prompt, "verify", settings).token_ids == wanted.token_ids


@lanes
def test_rows_of_a_batch_are_runs_of_their_own(model: TwoTower, lane: str) -> None:
    rows: list[list[Event]] = [[] for _ in PROMPTS]
    for row, event in generate_batch(model, PROMPTS, lane, SETTINGS):
        rows[row].append(event)
    for prompt, events in zip(PROMPTS, rows, strict=True):
        check_run(events)
        assert Trace(tuple(events)).slots == run(model, prompt, lane).slots


@pytest.mark.parametrize("bits", [8, 4])
def test_draft_and_verify_of_the_embedded_model(bits: int) -> None:
    model = TwoTower.from_pretrained(DEFAULT_MODEL, bits=bits)
    settings = SamplingSettings(max_new_tokens=48, block_size=16, seed=0, candidates=0)
    accepted = 0
    for task in list(TASKS)[::3]:
        (asked,) = islice(instances(task, 0, held_out=True), 1)
        prompt = encode_prompt(model, asked.prompt)
        ours, theirs = run(model, prompt, "verify", settings), run(model, prompt, "autoregressive", settings)
        assert ours.token_ids == theirs.token_ids
        accepted += Metrics.of(ours).accepted
    assert accepted  # otherwise nothing but replacements was compared
