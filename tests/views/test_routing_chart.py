"""The heat map of a run worked out by hand: four experts, two layers, three passes over two blocks."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from twotower.errors import InputError
from twotower.routing import RoutedPass, Routing
from twotower.views.routing_chart import routing_caption, routing_chart, touched

ROUTING = Routing(
    layers=(2, 5),
    experts=4,
    chosen=1,
    passes=(
        RoutedPass(0, 0, 8, ((8, 0, 0, 0), (2, 2, 2, 2))),
        RoutedPass(0, 1, 8, ((4, 4, 0, 0), (6, 0, 2, 0))),
        RoutedPass(1, 0, 4, ((0, 0, 1, 3), (4, 0, 0, 0))),
    ),
    seed=7,
    token_ids=(1, 2, 3),
)


def test_colours_are_the_share_of_the_slots() -> None:
    (heat,) = routing_chart(ROUTING, 2).data
    assert [list(row) for row in heat.z] == [[1.0, 0.5, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.25], [0.0, 0.0, 0.75]]
    assert list(heat.y) == ["1", "2", "3", "4"]
    assert list(heat.x) == [0, 1, 2]
    assert heat.text[3][2] == "expert 4: 3 of 4 slots"
    assert heat.customdata[0][1] == "block 1, step 2"


def test_another_layer_is_another_picture_on_the_same_scale() -> None:
    first, second = routing_chart(ROUTING, 2).data[0], routing_chart(ROUTING, 5).data[0]
    assert list(second.z[0]) == [0.25, 0.75, 1.0]
    assert (first.zmin, first.zmax) == (second.zmin, second.zmax) == (0, 1.0)


def test_without_a_layer_it_shows_how_many_experts_each_layer_touches() -> None:
    figure = routing_chart(ROUTING, None)
    (heat,) = figure.data
    assert [list(row) for row in heat.z] == [[0.25, 0.5, 0.5], [1.0, 0.5, 0.25]]
    assert list(heat.y) == ["3", "6"]  # people count layers from 1
    assert heat.text[1][0] == "layer 6: 4 of 4 experts"
    assert (figure.layout.yaxis.title.text, heat.colorbar.title.text) == ("layer", "experts touched")


def test_touched_counts_experts_that_any_slot_chose() -> None:
    assert [touched(each) for each in ROUTING.passes] == [(1, 4), (2, 2), (2, 1)]


def test_a_line_stands_where_a_block_begins() -> None:
    layout = routing_chart(ROUTING, 2).layout
    assert [shape.x0 for shape in layout.shapes] == [1.5]
    assert list(layout.xaxis.tickvals) == [0, 2]
    assert list(layout.xaxis.ticktext) == ["1", "2"]


def test_many_blocks_are_not_all_named() -> None:
    passes = tuple(RoutedPass(block, 0, 8, ((8, 0, 0, 0), (8, 0, 0, 0))) for block in range(64))
    layout = routing_chart(replace(ROUTING, passes=passes), 2).layout
    assert len(layout.shapes) == 63
    assert len(layout.xaxis.ticktext) <= 8
    assert layout.xaxis.ticktext[0] == "1"


def test_a_hundred_and_twenty_eight_experts_fit_a_screen() -> None:
    row = (6, *[0] * 127)
    passes = tuple(RoutedPass(block, step, 16, ((row),)) for block in range(8) for step in range(16))
    figure = routing_chart(Routing((1,), 128, 6, passes, 0, ()), 1)
    assert len(figure.data[0].z) == 128
    assert figure.layout.height <= 800
    json.loads(figure.to_json())


def test_the_scale_is_cividis_and_has_a_name() -> None:
    (heat,) = routing_chart(ROUTING, 2).data
    assert heat.colorscale[0][1] == "#00224e"
    assert heat.colorbar.title.text == "share of slots"


def test_a_layer_without_experts_is_refused() -> None:
    for show in (routing_chart, routing_caption):
        with pytest.raises(InputError, match="one of 2, 5"):
            show(ROUTING, 0)


def test_a_run_that_made_no_pass_is_an_empty_chart() -> None:
    empty = replace(ROUTING, passes=())
    for layer in (2, None):
        assert all(len(row) == 0 for row in routing_chart(empty, layer).data[0].z)
        assert routing_caption(empty, layer).startswith("0 denoiser passes")


def test_the_caption_averages_what_a_pass_touches() -> None:
    assert "3 denoiser passes over 2 blocks, seed 7" in routing_caption(ROUTING, 2)
    assert "in layer 3 a pass touches 1.7 of them" in routing_caption(ROUTING, 2)  # (1 + 2 + 2) / 3
    assert "a pass touches 2.0 of them in a layer" in routing_caption(ROUTING, None)  # (1+4+2+2+2+1) / 6
