"""The animated picture: what stands in it when, how long it takes, how large it gets."""

from __future__ import annotations

import io
import math

import handmade_recording
import pytest
from handmade_runs import pinned_run, verify_run
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from twotower import DEFAULT_MODEL, TwoTower
from twotower.recording import LaneRecord, Recording, ids_named
from twotower.sampling import SamplingSettings, generate
from twotower.sampling.events import Finished
from twotower.text import encode_prompt
from twotower.trace import Trace
from twotower.views.gif import LaneMoment, gif, moments, pace, said
from twotower.views.gif_sheet import (
    END,
    FRAMES,
    HEAD,
    LANE_HEAD,
    MARGIN,
    PAPER,
    RULERS,
    SIGNS,
    TALLEST,
    WIDTH,
    Cell,
    LaneFace,
    Sheet,
    level_of,
)
from twotower.views.lanes import look_of
from twotower.views.lettering import fitted, font, readable, visible


@pytest.fixture(scope="module")
def long() -> Recording:
    """128 tokens in two lanes."""
    model = TwoTower.from_pretrained(DEFAULT_MODEL)
    asked = SamplingSettings(max_new_tokens=128, seed=1, end_token_ids=())
    ids = encode_prompt(model, "Once upon a time")
    traces = [Trace.record(generate(model, ids, lane, asked)) for lane in ("diffusion", "autoregressive")]
    return Recording.of("A story", "Once upon a time", traces, model.tokenizer)


def frames(data: bytes) -> tuple[list[Image.Image], list[int]]:
    """Every frame as a whole picture, and its milliseconds."""
    image = Image.open(io.BytesIO(data))
    pictures, times = [], []
    for number in range(image.n_frames):
        image.seek(number)
        pictures.append(image.convert("RGB"))
        times.append(image.info["duration"])
    return pictures, times


def test_a_story_is_small_short_and_ends_as_it_ended(long: Recording) -> None:
    data = gif(long)
    assert len(data) < 3_000_000
    image = Image.open(io.BytesIO(data))
    assert image.width == WIDTH
    assert image.height <= TALLEST
    assert image.info["loop"] == 0
    pictures, times = frames(data)
    assert 30 <= len(pictures) <= 120
    assert 6_000 <= sum(times) <= 10_500
    assert gif(long) == data


def test_the_last_frame_is_the_sheet_drawn_at_once() -> None:
    recording = handmade_recording.recording()
    pictures, _ = frames(gif(recording))
    first, last = pictures[0], pictures[-1]
    assert first.getpixel((2, 2)) == last.getpixel((2, 2)) == pytest.approx(PAPER, abs=2)
    # What changed piece by piece has left nothing behind: drawn at once it is the same.
    shown = [LaneMoment(lane, recording.pieces).at(1.0) for lane in recording.lanes]
    sheet = Sheet(
        ("By hand", "Once <b>upon</b> a time", f"{said(pace(0.08))}; m on cpu, float32, 2 threads, seed 7"),
        [look_of(lane.trace.started.lane) for lane in recording.lanes],
        [4, 4],
        ["", ""],
    )
    indices = sheet.show("0.080 s", shown)
    palette = sheet.palette
    whole = Image.frombytes("P", indices.size, indices.tobytes())
    whole.putpalette(palette)
    assert whole.convert("RGB").tobytes() == last.tobytes()
    assert 255 not in indices.tobytes()  # the index that means "as before"


@pytest.mark.parametrize(
    ("time", "figures", "cells"),
    [
        (0.0, "0 tokens", ["ghost"] * 4),
        (0.02, "0 tokens", ["mask", "mask", "ghost", "ghost"]),
        (0.03, "1 token", [("é", 0.9), "mask", "ghost", "ghost"]),
        (0.05, "2 tokens", [("é🗼", 0.9), ("", 0.95), "ghost", "ghost"]),
        (0.07, "2 tokens", [("é🗼", 0.9), ("", 0.95), "mask", "mask"]),
        (
            0.08,
            "4 tokens in 0.070 s: 57 tokens/s",
            [("é🗼", 0.9), ("", 0.95), ("</script>", 0.99), (END, 0.6)],
        ),
    ],
)
def test_a_lane_at_a_moment(time: float, figures: str, cells: list) -> None:
    recording = handmade_recording.recording()
    face = LaneMoment(recording.lanes[0], recording.pieces).at(time)
    wanted = [Cell(cell) if isinstance(cell, str) else Cell("token", cell[0], level_of(cell[1])) for cell in cells]
    assert face.figures == figures
    assert list(face.cells) == wanted


def moment(trace: Trace, time: float) -> list[Cell]:
    """Cells of a run whose texts are its ids, of all slots that it opens."""
    texts = tuple("" if token is None else f"<{token}>" for token in trace.slots)
    pieces = {token: f"‹{token}›" for token in ids_named(trace.events)}
    return list(LaneMoment(LaneRecord(trace, "", texts, ()), pieces).at(time).cells)


