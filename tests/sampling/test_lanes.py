"""Each lane against the model's whole-text logits, computed anew for every choice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from twotower.metrics import Metrics
from twotower.model.twotower import TwoTower
from twotower.sampling.events import Denoised, Judged, Prefilled
from twotower.sampling.generate import LANES, generate
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace

PROMPT = [5, 60, 7, 33, 8]


def run(model: TwoTower, lane: str, **settings: object) -> Trace:
    given = {"max_new_tokens": 20, "block_size": 8, "seed": 1, "end_token_ids": (), **settings}
    return Trace.record(generate(model, PROMPT, lane, SamplingSettings(**given)))  # type: ignore[arg-type]


@contextmanager
def counted(model: TwoTower, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    """Counts the passes a lane makes."""
    calls: Counter = Counter()
    for name in ("prefill", "ar_step", "context_step", "context_pass", "denoiser_pass"):
        real = getattr(model, name)

        def spy(*args, _name=name, _real=real, **kwargs):  # type: ignore[no-untyped-def]
            calls[_name] += 1
            return _real(*args, **kwargs)

        monkeypatch.setattr(model, name, spy)
    yield calls


def test_greedy_autoregression_takes_the_likeliest_next_token(tiny_model: TwoTower) -> None:
    text = list(PROMPT)
    for token in run(tiny_model, "autoregressive").token_ids:
        assert token == int(tiny_model.context_logits(text)[0, -1].argmax())
        text.append(token)


def test_greedy_mock_ar_takes_the_denoisers_next_token(tiny_model: TwoTower) -> None:
    text = list(PROMPT)
    for token in run(tiny_model, "mock-ar").token_ids:
        logits = tiny_model.denoiser_logits(text[:-1], text[-1:], None)
        assert token == int(logits[0, 0].argmax())
        text.append(token)


def test_diffusion_proposes_the_likeliest_token_of_every_masked_slot(tiny_model: TwoTower) -> None:
    text, block = list(PROMPT), [3] * 8
    for event in run(tiny_model, "diffusion", max_new_tokens=16, threshold=0.3).events:
        if isinstance(event, Denoised):
            masked = [slot for slot, token in enumerate(block) if token == 3]
            assert event.masked_fraction == len(masked) / 8
            logits = tiny_model.denoiser_logits(text, block, event.masked_fraction)[0, masked]
            logits[:, 3] = -torch.inf
            probabilities, ids = logits.softmax(-1).max(-1)
            assert [p.id for p in event.proposals] == ids.tolist()
            confidences = torch.tensor([p.confidence for p in event.proposals])
            torch.testing.assert_close(confidences, probabilities, atol=1e-4, rtol=1e-3)
            for proposal in event.committed:
                block[proposal.position - (len(text) - len(PROMPT))] = proposal.id
            if 3 not in block:
                text, block = text + block, [3] * 8


@pytest.mark.parametrize("temperature", [0.0, 0.9])
@pytest.mark.parametrize("lane", ["diffusion", "verify", "mock-ar"])
def test_the_context_tower_judges_every_token(tiny_model: TwoTower, lane: str, temperature: float) -> None:
    trace = run(tiny_model, lane, temperature=temperature)
    judged = [event for event in trace.events if isinstance(event, Judged)]
    log_probabilities = [value for event in judged for value in event.log_probabilities]
    first = 1 if lane == "verify" else 0  # which the prefill gave, as TokenDecoded
    assert [event.position + i for event in judged for i in range(len(event.choices))] == list(range(first, 20))
    text = [*PROMPT, *trace.token_ids]
    rows = tiny_model.context_logits(text)[0, len(PROMPT) - 1 + first : -1].log_softmax(-1)
    wanted = [float(row[token]) for row, token in zip(rows, trace.token_ids[first:], strict=True)]
    torch.testing.assert_close(torch.tensor(log_probabilities), torch.tensor(wanted), atol=1e-4, rtol=1e-3)
    likeliest = [pairs[0][0] for event in judged for pairs in event.candidates]
    assert likeliest == rows.argmax(-1).tolist()
    if temperature == 0:
        assert [token for event in judged for token in event.choices] == likeliest


def test_choices_are_what_autoregression_would_draw(tiny_model: TwoTower) -> None:
    # Up to the first token that differs, both stand before the same text and draw the same noise.
    drawn = run(tiny_model, "autoregressive", temperature=1.3).token_ids
    for lane in ("diffusion", "mock-ar"):
        trace = run(tiny_model, lane, temperature=1.3)
        choices = [token for event in trace.events if isinstance(event, Judged) for token in event.choices]
        same = next(i for i, (mine, theirs) in enumerate(zip(trace.token_ids, drawn)) if mine != theirs)
        assert choices[: same + 1] == list(drawn[: same + 1])


@pytest.mark.parametrize("lane", list(LANES))
def test_nothing_recorded_is_nothing_judged_and_costs_no_pass(
    tiny_model: TwoTower, monkeypatch: pytest.MonkeyPatch, lane: str
) -> None:
    recorded = run(tiny_model, lane)
    with counted(tiny_model, monkeypatch) as calls:
        bare = run(tiny_model, lane, candidates=0)
    assert bare.token_ids == recorded.token_ids
    assert not any(isinstance(event, Judged) for event in bare.events)
    passes = Metrics.of(bare).passes
    assert calls["context_pass"] == passes.get("context pass", 0)


@pytest.mark.parametrize("steps", [1, 3, 8])
def test_a_block_takes_at_most_its_steps(tiny_model: TwoTower, steps: int) -> None:
    events = run(tiny_model, "diffusion", steps_per_block=steps, threshold=1.0).events
    passes = Counter(event.block for event in events if isinstance(event, Denoised))
    assert max(passes.values()) <= steps


def test_confidence_is_that_of_temperature_one(tiny_model: TwoTower) -> None:
    # Whatever temperature and filters chose the token.
    hot = run(tiny_model, "diffusion", temperature=2.0, top_k=3, max_new_tokens=8)
    first = next(event for event in hot.events if isinstance(event, Denoised))
    logits = tiny_model.denoiser_logits(PROMPT, [3] * 8, 1.0)[0].clone()
    logits[:, 3] = -torch.inf
    for slot, proposal in enumerate(first.proposals):
        wanted = float(logits[slot].softmax(-1)[proposal.id])
        assert proposal.confidence == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("length", [8, 9, 16, 20])
def test_the_last_block_is_not_read(tiny_model: TwoTower, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    with counted(tiny_model, monkeypatch) as calls:
        run(tiny_model, "diffusion", max_new_tokens=length, candidates=0)
    assert calls["context_pass"] == (length - 1) // 8
    assert calls["ar_step"] == 0


def test_autoregression_uses_the_context_tower_alone(tiny_model: TwoTower, monkeypatch: pytest.MonkeyPatch) -> None:
    with counted(tiny_model, monkeypatch) as calls:
        run(tiny_model, "autoregressive", max_new_tokens=10)
    assert calls["denoiser_pass"] == 0
    assert calls["prefill"] == 1
    assert calls["ar_step"] == 9  # the first token is the prefill's, the last is not read


def test_the_prefill_is_told_apart(tiny_model: TwoTower) -> None:
    for lane, tokens in (("diffusion", 5), ("autoregressive", 5), ("mock-ar", 4)):
        (prefilled,) = (event for event in run(tiny_model, lane).events if isinstance(event, Prefilled))
        assert prefilled.tokens == tokens
        assert prefilled.seconds > 0
