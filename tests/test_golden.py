"""Our towers and samplers against numbers of NVIDIA's own code (float32, CPU), kept in tests/golden."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_adapter import GoldenModel, load

CASE = Path(__file__).resolve().parent / "golden" / "case_a"
GOLDEN = json.loads((CASE / "golden.json").read_text(encoding="utf-8"))
PROMPTS = GOLDEN["prompts"]
CONTEXT_TOLERANCE, DENOISER_TOLERANCE = 2e-4, 2e-3


@pytest.fixture(scope="module")
def arrays() -> Any:
    return np.load(CASE / "golden.npz")


@pytest.fixture(scope="module")
def model() -> GoldenModel:
    return load(str(CASE / "ckpt"))


def assert_close(ours: Any, golden: np.ndarray, tolerance: float) -> None:
    wanted = golden.astype(np.float64)
    known = ~np.isnan(wanted)  # the mask token's logit is not part of the numbers
    assert ours.shape == wanted.shape
    assert np.abs(ours.double().numpy() - wanted)[known].max() <= tolerance


@pytest.mark.parametrize("number", range(len(PROMPTS)))
def test_context_logits(model: GoldenModel, arrays: Any, number: int) -> None:
    ours = model.prefill_logits(PROMPTS[number])
    assert_close(ours, arrays[f"prefill_{number}_logits"], CONTEXT_TOLERANCE)


def test_context_logits_after_a_block(model: GoldenModel, arrays: Any) -> None:
    extend = GOLDEN["extend"]
    ours = model.prefill_logits(PROMPTS[extend["prompt"]] + extend["context_suffix"])[-1]
    assert_close(ours, arrays["ext_next_logits"], CONTEXT_TOLERANCE)


@pytest.mark.parametrize("number", range(len(GOLDEN["denoiser"])))
def test_denoiser_logits(model: GoldenModel, arrays: Any, number: int) -> None:
    case = GOLDEN["denoiser"][number]
    context = PROMPTS[case["prompt"]] + case.get("context_suffix", [])
    ours = model.denoiser_logits(context, case["block"], case["t"])
    assert_close(ours, arrays[f"den_{number}_logits"], DENOISER_TOLERANCE)


@pytest.mark.parametrize("case", GOLDEN["ar"])
def test_autoregressive_ids_and_logits(model: GoldenModel, arrays: Any, case: dict) -> None:
    prompt, end = PROMPTS[case["prompt"]], case["eos_token_id"]
    assert list(model.ar_greedy(prompt, case["n"], eos_token_id=end)) == case["tokens"]
    if end is None:
        _, logits = model.ar_greedy(prompt, case["n"], want_logits=True)
        assert_close(logits, arrays[f"ar_{case['prompt']}_logits"], CONTEXT_TOLERANCE)


@pytest.mark.parametrize("case", GOLDEN["mock_ar"])
def test_mock_ar_ids_and_logits(model: GoldenModel, arrays: Any, case: dict) -> None:
    prompt, end = PROMPTS[case["prompt"]], case["eos_token_id"]
    assert list(model.mock_ar(prompt, case["n"], eos_token_id=end)) == case["tokens"]
    if end is None:
        _, logits = model.mock_ar(prompt, case["n"], want_logits=True)
        assert_close(logits, arrays[f"mock_{case['prompt']}_logits"], DENOISER_TOLERANCE)


@pytest.mark.parametrize("case", GOLDEN["diffusion"])
def test_diffusion_ids_and_every_step(model: GoldenModel, case: dict) -> None:
    ids, passes, blocks = model.mask_diffusion(
        PROMPTS[case["prompt"]],
        case["max_new_tokens"],
        case["block_size"],
        case["steps_per_block"],
        case["confidence_threshold"],
        eos_token_id=case["eos_token_id"],
    )
    assert list(ids) == case["tokens"]
    assert passes == case["nfe"]
    assert [list(block) for block in blocks] == [step["xt"] for step in case["trace"]]
