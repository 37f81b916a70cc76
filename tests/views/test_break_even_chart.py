"""Break-even: the mark lies on the line by the verdict's own arithmetic."""

from __future__ import annotations

import pytest

from twotower.metrics import Metrics
from twotower.trace import Trace
from twotower.views.break_even_chart import break_even


def made(lane: str, tokens: int, seconds: float, passes: int) -> Metrics:
    return Metrics(lane, tokens, 0.1, seconds, {"a pass": (seconds / passes,) * passes})


AUTOREGRESSIVE = made("autoregressive", 128, 4.0, 128)  # one token a pass of 1/32 s
WON = made("diffusion", 96, 2.0, 32)  # three tokens a pass of 2/32 s: one and a half times as fast
LOST = made("diffusion", 64, 4.0, 64)  # one token a pass of 2/32 s: half as fast


def points(diffusion: Metrics) -> list[tuple[str, list[float], list[float]]]:
    return [(each["name"], each["x"], each["y"]) for each in break_even(diffusion, AUTOREGRESSIVE).to_dict()["data"]]


def test_a_won_run_by_hand() -> None:
    assert points(WON) == [
        ("a pass took 2.00× AR's time", [0, 3.75], [0, 1.875]),
        ("break-even at 2.00", [2.0], [1]),
        ("this run", [3.0], [1.5]),
    ]


def test_a_lost_run_by_hand_shows_where_it_would_have_won() -> None:
    assert points(LOST) == [
        ("a pass took 2.00× AR's time", [0, 2.5], [0, 1.25]),
        ("break-even at 2.00", [2.0], [1]),
        ("this run", [1.0], [0.5]),
    ]


@pytest.mark.parametrize(("tokens", "seconds", "passes"), [(96, 0.7, 37), (17, 4.3, 11), (40, 1.3, 90)])
def test_the_mark_is_the_measured_speed_up_and_lies_on_the_line(tokens: int, seconds: float, passes: int) -> None:
    diffusion, autoregressive = made("diffusion", tokens, seconds, passes), made("autoregressive", 121, 2.9, 120)
    line, even, run = break_even(diffusion, autoregressive).data
    slope = line.y[1] / line.x[1]
    assert run.x[0] == pytest.approx(tokens / passes)
    assert run.y[0] == pytest.approx((tokens / seconds) / (121 / 2.9))
    assert run.y[0] == pytest.approx(slope * run.x[0])
    assert even.x[0] * slope == pytest.approx(1)
    assert max(run.x[0], even.x[0]) < line.x[1]  # neither stands on the edge


def test_where_autoregression_wins_is_shaded_up_to_even() -> None:
    layout = break_even(WON, AUTOREGRESSIVE).layout
    assert [(shape.type, shape.y0, shape.y1) for shape in layout.shapes] == [("rect", 0, 1), ("line", 1, 1)]
    assert [note.text for note in layout.annotations] == ["AR wins"]
    assert layout.yaxis.range[1] > 1


@pytest.mark.parametrize(
    ("diffusion", "autoregressive"),
    [
        (Metrics("diffusion", 0, 0.1, 0.2, {"denoiser pass": (0.1,)}), AUTOREGRESSIVE),
        (WON, Metrics("autoregressive", 1, 0.1, 0.0, {})),
    ],
)
def test_a_lane_too_short_to_compare_leaves_it_empty(diffusion: Metrics, autoregressive: Metrics) -> None:
    figure = break_even(diffusion, autoregressive)
    assert figure.data == ()
    assert figure.layout.shapes == ()


def test_a_real_race(traces: dict[str, Trace]) -> None:
    diffusion, autoregressive = (Metrics.of(traces[lane]) for lane in ("diffusion", "autoregressive"))
    *_, run = break_even(diffusion, autoregressive).data
    fast, base = diffusion.tokens_per_second, autoregressive.tokens_per_second
    assert fast
    assert base
    assert run.y[0] == pytest.approx(fast / base)
