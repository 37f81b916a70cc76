"""A captured pass is the plain pass: outputs and state, for every layer kind, shape and row."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from random import Random

import pytest
import torch
from held_in import assert_same
from torch import Tensor

from twotower import TwoTower
from twotower.errors import InputError
from twotower.model.engine import ENGINES, Engine, Graphs, Plain, Traced, Work, find_engine
from twotower.model.state import ContextState

CPU = torch.device("cpu")


def recorded(work: Work, state: ContextState, inputs: tuple[Tensor, ...]) -> Work:
    """What a CUDA graph is, on a CPU: it works on the addresses of its capture, and its outputs are its own."""
    buffers, fixed = state.over(state.tensors), [tensor.clone() for tensor in inputs]
    outputs = work(buffers.clone(), *fixed)

    def replay(_: ContextState, *given: Tensor) -> tuple[Tensor, ...]:
        for tensor, new in zip(fixed, given, strict=True):
            tensor.copy_(new)
        for output, new in zip(outputs, work(buffers, *fixed), strict=True):
            output.copy_(new)
        return tuple(output.clone() for output in outputs)

    return replay


def engines() -> list[Engine]:
    return [Traced(), Graphs(recorded)]


def ids(random: Random, *shape: int) -> Tensor:
    rows = torch.tensor([random.randrange(4, 97) for _ in range(torch.Size(shape).numel())])
    return rows.view(shape)


def passes(model: TwoTower, batch: int, seed: int) -> Iterator[tuple[Tensor, ContextState]]:
    """Two runs at once, each through every pass, some of them twice; what each pass gave, and its state."""
    random = Random(seed)
    states = [model.prefill(ids(random, batch, random.randint(1, 9)), room=80)[1] for _ in range(2)]
    for _ in range(2):
        for state in states:
            for size in (4, 7):
                t = [random.random() for _ in range(batch)]
                yield model.denoiser_pass(ids(random, batch, size), state, t), state
            yield model.denoiser_pass(ids(random, batch, 4), state, None), state
            yield model.context_pass(ids(random, batch, 4), state), state
            yield model.context_pass(ids(random, batch, 4), state, [random.randint(0, 4) for _ in range(batch)]), state
            yield model.ar_step(ids(random, batch), state), state
            logits, ahead = model.verify_pass(ids(random, batch, 7), state)
            model.denoiser_pass(ids(random, batch, 7), state, 0.5)  # a look in between disturbs nothing
            model.take_over(ahead, state, [random.randint(0, 7) for _ in range(batch)])
            yield logits, state
            yield model.context_step(ids(random, batch), state), state


@torch.inference_mode()
@pytest.mark.parametrize("engine", engines(), ids=lambda engine: engine.name)
@pytest.mark.parametrize(("pattern", "batch"), [("ME*M-E", 1), ("M*", 3), ("-E", 1)])
def test_every_pass_is_the_plain_one(
    make_model: Callable[..., TwoTower], engine: Engine, pattern: str, batch: int
) -> None:
    plain, captured = (make_model(hybrid_override_pattern=pattern) for _ in range(2))
    captured.engine = type(engine)() if isinstance(engine, Traced) else Graphs(recorded)
    for (wanted, before), (given, state) in zip(passes(plain, batch, 1), passes(captured, batch, 1), strict=True):
        torch.testing.assert_close(given, wanted, atol=1e-5, rtol=1e-5)
        for row in range(batch):
            mine, theirs = (model.empty_state(1, s.capacity) for model, s in ((plain, state), (plain, before)))
            mine.put(0, row_of(state, row))
            theirs.put(0, row_of(before, row))
            assert_same(mine, theirs, 1e-5)


def row_of(state: ContextState, row: int) -> ContextState:
    """One row as a state of its own."""
    single = state.over([tensor[row : row + 1].clone() for tensor in state.tensors])
    single.held = [state.held[row]]
    return single


@torch.inference_mode()
def test_the_embedded_model(embedded_model: TwoTower) -> None:
    assert embedded_model.engine.name == "traced"
    given = [logits for logits, _ in passes(embedded_model, 1, 2)]
    with embedded_model.plainly():
        wanted = [logits for logits, _ in passes(embedded_model, 1, 2)]
    for pair in zip(given, wanted, strict=True):
        torch.testing.assert_close(*pair, atol=1e-3, rtol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@torch.inference_mode()
@pytest.mark.parametrize(("pattern", "batch"), [("ME*M-E", 1), ("M*", 3), ("-E", 1)])
def test_cuda_graphs(make_model: Callable[..., TwoTower], pattern: str, batch: int) -> None:
    plain, captured = (make_model(hybrid_override_pattern=pattern, moe_intermediate_size=16).cuda() for _ in range(2))
    captured.use("graphs")
    with torch.device("cuda"):
        for (wanted, _), (given, _) in zip(passes(plain, batch, 1), passes(captured, batch, 1), strict=True):
            torch.testing.assert_close(given, wanted, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("engine", [Plain(), *engines()], ids=lambda engine: engine.name)
def test_buffers_never_move(make_model: Callable[..., TwoTower], engine: Engine) -> None:
    model = make_model()
    model.engine = engine
    first: dict[int, tuple[int, ...]] = {}
    for _, state in passes(model, 2, 3):
        addresses = tuple(tensor.data_ptr() for tensor in state.tensors)
        assert first.setdefault(id(state), addresses) == addresses == state.addresses


def test_graphs_lend_buffers_that_nobody_uses(make_model: Callable[..., TwoTower]) -> None:
    model = make_model()
    model.engine = Graphs(recorded)
    one, other = model.empty_state(1, 10), model.empty_state(1, 10)
    assert not set(one.addresses) & set(other.addresses)
    for tensor in one.tensors:
        tensor.fill_(7)
    was = one.addresses
    del one
    gc.collect()
    again, longer = model.empty_state(1, 10), model.empty_state(1, 1000)
    assert again.addresses == was
    assert all(not tensor.any() for tensor in again.tensors)
    assert not set(longer.addresses) & (set(was) | set(other.addresses))


def test_a_pass_is_captured_once_for_a_shape(make_model: Callable[..., TwoTower]) -> None:
    captures: list[str] = []

    def counted(work: Work, state: ContextState, inputs: tuple[Tensor, ...]) -> Work:
        captures.append(work.__name__)
        return recorded(work, state, inputs)

    model = make_model()
    model.engine = Graphs(counted)
    _, state = model.prefill(torch.tensor([[5, 6, 7]]), room=40)
    for size in (4, 4, 6, 4):
        model.denoiser_pass(torch.full((1, size), 3), state, 0.5)
        model.denoiser_pass(torch.full((1, size), 3), state, 0.25)
    assert captures == ["_denoiser_pass"] * 2


@torch.inference_mode()
def test_what_cannot_be_captured_runs_plainly_and_says_so(make_model: Callable[..., TwoTower]) -> None:
    def refuses(work: Work, state: ContextState, inputs: tuple[Tensor, ...]) -> Work:
        raise RuntimeError("operation not permitted")

    plain, captured = make_model(), make_model()
    captured.engine = Graphs(refuses)
    with pytest.warns(UserWarning, match="_ar_step cannot be captured and runs plainly: operation not permitted"):
        results = [
            model.ar_step(torch.tensor([9]), model.prefill(torch.tensor([[5, 6, 7]]), room=2)[1])
            for model in (plain, captured)
        ]
    assert torch.equal(*results)


def test_inside_plainly_nothing_is_captured(make_model: Callable[..., TwoTower]) -> None:
    model = make_model()
    model.use("traced")
    traced = model.engine
    with model.plainly():
        assert model.engine.name == "plain"
    assert model.engine is traced


@pytest.mark.parametrize("name", ["fast", "", "graphs"])
def test_an_engine_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"engine is '.*'; allowed: plain"):
        find_engine(name, CPU)


def test_the_fast_engine_of_a_device_is_the_default() -> None:
    assert find_engine(None, CPU).name == "traced"
    assert find_engine(None, torch.device("cuda")).name == "graphs"
    assert {name: make().name for name, make in ENGINES.items()} == {name: name for name in ENGINES}
