"""Codes and scales: how far off what they give may be, by property and by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from twotower.model import quantization
from twotower.model.quantised_format import group_size
from twotower.model.quantization import Quantised, expand, quantise

WIDTHS = (8, 24, 48, 64, 128)
both = pytest.mark.parametrize("bits", [8, 4])


@st.composite
def weights(draw: st.DrawFn) -> Tensor:
    """A matrix of small numbers and large ones, groups of zeros, ties, single outliers."""
    rows, width = draw(st.integers(1, 3)), draw(st.sampled_from(WIDTHS))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    weight = torch.randn(rows, width, generator=generator) * 10.0 ** draw(st.integers(-20, 20))
    kind = draw(st.sampled_from(["plain", "zeros", "ties", "outlier", "one sign", "sparse"]))
    if kind == "zeros":
        weight[:, :8] = 0
    elif kind == "ties":
        weight = weight.sign() * weight.abs().amax()
    elif kind == "outlier":
        weight[:, 3] *= -50
    elif kind == "one sign":
        weight = weight.abs()
    elif kind == "sparse":
        weight[torch.rand(weight.shape, generator=generator) < 0.9] = 0
    return weight


def by_groups(tensor: Tensor) -> Tensor:
    return tensor.unflatten(-1, (-1, group_size(tensor.shape[-1]) or 1))


@given(weights())
def test_eight_bits_are_off_by_half_a_scale_at_the_most(weight: Tensor) -> None:
    codes, scales = quantise(weight, 8)
    assert (codes.dtype, scales.dtype) == (torch.int8, torch.bfloat16)
    assert codes.abs().max() <= 127
    off = by_groups(weight - expand(codes, scales, torch.float32)).abs()
    assert (off <= scales.float().unsqueeze(-1) / 2 * (1 + 1e-5)).all()
    # A scale is no larger than the group's largest number asks for, but for its own rounding.
    assert (scales.float() * 127 <= by_groups(weight).abs().amax(-1) * (1 + 2**-8)).all()


@given(weights())
def test_four_bits_are_off_by_half_a_scale_or_cut_off(weight: Tensor) -> None:
    codes, scales = quantise(weight, 4)
    assert (codes.dtype, codes.shape) == (torch.uint8, (*weight.shape[:-1], weight.shape[-1] // 2))
    numbers, scale = by_groups(weight), scales.float().unsqueeze(-1)
    off = (by_groups(expand(codes, scales, torch.float32)) - numbers).abs()
    in_scales = torch.where(scale == 0, 0.0, numbers / scale)
    within = (in_scales >= -8) & (in_scales <= 7)
    assert (off[within] <= (scale.abs() / 2 * (1 + 1e-5)).expand_as(off)[within]).all()
    # What is cut off is so by little: a scale shrinks by 15 % at the most, and the other end of a group by one code.
    assert in_scales.min() >= -8 / 0.85 * (1 + 2**-8)
    assert in_scales.max() <= 8 / 0.85 * (1 + 2**-8)


@given(weights())
def test_the_search_never_leaves_more_than_the_scale_without_it(weight: Tensor) -> None:
    numbers = by_groups(weight).double()
    largest = numbers.gather(-1, numbers.abs().argmax(-1, keepdim=True))
    scale = (largest / -8).to(torch.bfloat16).double()
    plain = (numbers / scale.where(scale != 0, 1.0)).round().clamp(-8, 7) * scale
    made = by_groups(expand(*quantise(weight, 4), torch.float32)).double()
    ours, theirs = ((given - numbers).square().sum(-1) for given in (made, plain))
    assert (ours <= theirs * (1 + 1e-4) + 1e-60).all()


@both
@given(weights())
def test_what_was_expanded_gives_the_same_codes_again(bits: int, weight: Tensor) -> None:
    once = quantise(weight, bits)
    again = quantise(expand(*once, torch.float32), bits)
    assert torch.equal(expand(*again, torch.float32), expand(*once, torch.float32))


@given(st.integers(0, 2**31), st.sampled_from(WIDTHS))
def test_every_code_of_four_bits_is_packed_and_unpacked(seed: int, width: int) -> None:
    group = group_size(width) or 1
    codes = torch.randint(-8, 8, (2, width // group, group), generator=torch.Generator().manual_seed(seed))
    codes[..., seed % group] = -8  # every group has its largest
    weight = (codes * 0.25).flatten(-2)
    assert torch.equal(expand(*quantise(weight, 4), torch.float32), weight)


def test_the_layout_by_hand() -> None:
    """Bytes as a file holds them: another program reads them by this."""
    weight = torch.tensor([[-8.0, -7, 0, 1, 2, 3, 7, 6, *[16.0, 0, -14, 0, 0, 0, 2, 4]]])  # 16 wide: one group of 16
    codes, scales = quantise(weight[:, :8], 4)
    assert scales.tolist() == [[1.0]]
    low, high = [0, 1, 8, 9], [10, 11, 15, 14]  # a code is 8 more than the number over the scale
    assert codes.tolist() == [[one | other << 4 for one, other in zip(low, high)]]
    codes, scales = quantise(weight[:, 8:], 4)
    assert scales.tolist() == [[-2.0]]  # its largest number is above zero
    assert codes.tolist() == [[one | other << 4 for one, other in zip([0, 8, 15, 8], [8, 8, 7, 6])]]
    codes, scales = quantise(torch.tensor([[127.0, -127, 1, 0, -3, 0, 0, 0, 0.5, -1, 0, 0, 0, 0, 0, 1, *[0.0] * 8]]), 8)
    assert scales.tolist() == [[1.0, pytest.approx(1 / 127, rel=2**-8), 0.0]]
    assert codes[0, :5].tolist() == [127, -127, 1, 0, -3]
    assert codes[0, 16:].tolist() == [0] * 8


@both
def test_expanding_in_bfloat16_rounds_once(bits: int) -> None:
    codes, scales = quantise(torch.randn(5, 128, generator=torch.Generator().manual_seed(0)), bits)
    assert torch.equal(expand(codes, scales, torch.bfloat16), expand(codes, scales, torch.float32).bfloat16())


@both
def test_a_gaussian_weight_is_off_by_what_the_module_says(bits: int) -> None:
    weight = torch.randn(256, 2688, generator=torch.Generator().manual_seed(1))
    off = (expand(*quantise(weight, bits), torch.float32) - weight).norm() / weight.norm()
    assert off == pytest.approx({8: 0.006, 4: 0.091}[bits], rel=0.02)


@both
@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_has_no_codes(bits: int, wrong: float) -> None:
    weight = torch.ones(2, 16)
    weight[1, 5] = wrong
    with pytest.raises(ValueError, match="NaN or infinity"):
        quantise(weight, bits)


@both
def test_rows_written_a_few_at_a_time_are_the_rows_written_at_once(monkeypatch: pytest.MonkeyPatch, bits: int) -> None:
    weight = torch.randn(3, 7, 48, generator=torch.Generator().manual_seed(2))
    whole, parts = Quantised(weight.shape, bits), Quantised(weight.shape, bits)
    whole.rows.copy_(weight)
    monkeypatch.setattr(quantization, "_NUMBERS_AT_ONCE", 100)
    for rows, part in zip(parts.rows, weight.bfloat16().float()):
        rows.copy_(part)
    parts.rows.copy_(weight)
    assert torch.equal(parts.codes, whole.codes)
    assert torch.equal(parts.scales, whole.scales)
    assert parts.rows.shape == weight.shape


@both
def test_chosen_ones_are_those_of_all(bits: int) -> None:
    weight = Quantised((5, 6, 16), bits)
    weight.rows.copy_(torch.randn(5, 6, 16, generator=torch.Generator().manual_seed(3)))
    chosen = torch.tensor([4, 0, 4])
    assert torch.equal(weight.expand(torch.float32, chosen), weight.expand(torch.float32)[chosen])
