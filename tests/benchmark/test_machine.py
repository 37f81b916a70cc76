"""What the machine can do, and which of it a floor is reckoned by."""

from __future__ import annotations

import pytest
import torch

from twotower.benchmark.floors import Work
from twotower.benchmark.machine import LEAST_BYTES, Machine
from twotower.race import Spread


@pytest.fixture
def machine(quick: None) -> Machine:
    return Machine(torch.device("cpu"), torch.float32, 2)


def test_a_working_set_is_measured_once_and_rounded_up(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def measured(_: Machine, size: int) -> Spread:
        sizes.append(size)
        return Spread(1.0, 1.0, 1.0)

    monkeypatch.setattr(Machine, "_measured", measured)
    for moved in (1, LEAST_BYTES, LEAST_BYTES + 1, 2 * LEAST_BYTES, 10**12):
        machine.bandwidth(moved)
    assert sizes == [LEAST_BYTES, 2 * LEAST_BYTES, machine.far_bytes]


def test_rates_are_of_the_seconds_turned_about(machine: Machine) -> None:
    for rate in (machine.far_bandwidth, machine.rate):
        assert 0 < rate.low <= rate.median <= rate.high


def test_a_floor_is_by_the_best_repeat_at_the_size_of_the_pass(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(_: Machine, size: int) -> Spread:
        return Spread(3.0, 2.0, 4.0) if size == LEAST_BYTES else Spread(1.0, 1.0, 2.0)

    monkeypatch.setattr(Machine, "_measured", measured)
    machine.rate = Spread(50.0, 10.0, 100.0)
    assert machine.floor_seconds(Work(LEAST_BYTES, 0)) == LEAST_BYTES / 4
    assert machine.floor_seconds(Work(2 * LEAST_BYTES, 0)) == LEAST_BYTES
    assert machine.floor_seconds(Work(0, 1000)) == 10.0
