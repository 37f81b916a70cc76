"""The commit map of hand-made runs: marks, symbols, boundaries, taus."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from handmade_runs import diffusion_run, many_blocks, one_by_one, pinned_run, verify_run

from twotower.order import text_commits
from twotower.sampling.events import Finished, Rule
from twotower.sampling.generate import LANES
from twotower.trace import Trace
from twotower.views.commit_chart import RULES, commit_map
from twotower.views.lanes import look_of


def marks(trace: Trace) -> list[tuple[Any, ...]]:
    """Of every series: name, symbol, positions, steps, confidences."""
    return [
        (each["name"], each["marker"]["symbol"], each["x"], each["y"], each["marker"]["color"])
        for each in commit_map(trace).to_dict()["data"]
    ]


def taus(trace: Trace) -> list[tuple[float, str]]:
    return [(note.x, note.text) for note in commit_map(trace).layout.annotations]


def test_a_mark_a_token_of_the_text_by_rule() -> None:
    # Position 7 was committed behind the end token and is not there.
    assert marks(diffusion_run()) == [
        ("above threshold", "circle", [0, 2, 3, 5], [1, 1, 3, 1], [0.9, 0.85, 0.95, 0.8]),
        ("forced minimum", "diamond", [1, 4], [2, 2], [0.6, 0.3]),
        ("last step", "x", [6], [4], [0.2]),
    ]


def test_only_drafts_that_stayed_are_marks() -> None:
    # 12 and 13 were drafted and rejected, 22 and 16 are autoregression's own, 19 stands behind the end token.
    assert marks(verify_run()) == [
        ("above threshold", "circle", [1, 3, 4, 5, 7, 8], [1] * 6, [0.9, 0.9, 0.9, 0.85, 0.9, 0.9])
    ]
    assert [(shape.x0, shape.x1) for shape in commit_map(verify_run()).layout.shapes] == [(1.5, 1.5), (5.5, 5.5)]
    assert taus(verify_run()) == [(0, "τ"), (1, "–"), (4, "–"), (7.5, "–")]  # over what each round committed


def test_pins_and_anchors_have_no_step() -> None:
    assert [(name, positions) for name, _, positions, _, _ in marks(pinned_run())] == [
        ("above threshold", [1, 6]),
        ("forced minimum", [3]),
    ]


def test_every_rule_has_a_symbol_and_a_name_of_its_own() -> None:
    assert set(RULES) == set(get_args(Rule))
    symbols, names = zip(*RULES.values())
    assert len(set(symbols)) == len(set(names)) == len(RULES)


def test_every_mark_says_its_block_its_tau_and_its_token() -> None:
    said = [each["customdata"] for each in commit_map(diffusion_run()).to_dict()["data"]]
    assert said == [
        [[1, "0.55", 10], [1, "0.55", 12], [1, "0.55", 13], [2, "0.33", 15]],
        [[1, "0.55", 11], [2, "0.33", 14]],
        [[2, "0.33", 2]],
    ]


def test_confidence_is_cividis_from_zero_to_one() -> None:
    layout = commit_map(diffusion_run()).layout
    assert (layout.coloraxis.cmin, layout.coloraxis.cmax) == (0, 1)
    assert [colour for _, colour in layout.coloraxis.colorscale][:1] == ["#00224e"]
    assert {each.marker.coloraxis for each in commit_map(diffusion_run()).data} == {"coloraxis"}


def test_boundaries_taus_and_axes_fit_the_text() -> None:
    layout = commit_map(diffusion_run()).layout
    assert [(shape.x0, shape.x1) for shape in layout.shapes] == [(3.5, 3.5)]
    assert taus(diffusion_run()) == [(0, "τ"), (1.5, "0.55"), (5, "0.33")]
    assert layout.xaxis.range == (-0.5, 6.5)
    assert layout.yaxis.range == (4.5, 0.5)  # the first step on top
    assert layout.showlegend


def test_sixty_four_blocks_keep_their_boundaries_and_thin_their_taus_out() -> None:
    trace = many_blocks(64)
    assert len(commit_map(trace).layout.shapes) == 63
    labelled = taus(trace)[1:]
    assert labelled == [(16 * number + 0.5, "1.00") for number in range(8)]
    assert sum(len(xs) for _, _, xs, _, _ in marks(trace)) == 128


def test_a_block_without_an_order_has_a_dash() -> None:
    assert taus(many_blocks(2, size=1)) == [(0, "τ"), (0, "–"), (1, "–")]


def test_autoregression_is_a_line_of_passes() -> None:
    (line,) = commit_map(one_by_one()).to_dict()["data"]
    assert line["x"] == [0, 1, 2, 3, 4, 5]
    assert line["y"] == [0, 1, 2, 3, 4, 5]  # the first token is the prefill's
    assert line["line"]["color"] == look_of("autoregressive").colour


@pytest.mark.parametrize("kept", [0, 1])
def test_a_run_stopped_early_shows_what_can_be_read(kept: int) -> None:
    stopped = Trace((*diffusion_run().events[:4], Finished(0.65, "cancelled", kept)))
    assert [positions for _, _, positions, _, _ in marks(stopped)] == [[0]][:kept]


@pytest.mark.parametrize("lane", LANES)
def test_every_token_of_a_real_run_is_drawn_once(traces: dict[str, Trace], lane: str) -> None:
    figure = commit_map(traces[lane])
    drawn = sorted(x for each in figure.data for x in each.x)
    if lane == "verify":  # what autoregression put there has no step
        assert drawn == sorted(proposal.position for _, proposal in text_commits(traces[lane]))
    else:
        assert drawn == list(range(20))
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert figure == commit_map(traces[lane])
