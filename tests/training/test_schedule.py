"""Warm-up, stable, decay."""

from __future__ import annotations

import pytest

from twotower.training.schedule import wsd


def test_it_rises_stays_and_falls_to_nothing() -> None:
    rates = [wsd(step, 100, 10, 0.25) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[:10] == sorted(rates[:10])
    assert set(rates[10:76]) == {1.0}
    assert rates[75:] == sorted(rates[75:], reverse=True)
    assert rates[-1] == 0


def test_a_longer_run_is_the_same_until_the_shorter_one_decays() -> None:
    assert [wsd(step, 100, 10, 0.25) for step in range(75)] == [wsd(step, 200, 10, 0.25) for step in range(75)]
