"""The short paths of a Mamba-2 mixer against its chunked scan."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from twotower.model.mamba import Mamba2
from twotower.model.state import MambaState
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


@pytest.mark.parametrize("length", [1, 2, 5, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_denoise_is_extend_and_leaves_the_state_alone(mixer: Mamba2, length: int) -> None:
    state, block = seeded(mixer), hidden(mixer, length)
    conv, ssm = state.conv.clone(), state.ssm.clone()
    wanted, _ = mixer.extend(block, state)
    torch.testing.assert_close(mixer.denoise(block, state), wanted, atol=1e-4, rtol=1e-4)
    assert torch.equal(state.conv, conv)
    assert torch.equal(state.ssm, ssm)


@pytest.mark.parametrize("length", [1, 2, 3, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 3])
@pytest.mark.parametrize("chunk", [3, CHUNK, 64])
def test_extend_is_the_chunked_scan_whatever_the_length(mixer: Mamba2, length: int, chunk: int) -> None:
    text, state = hidden(mixer, length), seeded(mixer)
    wanted, boundaries, columns = mixer._scan(text, state, chunk)
    y, after = mixer.extend(text, state)
    torch.testing.assert_close(y, wanted, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(after.ssm, boundaries[:, -1], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(after.conv, columns[:, -(mixer.config.conv_kernel - 1) :])


@pytest.mark.parametrize("cut", [1, CHUNK - 1, CHUNK, CHUNK + 1])
def test_a_text_in_two_pieces_is_the_text(mixer: Mamba2, cut: int) -> None:
    text, state = hidden(mixer, 2 * CHUNK + 1), seeded(mixer)
    wanted, end = mixer.extend(text, state)
    first, between = mixer.extend(text[:, :cut], state)
    second, after = mixer.extend(text[:, cut:], between)
    torch.testing.assert_close(torch.cat((first, second), 1), wanted, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(after.ssm, end.ssm, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(after.conv, end.conv, atol=1e-5, rtol=1e-5)


def test_a_step_is_a_piece_of_one_token(mixer: Mamba2) -> None:
    token, state = hidden(mixer, 1), seeded(mixer)
    wanted, end = mixer.extend(token, state)
    y, after = mixer.step(token[:, 0], state)
    torch.testing.assert_close(y, wanted[:, 0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(after.ssm, end.ssm, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(after.conv, end.conv, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("length", [1, 4, 31, 33])
def test_the_convolution_is_torchs(mixer: Mamba2, length: int) -> None:
    kernel = mixer.config.conv_kernel
    columns = noise(2, kernel - 1 + length, mixer.config.conv_channels)
    wanted = torch.nn.functional.conv1d(
        columns.transpose(1, 2), mixer.conv1d.weight, mixer.conv1d.bias, groups=columns.shape[-1]
    )
    torch.testing.assert_close(mixer._convolve(columns), wanted.transpose(1, 2), atol=1e-5, rtol=1e-4)
