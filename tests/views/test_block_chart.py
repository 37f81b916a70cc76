"""Passes per block: bars, the limit, and what a hover says."""

from __future__ import annotations

from dataclasses import replace

from handmade_runs import diffusion_run, many_blocks, one_by_one, verify_run

from twotower.sampling.events import Denoised, Finished
from twotower.trace import Trace
from twotower.views.block_chart import passes_per_block
from twotower.views.lanes import look_of


def test_bars_by_hand() -> None:
    (bars,) = passes_per_block(diffusion_run()).to_dict()["data"]
    assert (bars["type"], bars["x"], bars["y"]) == ("bar", [1, 2], [3, 4])
    assert bars["customdata"] == [[4, "0.55"], [3, "0.33"]]
    assert bars["marker"]["color"] == look_of("diffusion").colour


def test_the_limit_is_a_line_inside_the_picture() -> None:
    first, *rest = diffusion_run().events
    generous = Trace((replace(first, settings={"steps_per_block": 16}), *rest))  # type: ignore[type-var]
    for trace, limit in ((diffusion_run(), 4), (generous, 16)):
        layout = passes_per_block(trace).layout
        assert [(shape.y0, shape.y1) for shape in layout.shapes] == [(limit, limit)]
        assert [note.text for note in layout.annotations] == [f"limit {limit}"]
        assert layout.yaxis.range[1] > limit


def test_rounds_by_hand() -> None:
    figure = passes_per_block(verify_run())
    (bars,) = figure.to_dict()["data"]
    assert (bars["x"], bars["y"]) == ([1, 2, 3], [2, 1, 1])
    assert [accepted for accepted, _ in bars["customdata"]] == [1, 3, 2]
    assert "drafts accepted" in bars["hovertemplate"]
    assert figure.layout.xaxis.title.text == "round"
    assert [shape.y0 for shape in figure.layout.shapes] == [4]


def test_a_fixed_number_of_draft_passes_is_the_limit() -> None:
    first, *rest = verify_run().events
    fixed = Trace((replace(first, settings={"steps_per_block": 4, "draft_passes": 2}), *rest))  # type: ignore[type-var]
    assert [shape.y0 for shape in passes_per_block(fixed).layout.shapes] == [2]


def test_without_a_recorded_limit_there_is_no_line() -> None:
    layout = passes_per_block(many_blocks(3)).layout
    assert layout.shapes == ()
    assert layout.yaxis.range[1] > 2


def test_blocks_of_a_long_run_are_all_there() -> None:
    (bars,) = passes_per_block(many_blocks(64)).to_dict()["data"]
    assert bars["x"] == list(range(1, 65))
    assert passes_per_block(many_blocks(64)).layout.xaxis.dtick == 8


def test_a_block_that_was_stopped_before_a_pass_has_no_height() -> None:
    (bars,) = passes_per_block(Trace((*diffusion_run().events[:3], Finished(0.5, "cancelled", 0)))).data
    assert list(bars.y) == [0]


def test_bars_add_up_to_the_passes_of_a_real_run(traces: dict[str, Trace]) -> None:
    trace = traces["diffusion"]
    (bars,) = passes_per_block(trace).data
    assert sum(bars.y) == sum(isinstance(event, Denoised) for event in trace.events)
    assert [tokens for tokens, _ in bars.customdata] == [8, 8, 4]


def test_a_lane_without_blocks_is_an_empty_figure() -> None:
    assert passes_per_block(one_by_one()).data == ()
