"""Charts that show what was measured and need no network."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.benchmark.handmade_figures import FIGURES
from twotower.benchmark.plot import bars, lines, page


def test_a_pass_has_a_bar_with_its_spread_beside_its_floor() -> None:
    measured, floor = bars(FIGURES.passes).data
    assert list(measured.x) == ["AR step<br>plain", "prefill 64<br>plain"]
    assert list(measured.y) == [1.25, 500.0]
    assert list(measured.error_y.array) == [1.25, 500.0]
    assert list(measured.error_y.arrayminus) == [0.625, 250.0]
    assert list(floor.y) == [0.3125, 125.0]


def test_growth_is_a_line_a_kind_with_its_floor() -> None:
    figure = lines(FIGURES.by_context, "tokens before the block", lambda each: each.context)
    measured, floor = figure.data
    assert list(measured.x) == list(floor.x) == [256, 512]
    assert list(measured.y) == [1.0, 2.0]
    assert list(floor.y) == [0.25, 0.5]
    assert (measured.name, floor.name) == ("AR step, plain", "AR step, plain: floor")
    assert list(figure.layout.xaxis.tickvals) == [256, 512]


def test_two_engines_have_lines_of_their_own() -> None:
    faster = tuple(replace(each, engine="graphs") for each in FIGURES.by_block)
    figure = lines((*FIGURES.by_block, *faster), "tokens of the block", lambda each: each.size)
    assert [line.name for line in figure.data[::2]] == ["denoiser pass, plain", "denoiser pass, graphs"]


def test_the_page_is_whole_and_loads_nothing() -> None:
    whole = page(FIGURES)
    assert whole.startswith("<!doctype html>")
    assert whole.count('class="plotly-graph-div"') == 3
    assert "tiny (6.26 M parameters" in whole
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", re.sub(r"<script>.*?</script>", "", whole, flags=re.S))
