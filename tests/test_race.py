"""The fair race: everything warm, lanes in turn, order reversed, nobody collecting garbage."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest
import torch
from handmade import started

from twotower import race as race_module
from twotower.errors import NumericalError
from twotower.model.engine import Graphs, Work
from twotower.model.state import ContextState
from twotower.model.twotower import TwoTower
from twotower.race import Spread, collector_at_rest, race, standings, warm_up
from twotower.sampling.events import Event, Finished, Prefilled, TokenDecoded
from twotower.sampling.generate import LANES, generate
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace

SETTINGS = SamplingSettings(max_new_tokens=20, block_size=8, seed=1, end_token_ids=())


def test_the_order_turns_about(tiny_model: TwoTower) -> None:
    traces = list(race(tiny_model, [5, 6], ["diffusion", "autoregressive"], SETTINGS, repeats=3))
    order = [trace.started.lane for trace in traces]
    assert order == ["diffusion", "autoregressive", "autoregressive", "diffusion", "diffusion", "autoregressive"]


def test_repeats_of_a_lane_are_the_same_text(tiny_model: TwoTower) -> None:
    traces = list(race(tiny_model, [5, 6], ["diffusion"], SETTINGS, repeats=2))
    assert traces[0].token_ids == traces[1].token_ids


@pytest.mark.parametrize("length", [5, 8, 20, 64])
def test_warming_up_meets_every_shape_of_the_run(
    tiny_model: TwoTower, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    shapes: set[tuple] = set()
    for name in ("prefill", "context_pass", "denoiser_pass", "ar_step"):
        real = getattr(tiny_model, name)

        def spy(ids: torch.Tensor, *args, _name=name, _real=real):  # type: ignore[no-untyped-def]
            shapes.add((_name, *ids.shape))
            return _real(ids, *args)

        monkeypatch.setattr(tiny_model, name, spy)
    settings = SamplingSettings(max_new_tokens=length, block_size=8, seed=1, end_token_ids=())
    warm_up(tiny_model, settings, [5, 6, 7])
    met = set(shapes)
    shapes.clear()
    for lane in ("diffusion", "autoregressive", "mock-ar"):
        list(race(tiny_model, [5, 6, 7], [lane], settings))
    assert shapes <= met


@pytest.mark.parametrize("length", [5, 8, 20, 300])
@pytest.mark.parametrize("lane", LANES)
def test_after_warming_up_nothing_is_captured_and_no_t_embedded(
    make_model: Callable[..., TwoTower], monkeypatch: pytest.MonkeyPatch, lane: str, length: int
) -> None:
    model = make_model()
    captured: list[str] = []

    def capture(work: Work, state: ContextState, inputs: tuple[torch.Tensor, ...]) -> Work:
        captured.append(work.__name__)
        buffers = state.over(state.tensors)  # as a graph, it knows the buffers and keeps no state alive
        return lambda _, *given: work(buffers, *given)

    model.engine = Graphs(capture)
    settings = SamplingSettings(max_new_tokens=length, block_size=8, seed=1, end_token_ids=())
    warm_up(model, settings, [5, 6, 7], [lane])
    assert captured
    captured.clear()
    monkeypatch.setattr(model.conditioning, "forward", lambda t: pytest.fail(f"t = {t} was embedded in the run"))
    list(generate(model, [5, 6, 7], lane, settings))
    assert captured == []


def test_no_collection_inside_and_the_collector_back_after_an_error() -> None:
    with collector_at_rest():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), collector_at_rest():
        raise KeyError
    assert gc.isenabled()


def test_no_lane_of_a_race_is_collected_in_and_what_comes_between_is(
    tiny_model: TwoTower, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[bool] = []

    def watched(model: TwoTower, ids: list[int], lane: str, settings: SamplingSettings) -> Iterator[Event]:
        for event in generate(model, ids, lane, settings):
            inside.append(gc.isenabled())
            yield event

    monkeypatch.setattr(race_module, "warm_up", lambda *_: None)  # which may be collected in: nothing is timed
    monkeypatch.setattr(race_module, "generate", watched)
    between = [gc.isenabled() for _ in race(tiny_model, [5, 6], ["diffusion", "autoregressive"], SETTINGS)]
    assert inside
    assert not any(inside)
    assert between == [True, True]


def test_a_lane_that_breaks_gives_the_collector_back(tiny_model: TwoTower, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> Iterator[Event]:
        yield from ()
        raise NumericalError("NaN in a pass")

    monkeypatch.setattr(race_module, "warm_up", lambda *_: None)
    monkeypatch.setattr(race_module, "generate", breaks)
    with pytest.raises(NumericalError):
        next(race(tiny_model, [5, 6], ["diffusion"], SETTINGS))
    assert gc.isenabled()


def test_median_and_ends() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert Spread.of([4.0]) == Spread(4.0, 4.0, 4.0)


def timed(lane: str, seconds: float) -> Trace:
    events = [
        started(lane),
        Prefilled(0.1, 1, 0.1),
        TokenDecoded(0.1 + seconds, 0, 9, 0.5, (), seconds),
        Finished(0.1 + seconds, "length", 1),
    ]
    return Trace(tuple(events))


def test_speed_ups_are_taken_repeat_by_repeat() -> None:
    # The second repeat ran backwards, on a machine that had become three times as slow.
    traces = [timed("mock-ar", 2), timed("autoregressive", 1), timed("autoregressive", 3), timed("mock-ar", 6)]
    mock, base = standings(traces)
    assert (mock.lane, base.lane) == ("mock-ar", "autoregressive")
    assert mock.speed_up is not None
    assert mock.speed_up.low == pytest.approx(0.5)
    assert mock.speed_up.high == pytest.approx(0.5)
    assert mock.decode_seconds.median == pytest.approx(4)
    assert mock.middle.decode_seconds == pytest.approx(2)


def test_without_the_baseline_there_is_no_speed_up() -> None:
    (only,) = standings([timed("mock-ar", 2)])
    assert only.speed_up is None
