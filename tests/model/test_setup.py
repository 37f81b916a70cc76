"""What is to run where: what was asked for, what the machine has, what is refused."""

from __future__ import annotations

import pytest
import torch

from twotower.errors import CheckpointError, InputError
from twotower.model import device as devices
from twotower.model.configuration import TwoTowerConfig
from twotower.model.setup import Setup, Wanted

CPU, ONE, OTHER = torch.device("cpu"), torch.device("cuda", 0), torch.device("cuda", 1)


@pytest.fixture
def two_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that says it has two; nothing is put there."""
    monkeypatch.setattr(devices.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(devices.torch, "empty", lambda *_, device: None)


def test_asked_for_nothing_both_towers_are_on_the_cpu_in_float32(tiny_config: TwoTowerConfig) -> None:
    setup = Setup.find(tiny_config)
    assert (setup.context_device, setup.denoiser_device, setup.devices) == (CPU, CPU, (CPU,))
    assert (setup.dtype, setup.engine, setup.config.bits, setup.where) == (torch.float32, "traced", None, "cpu")


@pytest.mark.usefixtures("two_cards")
@pytest.mark.parametrize(
    ("wanted", "context", "denoiser"),
    [
        (Wanted(context_device="cuda:0", denoiser_device="cuda:1"), ONE, OTHER),
        (Wanted(device="cuda:1"), OTHER, OTHER),
        (Wanted(device="cuda:0", denoiser_device="cuda:1"), ONE, OTHER),
        (Wanted(context_device="cuda:1"), OTHER, OTHER),  # the denoiser tower goes with it
        (Wanted(denoiser_device="none", device="cuda:0"), ONE, None),
        (Wanted(denoiser_device="cpu", device="cuda:0"), ONE, CPU),
    ],
)
def test_towers_go_where_they_are_sent(
    tiny_config: TwoTowerConfig, wanted: Wanted, context: torch.device, denoiser: torch.device | None
) -> None:
    setup = Setup.find(tiny_config, wanted)
    assert (setup.context_device, setup.denoiser_device) == (context, denoiser)
    assert setup.devices == tuple(dict.fromkeys(d for d in (context, denoiser) if d is not None))
    assert (setup.dtype, setup.engine) == (torch.bfloat16, "graphs")


@pytest.mark.usefixtures("two_cards")
def test_two_devices_are_both_named(tiny_config: TwoTowerConfig) -> None:
    setup = Setup.find(tiny_config, Wanted(context_device="cuda:0", denoiser_device="cuda:1"))
    assert setup.where == "cuda:0 and cuda:1"
    alone = Setup.find(tiny_config, Wanted(device="cuda:1", denoiser_device="none"))
    assert alone.where == "cuda:1, context tower alone"


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        (Wanted(device="warp"), "^device is 'warp'"),
        (Wanted(context_device="cuda:7"), "^context device is 'cuda:7'"),
        (Wanted(denoiser_device="nowhere"), "^denoiser device is 'nowhere'"),
        (Wanted(engine="graphs"), "^engine is 'graphs'"),
        (Wanted(engine="steam"), "^engine is 'steam'"),
    ],
)
def test_what_is_not_there_is_named(tiny_config: TwoTowerConfig, wanted: Wanted, named: str) -> None:
    with pytest.raises(InputError, match=named):
        Setup.find(tiny_config, wanted)


def test_a_dtype_nobody_computes_in_is_refused(tiny_config: TwoTowerConfig) -> None:
    with pytest.raises(CheckpointError, match="dtype is 'int3'"):
        Setup.find(tiny_config, Wanted(dtype="int3"))
