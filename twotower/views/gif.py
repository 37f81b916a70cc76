"""A recording to an animated picture. Pure: the same recording gives the same bytes. Knows no model and no page.

All lanes stand on the measured clock, which plays slower or faster so that it takes some seconds to watch; by how much
is written into the picture.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from typing import cast

from PIL import Image, ImageChops

from twotower.metrics import Metrics
from twotower.recording import LaneRecord, Recording
from twotower.sampling.events import VERIFYING, Finished
from twotower.sampling.replay import Replay
from twotower.views.canvas import prompt_tail
from twotower.views.gif_sheet import END, Cell, LaneFace, Sheet, level_of
from twotower.views.growth import growth
from twotower.views.lanes import look_of
from twotower.views.lettering import visible
from twotower.views.origins import Origins

SHORTEST = 5.0  # seconds of motion; the longest is half as much again
FRAME = 70  # milliseconds
LAST_FRAME = 2500
TRANSPARENT = 255  # an index that no colour has
_ROUND = (1, 1.5, 2, 3, 4, 6, 8, 10)  # no two of which are further apart than a factor of 1.5


def gif(recording: Recording) -> bytes:
    """The race as a GIF that repeats: at most 110 frames, 900 pixels wide, 7 to 10 seconds."""
    end = max(lane.trace.finished.time for lane in recording.lanes)
    factor = pace(end)
    sheet = _sheet(recording, said(factor))
    lanes = [LaneMoment(record, recording.pieces) for record in recording.lanes]
    pictures = (_picture(sheet, lanes, time) for time in moments(end, factor))
    frames = list(_changes(pictures, sheet.palette))
    file = io.BytesIO()
    frames[0].save(
        file,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=[*[FRAME] * (len(frames) - 1), LAST_FRAME],
        loop=0,
        disposal=1,  # every frame is what changed, over the one before
        transparency=TRANSPARENT,
        optimize=False,
    )
    return file.getvalue()


def pace(seconds: float) -> float:
    """Seconds of playing for a measured second, a round number or one over it: 5 to 7.5 s for the whole run."""
    wanted = SHORTEST / seconds if seconds > 0 else 1.0
    if wanted >= 1:
        return next(step for step in _steps(wanted) if step >= wanted)
    return 1 / max(step for step in _steps(1 / wanted) if step <= 1 / wanted)


def said(factor: float) -> str:
    """The pace in words."""
    if factor == 1:
        return "at the measured speed"
    return f"1/{factor:g} of the measured speed" if factor > 1 else f"{1 / factor:g} times the measured speed"


def moments(end: float, factor: float) -> list[float]:
    """The measured second of every frame, from 0 to the end of the last lane."""
    count = math.ceil(1000 * end * factor / FRAME)
    return [*(number * FRAME / 1000 / factor for number in range(count)), end]


class LaneMoment:
    """A lane, moved along the clock. `pieces` are the texts of token ids: a draft that is rejected shows its own."""

    def __init__(self, record: LaneRecord, pieces: Mapping[int, str]) -> None:
        self._record = record
        self._pieces = pieces
        self._waiting = list(reversed(list(zip(record.trace.events, growth(record.trace)))))
        self._replay = Replay()
        self._origins = Origins()
        self._tokens = 0
        self._ended = False

    def at(self, time: float) -> LaneFace:
        """The lane at a time, no earlier than the one asked for before."""
        while self._waiting and self._waiting[-1][0].time <= time:
            event, brought = self._waiting.pop()
            self._replay.apply(event)
            self._origins.apply(event)
            self._tokens += brought
            self._ended |= isinstance(event, Finished)
        return LaneFace(self._figures(), self._cells())

    def _cells(self) -> list[Cell]:
        trace, slots = self._record.trace, self._replay.slots
        texts = self._record.shown(slots, self._pieces)
        cells = [self._cell(position, token, texts[position]) for position, token in enumerate(slots)]
        if self._ended:
            cells[trace.finished.tokens :] = [Cell("beyond")] * (len(cells) - trace.finished.tokens)
        return cells + [Cell("ghost")] * (len(self._record.slot_texts) - len(cells))

    def _cell(self, position: int, token: int | None, text: str) -> Cell:
        if token is None:
            return Cell("mask")
        letters = END if token in self._record.trace.started.end_token_ids else visible(text)
        if position in self._replay.drafts:
            return Cell("draft", letters)
        confidence = self._origins.confidence.get(position)
        level = None if confidence is None else level_of(confidence)
        return Cell("token", letters, level, self._origins.origin.get(position, ""))

    def _figures(self) -> str:
        if not self._ended:
            return _tokens(self._tokens)
        metrics = Metrics.of(self._record.trace)
        speed = metrics.tokens_per_second
        rate = "" if speed is None else f": {speed:.0f} tokens/s"
        return f"{_tokens(metrics.tokens)} in {metrics.decode_seconds:.3f} s{rate}"


def _tokens(count: int) -> str:
    return "1 token" if count == 1 else f"{count} tokens"


def _sheet(recording: Recording, speed: str) -> Sheet:
    first = recording.lanes[0]
    machine = f"{first.trace.started.model} on {first.machine}, seed {first.trace.started.seed}"
    return Sheet(
        (recording.name or "TwoTower", prompt_tail(recording.prompt), f"{speed}; {machine}"),
        [look_of(lane.trace.started.lane) for lane in recording.lanes],
        [len(lane.slot_texts) for lane in recording.lanes],
        [_note(lane) for lane in recording.lanes],
    )


def _note(record: LaneRecord) -> str:
    """What the looks of a lane's slots say, beside token and mask."""
    started = record.trace.started
    if started.lane == VERIFYING:
        lenient = cast(float, started.settings.get("accept_from", 1.0)) < 1
        return "dashed: draft; arrow, plus: AR's token" + ("; waves: let pass" if lenient else "")
    notes = (("ar_anchor", "anchor: AR's own token"), ("pins", "lock: pinned"))
    return "; ".join(note for setting, note in notes if started.settings.get(setting))


def _picture(sheet: Sheet, lanes: list[LaneMoment], time: float) -> Image.Image:
    return sheet.show(f"{time:.3f} s", [lane.at(time) for lane in lanes])


def _changes(pictures: Iterator[Image.Image], palette: list[int]) -> Iterator[Image.Image]:
    """The first picture, then of each one the points that differ from the one before."""
    before: Image.Image | None = None
    for picture in pictures:
        frame = Image.new("P", picture.size, TRANSPARENT)
        frame.putpalette(palette)
        same = None if before is None else ImageChops.difference(picture, before).point(lambda value: 255 * (value > 0))
        frame.paste(picture, mask=same)
        yield frame
        before = picture


def _steps(near: float) -> list[float]:
    """Round numbers around a number of 1 or more, in order."""
    power = 10.0 ** math.floor(math.log10(near))
    return [step * power for step in _ROUND]
