"""The short paths of a Mamba-2 mixer against its chunked scan."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from twotower.model.mamba import Mamba2
from twotower.model.memory import MambaState
from twotower.model.twotower import TwoTower

CHUNK = 8  # of the tiny model


@pytest.fixture
def mixer(tiny_model: TwoTower) -> Mamba2:
    return tiny_model.context_tower.layers[0].mixer


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def hidden(mixer: Mamba2, length: int, batch: int = 2) -> Tensor:
    return noise(batch, length, mixer.config.hidden_size)


def seeded(mixer: Mamba2, batch: int = 2) -> MambaState:
    """A state as a context leaves it, in no place zero."""
    empty = mixer.initial_state(batch)
    return MambaState(noise(*empty.conv.shape, seed=1), 3 * noise(*empty.ssm.shape, seed=2))


def extend(mixer: Mamba2, block: Tensor, state: MambaState, count: int | None = None) -> Tensor:
    """Read a block ahead and take the first `count` tokens of it over, by default all."""
    y, ahead = mixer.read_ahead(block, state)
    length = block.shape[1] if count is None else count
    stay = (torch.arange(block.shape[1]) < length).expand(block.shape[:2])
    mixer.take_over(ahead, state, stay, length + torch.arange(mixer.config.conv_kernel - 1).expand(len(block), -1))
    return y


def assert_equal_states(one: MambaState, other: MambaState) -> None:
    torch.testing.assert_close(one.ssm, other.ssm, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(one.conv, other.conv, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("length", [1, 2, 5, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_reading_ahead_leaves_the_state_alone(mixer: Mamba2, length: int) -> None:
    state = seeded(mixer)
    y, _ = mixer.read_ahead(hidden(mixer, length), state)
    assert torch.equal(state.conv, seeded(mixer).conv)
    assert torch.equal(state.ssm, seeded(mixer).ssm)
    torch.testing.assert_close(extend(mixer, hidden(mixer, length), state), y)
    assert not torch.equal(state.ssm, seeded(mixer).ssm)


@pytest.mark.parametrize("length", [1, 2, 3, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 3])
@pytest.mark.parametrize("chunk", [3, CHUNK, 64])
def test_a_block_is_the_chunked_scan_whatever_the_length(mixer: Mamba2, length: int, chunk: int) -> None:
    text, state = hidden(mixer, length), seeded(mixer)
    wanted, boundaries, columns = mixer._scan(text, state, chunk)
    torch.testing.assert_close(extend(mixer, text, state), wanted, atol=1e-4, rtol=1e-4)
    assert_equal_states(state, MambaState(columns[:, -(mixer.config.conv_kernel - 1) :], boundaries[:, -1]))


@pytest.mark.parametrize("length", [1, 2, 3, CHUNK, CHUNK + 1, 3 * CHUNK + 2])
def test_a_prefill_is_a_block_upon_nothing(mixer: Mamba2, length: int) -> None:
    text, one, other = hidden(mixer, length), mixer.initial_state(2), mixer.initial_state(2)
    torch.testing.assert_close(mixer.prefill(text, one), extend(mixer, text, other), atol=1e-4, rtol=1e-4)
    assert_equal_states(one, other)


@pytest.mark.parametrize("cut", [0, 1, 2, CHUNK - 1, CHUNK, CHUNK + 1])
def test_a_part_that_is_taken_over_is_as_if_nothing_came_behind_it(mixer: Mamba2, cut: int) -> None:
    text, state, wanted = hidden(mixer, 2 * CHUNK + 1), seeded(mixer), seeded(mixer)
    extend(mixer, text, state, cut)
    if cut:
        extend(mixer, text[:, :cut], wanted)
    assert_equal_states(state, wanted)


def test_rows_take_over_as_much_as_each_of_them_wants(mixer: Mamba2) -> None:
    text, state = hidden(mixer, CHUNK), seeded(mixer)
    _, ahead = mixer.read_ahead(text, state)
    counts = torch.tensor([[3], [0]])
    mixer.take_over(ahead, state, torch.arange(CHUNK) < counts, counts + torch.arange(mixer.config.conv_kernel - 1))
    some, none = seeded(mixer), seeded(mixer)
    extend(mixer, text, some, 3)
    assert_equal_states(MambaState(state.conv[:1], state.ssm[:1]), MambaState(some.conv[:1], some.ssm[:1]))
    assert_equal_states(MambaState(state.conv[1:], state.ssm[1:]), MambaState(none.conv[1:], none.ssm[1:]))


def test_a_step_is_a_block_of_one_token(mixer: Mamba2) -> None:
    token, state, other = hidden(mixer, 1), seeded(mixer), seeded(mixer)
    wanted = extend(mixer, token, other)
    torch.testing.assert_close(mixer.step(token[:, 0], state), wanted[:, 0], atol=1e-4, rtol=1e-4)
    assert_equal_states(state, other)


@pytest.mark.parametrize("length", [1, 4, 31, 33])
def test_the_convolution_is_torchs(mixer: Mamba2, length: int) -> None:
    kernel = mixer.config.conv_kernel
    columns = noise(2, kernel - 1 + length, mixer.config.conv_channels)
    wanted = torch.nn.functional.conv1d(
        columns.transpose(1, 2), mixer.conv1d.weight, mixer.conv1d.bias, groups=columns.shape[-1]
    )
    torch.testing.assert_close(mixer._convolve(columns), wanted.transpose(1, 2), atol=1e-5, rtol=1e-4)
