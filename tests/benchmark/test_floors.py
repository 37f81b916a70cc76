"""Bytes and operations against counts made by hand."""

from __future__ import annotations

import pytest

from tests.released import RELEASED
from twotower.benchmark.floors import Floors, Work
from twotower.benchmark.weights import head_bytes, token_products, tower_bytes
from twotower.model.configuration import TwoTowerConfig

ATTENTION = TwoTowerConfig("*", vocab_size=10, hidden_size=4, num_attention_heads=2, num_key_value_heads=1, head_dim=3)
MAMBA = TwoTowerConfig(
    "M", vocab_size=10, hidden_size=4, mamba_num_heads=2, mamba_head_dim=3, n_groups=1, ssm_state_size=5, chunk_size=4
)
WEIGHTS = 4 + 4 + 4 * (6 + 3 + 3 + 6)  # two norms, q k v o
INNER, CHANNELS, STATE = 6, 16, 6 * 5  # 16 = 6 + 2 * 5
CONV = 3 * CHANNELS
MAMBA_WEIGHTS = 4 + 4 + 4 * (6 + 16 + 2) + 6 * 4 + CHANNELS * 4 + CHANNELS + 6 + 3 * 2


def test_an_ar_step_reads_the_keys_before_it_and_writes_its_own() -> None:
    work = Floors(ATTENTION, 4).ar_step(7, [])
    assert work.bytes == 4 * (WEIGHTS + 40 + 4 + 7 * 6 + 6)  # with head, embedding row, keys and values
    assert work.operations == 2 * (4 * 18 + 40 + 8 * 2 * 6)  # 8 keys seen, scores and values of 6 numbers each


def test_a_blocks_slots_see_each_other_in_the_denoiser_and_what_is_before_them_in_the_context_tower() -> None:
    floors = Floors(ATTENTION, 2)
    denoiser, context = floors.denoiser_pass(3, 7, []), floors.context_pass(3, 7, [])
    assert denoiser.operations == 2 * (3 * 72 + 3 * 40 + 2 * 3 * 10 * 6)
    assert context.operations == 2 * (3 * 72 + 2 * (8 + 9 + 10) * 6)
    assert denoiser.bytes == 2 * (WEIGHTS + 40 + 3 * 4 + 7 * 6 + 3 * 4)  # the last: shift, scale, gate
    assert context.bytes == 2 * (WEIGHTS + 3 * 4 + 10 * 6)
    assert floors.verify_pass(3, 7, []).operations == context.operations + 2 * 3 * 40
    assert floors.verify_pass(3, 7, []).bytes == context.bytes + 2 * 40


def test_a_mamba_layer_reads_and_writes_its_states() -> None:
    floors = Floors(MAMBA, 4)
    step, denoiser = floors.ar_step(7, []), floors.denoiser_pass(3, 7, [])
    assert step.bytes == 4 * (MAMBA_WEIGHTS + 40 + 4 + 2 * (CONV + STATE))
    assert step.bytes == floors.ar_step(7000, []).bytes
    assert denoiser.bytes == 4 * (MAMBA_WEIGHTS + 40 + 3 * 4 + CONV + STATE + 3 * 4)
    token = 4 * 24 + 6 * 4 + CHANNELS * 4
    assert step.operations == 2 * (token + 40 + 2 * STATE + (5 + 6))
    assert denoiser.operations == 2 * (3 * (token + 40) + 3 * STATE + 6 * (5 + 6))  # 6 pairs within the block


def test_the_scan_of_a_long_prompt_goes_chunk_by_chunk() -> None:
    token = 4 * 24 + 6 * 4 + CHANNELS * 4
    work = Floors(MAMBA, 4).prefill(10, [])
    pairs = 2 * 10 + 3  # two chunks of four, one of two
    assert work.operations == 2 * (10 * token + 40 + 10 * 2 * STATE + pairs * (5 + 6))


def test_a_roll_back_reads_what_the_verify_pass_left_and_no_weights() -> None:
    floors = Floors(MAMBA, 2)
    ahead = 2 * (3 + 3) * CHANNELS + 4 * 3 * (6 + 2 + 5)
    assert floors.verify_pass(3, 7, []).bytes - floors.context_pass(3, 7, []).bytes == (
        ahead - (2 * CONV + 4 * STATE) + head_bytes(MAMBA, 2)
    )
    work = floors.take_over(2)
    assert work.bytes == 4 * 2 * (6 + 2 + 5) + 4 * 2 + 2 * (2 * CONV + 4 * STATE)
    assert work.operations == 2 * 2 * STATE
    assert Floors(ATTENTION, 2).take_over(2) == Work(0, 0)


def test_the_released_models_ar_step_reads_six_and_a_half_gigabytes() -> None:
    floors = Floors(RELEASED, 2)
    step = floors.ar_step(1024, [6] * 23)
    weights = tower_bytes(RELEASED, 2, [6] * 23) + head_bytes(RELEASED, 2)
    keys = 6 * 2 * 2 * 128 * 2 * 1025
    states = 23 * (3 * 6144 * 2 + 64 * 64 * 128 * 4)
    assert step.bytes == weights + 2688 * 2 + keys + 2 * states
    assert step.bytes == pytest.approx(6.5e9, rel=0.02)
    attention = 6 * 2 * 1025 * 32 * 128
    scan = 23 * (2 * 64 * 64 * 128 + 8 * 128 + 64 * 64)
    assert step.operations == 2 * (token_products(RELEASED) + 131072 * 2688 + attention + scan)


def test_a_longer_context_adds_its_keys_and_values() -> None:
    floors = Floors(RELEASED, 2)
    more = floors.ar_step(2048, [6] * 23).bytes - floors.ar_step(1024, [6] * 23).bytes
    assert more == 1024 * 6 * 2 * 2 * 128 * 2


def test_the_floor_is_the_longer_of_the_two_times() -> None:
    assert Work(100, 10).seconds(10.0, 10.0) == 10.0
    assert Work(100, 10).seconds(1000.0, 10.0) == 1.0