def test_a_draft_is_a_draft_until_it_is_verified() -> None:
    drafted = moment(verify_run(), 0.75)
    assert drafted[0] == Cell("token", "<10>", level_of(0.9))
    # 12 and 13 will be rejected: nothing but their pieces says what they are.
    assert drafted[1:5] == [Cell("draft", "<11>"), Cell("draft", "‹12›"), Cell("draft", "‹13›"), Cell("ghost")]
    verified = moment(verify_run(), 0.85)
    assert verified[1:4] == [
        Cell("token", "<11>", level_of(0.9), "accepted"),
        Cell("token", "<22>", level_of(math.exp(-0.2)), "replaced"),
        Cell("mask"),
    ]
    ended = moment(verify_run(), 2.0)
    assert [cell.origin for cell in ended[3:8]] == ["accepted", "lenient", "accepted", "bonus", "accepted"]
    assert [cell.kind for cell in ended[8:]] == ["token", "beyond"]


def test_pins_stand_from_the_start() -> None:
    assert moment(pinned_run(), 0.55)[:4] == [
        Cell("token", "<10>", level_of(0.7), "anchor"),
        Cell("mask"),
        Cell("token", "<50>", None, "pinned"),
        Cell("mask"),
    ]


def test_drafts_and_origins_are_seen_in_the_picture() -> None:
    looks, box = [look_of("verify")], (MARGIN, HEAD + LANE_HEAD, MARGIN + 50, HEAD + LANE_HEAD + 26)
    cells = [Cell("token", "a", 20), Cell("draft", "a"), *(Cell("token", "a", 20, origin) for origin in FRAMES)]
    pictures = set()
    for cell in cells:
        sheet = Sheet(("", "", ""), looks, [4], ["a note"])
        pictures.add(sheet.show("0 s", [LaneFace("", [cell])]).crop(box).tobytes())
    assert len(pictures) == len(cells)
    assert set(SIGNS) == set(FRAMES)


def test_slots_after_a_stop_are_no_text() -> None:
    run = handmade_recording.diffusion()
    record = handmade_recording.recording().lanes[0]
    stopped = LaneRecord(Trace((*run.events[:4], Finished(0.04, "cancelled", 1))), " é", (" é", ""), ())
    assert [cell.kind for cell in LaneMoment(stopped, {}).at(1).cells] == ["token", "beyond"]
    nothing = Trace((run.started, Finished(0.0, "cancelled", 0)))
    still = gif(Recording("", "", (LaneRecord(nothing, "", (), ()), record), {}))
    assert Image.open(io.BytesIO(still)).width == WIDTH
    alone = Image.open(io.BytesIO(gif(Recording("", "", (LaneRecord(nothing, "", (), ()),), {}))))
    assert getattr(alone, "n_frames", 1) == 1


@pytest.mark.parametrize(
    ("seconds", "factor", "words"),
    [
        (0.35, 15, "1/15 of the measured speed"),
        (0.05, 100, "1/100 of the measured speed"),
        (5.0, 1, "at the measured speed"),
        (7.4, 1, "at the measured speed"),
        (4.0, 1.5, "1/1.5 of the measured speed"),
        (31.0, 1 / 6, "6 times the measured speed"),
        (0.0, 1, "at the measured speed"),
    ],
)
def test_the_pace_is_round_and_said(seconds: float, factor: float, words: str) -> None:
    assert pace(seconds) == pytest.approx(factor)
    assert said(pace(seconds)) == words


@given(st.floats(1e-6, 1e9))
def test_a_run_of_any_length_takes_some_seconds(seconds: float) -> None:
    factor = pace(seconds)
    assert 5 - 1e-6 <= seconds * factor <= 7.5 + 1e-6
    times = moments(seconds, factor)
    assert 2 <= len(times) <= 110
    assert times == sorted(times)
    assert (times[0], times[-1]) == (0.0, seconds)


def test_the_widest_ruler_holds_the_largest_recording() -> None:
    for slots in ([16], [128, 128], [1024, 1024], [8192] * 8):
        sheet = Sheet(("", "", ""), [look_of("diffusion")] * len(slots), slots, [""] * len(slots))
        assert sheet.show("0 s", []).height <= TALLEST
    assert RULERS[0].lettered


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("déjà Größe ñ ç", "deja Grosse n c"),
        ("“quoted” – it’s…", "“quoted” - it’s…"),
        ("🗼", "‹1F5FC›"),
        ("日", "‹65E5›"),
        ("ｆｕｌｌ", "full"),
        ("\u200b", "‹200B›"),
    ],
)
def test_text_is_drawn_or_said(text: str, shown: str) -> None:
    assert readable(text) == shown


@pytest.mark.parametrize(("text", "shown"), [(" the", "the"), ("\n", "\\n"), ("  ", "·"), ("", ""), ("a\nb", "a\\nb")])
def test_white_space_is_seen(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert readable(shown) == shown


@given(st.text(max_size=30), st.integers(20, 200))
def test_text_fits_its_slot(text: str, width: int) -> None:
    shown, size = fitted(text, width)
    assert 8 <= size <= 13
    assert font(size).getlength(shown) <= width
