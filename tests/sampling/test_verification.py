"""Draft and verify gives the text of the autoregressive lane, token for token, in float32."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
import torch

from twotower.agreement import ar_choice_share
from twotower.metrics import Metrics
from twotower.model.state import ContextState
from twotower.model.twotower import TwoTower
from twotower.sampling.events import BlockOpened, Denoised, Finished, Judged, TokenDecoded, Verified
from twotower.sampling.generate import generate
from twotower.sampling.settings import SamplingSettings
from twotower.text import encode_prompt
from twotower.trace import Trace
from twotower.training.tasks import TASKS, instances

BLOCKS = range(2, 17)
PASSES = range(5)  # 0: as many as they are worth
SAMPLED = {"temperature": 1.1, "top_k": 40, "top_p": 0.95}


def run(model: TwoTower, prompt: list[int], lane: str, **settings: object) -> Trace:
    given = {"max_new_tokens": 20, "candidates": 0, "seed": 1, **settings}
    return Trace.record(generate(model, prompt, lane, SamplingSettings(**given)))  # type: ignore[arg-type]


def same_text(model: TwoTower, prompt: list[int], block: int, **settings: object) -> None:
    """Every number of draft passes against autoregression: the ids and why they end."""
    wanted = run(model, prompt, "autoregressive", **settings)
    for passes in PASSES:
        trace = run(model, prompt, "verify", block_size=block, draft_passes=passes, **settings)
        assert trace.token_ids == wanted.token_ids, (prompt, block, passes, settings)
        assert trace.finished.reason == wanted.finished.reason
        assert trace.finished.tokens == wanted.finished.tokens


@pytest.fixture(scope="module")
def models(make_model: Callable[..., TwoTower]) -> list[TwoTower]:
    """Of every layer kind. Where few tokens are to be had, a random draft is often right: so that some are accepted."""
    return [make_model(0, vocab_size=6), make_model(1, vocab_size=97), make_model(2, vocab_size=7)]


@pytest.mark.parametrize("sampled", [{}, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("block", BLOCKS)
def test_random_weights(models: list[TwoTower], block: int, sampled: dict) -> None:
    random = Random(f"{block} {sampled}")
    for model in models:
        for ends in ((), (5,)):
            size = random.randint(1, 9)
            prompt = [random.choice([0, 1, 2, 4, 5]) for _ in range(size)]
            seed = random.randrange(1000)
            same_text(
                model, prompt, block, max_new_tokens=random.randint(1, 20), seed=seed, end_token_ids=ends, **sampled
            )


@pytest.mark.parametrize("sampled", [{}, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("block", BLOCKS)
def test_the_embedded_model(embedded_model: TwoTower, block: int, sampled: dict) -> None:
    random = Random(f"{block} {sampled}")
    task = random.choice(list(TASKS))
    (asked,) = (instance for instance, _ in zip(instances(task, 0, held_out=True), range(1)))
    prompt = encode_prompt(embedded_model, asked.prompt)
    same_text(embedded_model, prompt, block, max_new_tokens=48, seed=random.randrange(1000), **sampled)


def test_drafts_of_the_embedded_model_are_accepted(embedded_model: TwoTower) -> None:
    # Otherwise the tests above would compare nothing but replacements.
    prompt = encode_prompt(embedded_model, "Once upon a time, there was a little girl named Lily. She loved to")
    trace = run(embedded_model, prompt, "verify", max_new_tokens=64, block_size=16)
    metrics = Metrics.of(trace)
    assert metrics.accepted > metrics.rounds
    given = sum(event.id is not None for event in trace.events if isinstance(event, Verified))
    assert metrics.tokens == 1 + metrics.accepted + given


def test_every_way_a_round_can_end_happens(models: list[TwoTower]) -> None:
    seen: set[str] = set()
    for seed in range(100):
        size = 2 + seed % 2
        trace = run(models[0], [4, 5], "verify", seed=seed, temperature=2.0, block_size=size, end_token_ids=(5,))
        for event in trace.events:
            if isinstance(event, Verified):
                accepted = "all" if event.accepted == len(event.drafted) else "none" if event.accepted == 0 else "some"
                seen.add(f"{accepted} {'ended' if event.id is None else 'goes on'}")
    assert seen == {"none goes on", "some goes on", "all goes on", "all ended"}


def test_a_round_is_as_the_events_say(models: list[TwoTower]) -> None:
    model, text = models[0], []
    trace = run(model, [4, 5], "verify", seed=3, block_size=4, end_token_ids=(), candidates=3)
    prompt, opened = [4, 5], None
    for event in trace.events:
        if isinstance(event, BlockOpened):
            opened = event
            assert event.offset == max(0, len(text) - 1)
            assert event.size == min(4, 20 - event.offset)
        elif isinstance(event, TokenDecoded):
            assert event.position == len(text) == 0
            text = [event.id]
        elif isinstance(event, Denoised):
            assert event.block == opened.block
            assert all(opened.offset < proposal.position < opened.offset + opened.size for proposal in event.proposals)
        elif isinstance(event, Verified):
            rows = model.context_logits([*prompt, *text, *event.drafted])[0, len(prompt) + len(text) - 1 :]
            choices = rows.argmax(-1).tolist()
            agreed = [draft == choice for draft, choice in zip(event.drafted, choices)]
            assert event.accepted == [*agreed, False].index(False)
            text += event.drafted[: event.accepted]
            if event.id is not None:
                assert event.id == choices[event.accepted]
                text.append(event.id)
    assert tuple(text) == trace.token_ids


def test_no_second_context_pass_and_no_step(tiny_model: TwoTower, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ar_step", "context_step", "context_pass"):
        monkeypatch.setattr(tiny_model, name, None)
    assert len(run(tiny_model, [5, 60], "verify", block_size=8).token_ids)


def test_an_exact_text_is_autoregressions_own_choice(embedded_model: TwoTower) -> None:
    prompt = encode_prompt(embedded_model, "Tom had a boat.")
    for temperature in (0.0, 0.9):
        trace = run(embedded_model, prompt, "verify", block_size=16, temperature=temperature, candidates=2)
        assert ar_choice_share(trace) == 1.0


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_lenient_acceptance_keeps_what_autoregression_holds_possible(
    embedded_model: TwoTower, temperature: float
) -> None:
    prompt = encode_prompt(embedded_model, "Tom had a boat made of paper. He wanted to")
    asked = {"max_new_tokens": 48, "block_size": 16, "temperature": temperature, "candidates": 2}
    rounds = []
    for least in (1.0, 0.2, 0.0):
        trace = run(embedded_model, prompt, "verify", **asked, accept_from=least)
        again = run(embedded_model, prompt, "verify", **asked, accept_from=least)
        assert again.token_ids == trace.token_ids
        rows = embedded_model.context_logits([*prompt, *trace.token_ids])[0, len(prompt) - 1 : -1].softmax(-1)
        given = [float(row[token]) for row, token in zip(rows, trace.token_ids)]
        choices = choices_of(trace)
        for position, token in enumerate(trace.token_ids):
            assert choices.get(position, token) == token or given[position] >= least - 1e-4
        rounds.append(Metrics.of(trace).rounds / len(trace.token_ids))
    assert rounds[0] > rounds[2]


def choices_of(trace: Trace) -> dict[int, int]:
    """By position, what autoregression would have put there."""
    judged = [event for event in trace.events if isinstance(event, Judged)]
    return {event.position + i: token for event in judged for i, token in enumerate(event.choices)}


def test_a_draft_draws_the_noise_that_autoregression_will_draw(tiny_model: TwoTower) -> None:
    # A denoiser that thinks what the context tower thinks would draft its very choice, at any temperature.
    settings = SamplingSettings(temperature=1.3, seed=7, max_new_tokens=12, end_token_ids=(), candidates=0)
    drawn = run(tiny_model, [5, 60], "autoregressive", temperature=1.3, seed=7, max_new_tokens=12, end_token_ids=())

    class Foresighted:
        def __getattr__(self, name: str) -> object:
            return getattr(tiny_model, name)

        def denoiser_pass(self, ids: torch.Tensor, state: ContextState, t: float) -> torch.Tensor:
            position = state.held[0] - 2  # of the block's first slot
            text = [5, 60, *drawn.token_ids]
            logits = tiny_model.context_logits(text)[:, position + 1 : position + 1 + ids.shape[1]].clone()
            return torch.nn.functional.pad(logits, (0, 0, 0, ids.shape[1] - logits.shape[1]))

    trace = Trace.record(generate(Foresighted(), [5, 60], "verify", settings))  # type: ignore[arg-type]
    assert trace.token_ids == drawn.token_ids
    verified = [event for event in trace.events if isinstance(event, Verified)]
    assert [event.accepted for event in verified] == [len(event.drafted) for event in verified]


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_a_draft_takes_at_most_its_passes(tiny_model: TwoTower, passes: int) -> None:
    trace = run(tiny_model, [5, 60], "verify", block_size=8, draft_passes=passes, threshold=1.0, end_token_ids=())
    rounds: dict[int, list[Denoised]] = {}
    for event in trace.events:
        if isinstance(event, Denoised):
            rounds.setdefault(event.block, []).append(event)
    for drafted in rounds.values():
        assert [event.step for event in drafted] == list(range(len(drafted)))
        assert len(drafted) <= passes
        assert all(proposal.rule is not None for proposal in drafted[-1].proposals)
    assert max(map(len, rounds.values())) == passes


def test_a_stopped_run_keeps_no_draft(tiny_model: TwoTower) -> None:
    settings = SamplingSettings(max_new_tokens=20, block_size=8, seed=1, end_token_ids=(), candidates=0)
    drawn = run(tiny_model, [5, 60], "autoregressive", end_token_ids=()).token_ids
    for events in range(1, 14):
        left = iter(range(events))
        stop = lambda left=left: next(left, None) is None  # noqa: E731
        trace = Trace.record(generate(tiny_model, [5, 60], "verify", settings, stop))
        assert isinstance(trace.events[-1], Finished)
        assert trace.token_ids == drawn[: trace.finished.tokens]
        assert Trace.from_json(trace.to_json()).token_ids == trace.token_ids
