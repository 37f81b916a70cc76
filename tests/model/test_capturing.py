"""A pass whose shapes depend on its tokens is never captured, and this is why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from quantised import WIDTHS, read_in
from torch import Tensor

from twotower import DEFAULT_MODEL
from twotower.errors import InputError
from twotower.model.capturing import why_plain
from twotower.model.engine import Traced, find_engine
from twotower.model.twotower import TwoTower

ONE_BY_ONE = {"hybrid_override_pattern": "ME*E", "moe_intermediate_size": 1641, "n_routed_experts": 9}
CPU = torch.device("cpu")
Make = Callable[..., TwoTower]


@pytest.fixture(scope="module")
def odd(make_model: Make) -> TwoTower:
    """Experts too large to compute all, of a width that the grouped product does not take."""
    return make_model(**ONE_BY_ONE)


@torch.inference_mode()
def logits(model: TwoTower) -> list[Tensor]:
    """Of some passes of one shape over other tokens each time."""
    generator = torch.Generator().manual_seed(0)
    _, state = model.prefill(torch.tensor([[5, 6, 7]]), room=20)
    blocks = torch.randint(4, 90, (3, 1, 7), generator=generator)
    return [model.denoiser_pass(block, state, 0.5) for block in blocks]


def test_a_trace_would_keep_the_experts_of_the_tokens_it_was_made_of(odd: TwoTower) -> None:
    wanted = logits(odd)
    odd.engine = Traced()  # past the question that `use` asks
    given = logits(odd)
    odd.use(None)
    torch.testing.assert_close(given[0], wanted[0], atol=1e-4, rtol=1e-4)
    for mine, theirs in zip(given[1:], wanted[1:]):  # and no error says so
        assert (mine - theirs).abs().max() > 1


def test_such_a_model_runs_plainly_and_asking_for_more_says_why(odd: TwoTower) -> None:
    assert not odd.capturable
    odd.use(None)
    assert odd.engine.name == "plain"
    with pytest.raises(
        InputError, match=r"engine is 'traced'; allowed: plain, as experts of widths 40 and 1641 .* one"
    ):
        odd.use("traced")


@pytest.mark.parametrize(
    "change",
    [{"moe_intermediate_size": 1640}, {"hybrid_override_pattern": "M*"}, {"moe_intermediate_size": 17}],
    ids=["a width that fits", "no experts", "small ones"],
)
def test_others_may_be_captured(make_model: Make, change: dict[str, object]) -> None:
    model = make_model(**{**ONE_BY_ONE, **change})
    assert model.capturable
    model.use(None)
    assert model.engine.name == "traced"


def test_whether_a_width_fits_depends_on_the_dtype(make_model: Make) -> None:
    config = make_model(**{**ONE_BY_ONE, "n_routed_experts": 40, "moe_intermediate_size": 1644}).config
    assert why_plain(config, torch.float32) is None
    assert "1644" in (why_plain(config, torch.bfloat16) or "")


@pytest.mark.parametrize("bits", [8, 4])
def test_a_quantised_model_runs_plainly(make_model: Make, tmp_path: Path, bits: int) -> None:
    model = read_in(make_model(**WIDTHS), tmp_path, bits)
    assert model.engine.name == "plain"
    assert not model.capturable
    for load in (
        lambda: model.use("traced"),
        lambda: TwoTower.from_pretrained(DEFAULT_MODEL, engine="traced", bits=bits),
    ):
        with pytest.raises(InputError, match="allowed: plain, as quantised experts are expanded by what tokens choose"):
            load()


def test_an_engine_that_is_not_there_is_named_first() -> None:
    with pytest.raises(InputError, match="engine is 'fast'; allowed: plain, traced"):
        find_engine("fast", CPU, "it is so")
    assert find_engine("plain", CPU, "it is so").name == find_engine(None, CPU, "it is so").name == "plain"
