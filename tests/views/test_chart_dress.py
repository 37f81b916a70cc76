"""One dress for every figure."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from twotower.views.chart_dress import dress, every, tau_text


@pytest.mark.parametrize(("count", "step"), [(0, 1), (1, 1), (8, 1), (9, 2), (16, 2), (17, 3), (64, 8)])
def test_at_most_eight_labels_stand_side_by_side(count: int, step: int) -> None:
    assert every(count) == step
    assert len(range(0, count, step)) <= 8


@pytest.mark.parametrize(("tau", "text"), [(None, "–"), (1.0, "1.00"), (-0.337, "-0.34"), (-0.001, "0.00")])
def test_tau_in_two_digits(tau: float | None, text: str) -> None:
    assert tau_text(tau) == text


def test_an_axis_without_a_title_has_no_grid() -> None:
    figure = go.Figure()
    dress(figure, "", "tokens")
    assert not figure.layout.xaxis.showgrid
    assert figure.layout.yaxis.title.text == "tokens"
    assert figure.layout.height == 340
