"""A plan in words: figures a person can check, verdicts, what else would fit."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from released import RELEASED

from twotower.model.setup import Setup, Wanted
from twotower.planning import plan as planning
from twotower.planning.plan import Plan
from twotower.planning.words import as_text, briefly, forms_table

ONE = torch.device("cuda", 0)


@pytest.fixture(autouse=True)
def _a_card_of_80(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "free_bytes", lambda device: 80 * 10**9)


@pytest.fixture
def whole() -> Plan:
    setup = Setup.find(RELEASED, Wanted(dtype="bfloat16"))
    return Plan.of(replace(setup, context_device=ONE, denoiser_device=ONE))


def test_the_whole_text_has_every_part_and_the_verdict(whole: Plan) -> None:
    text = as_text(whole)
    assert text.startswith("52 layers × 2688, both towers: 63.2 B parameters, 126.4 GB in bfloat16.")
    for words in (
        "MoE layers × 23",
        "Mamba-2 layers × 23",
        "Attention layers × 6",
        "time conditioning",
        "8,192 tokens",
    ):
        assert words in text
    assert text.endswith("cuda:0: 128.6 GB needed, 80.0 GB free: does not fit.")


def test_what_does_not_fit_is_told_what_would(whole: Plan) -> None:
    told = briefly(whole)
    assert "does not fit" in told
    for option in ("--denoiser-device none", "--quantize 4", "--context-device cuda:0 --denoiser-device cuda:1"):
        assert option in told


def test_what_fits_is_told_nothing_else(whole: Plan) -> None:
    alone = whole.with_setup(replace(whole.setup, denoiser_device=None))
    told = briefly(replace(alone, free={ONE: 80 * 10**9}))
    assert told.endswith("fits.")
    assert "--" not in told


def test_each_form_is_given_the_least_card_that_holds_it(whole: Plan) -> None:
    cards = {line[0]: line[2] for line in forms_table(whole)[1]}
    assert cards["--device cuda:0"] == "1 × 141 GB"
    assert cards["--context-device cuda:0 --denoiser-device cuda:1"] == "2 × 80 GB"
    assert cards["--denoiser-device none"] == "1 × 80 GB"
    assert (
        forms_table(whole.with_setup(replace(whole.setup, config=replace(RELEASED, hidden_size=26880))))[1][0][2] == "–"
    )
