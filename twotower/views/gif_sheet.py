"""One picture of a race: lanes one above the other, their slots in rows, drawn with Pillow. Knows no events.

Draws what has changed since the picture before. Colours are the page's light ones, reduced to a palette of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from PIL import Image, ImageDraw

from twotower.views.lanes import LaneLook
from twotower.views.lettering import fitted, font
from twotower.views.palette import LIGHT, Rgb, cividis, ink_on, mixed, rgb

WIDTH, MARGIN = 900, 24
TALLEST = 1400
HEAD, FOOT, LANE_HEAD, LANE_GAP = 84, 40, 34, 20
CLOCK_ROOM, FIGURES_ROOM, LEGEND_ROOM = 130, 300, 190  # pixels at the right margin
LEVELS = 40  # of confidence
END = "\N{BLACK SQUARE}"  # an end token

PAPER, INK, FAINT = (
    rgb(LIGHT[name]) for name in ("body-background-fill", "body-text-color", "body-text-color-subdued")
)
MASK, GHOST, BEYOND, PLAIN = (mixed(PAPER, INK, share) for share in (0.22, 0.09, 0.25, 0.12))
# The frame of a token by its origin, as in the player's styles; those that are not here have none.
FRAMES = {
    "replaced": rgb("#d55e00"),
    "bonus": rgb("#0072b2"),
    "anchor": rgb("#0072b2"),
    "lenient": rgb("#e69f00"),
    "pinned": INK,
}
# What is drawn into its corner: rectangles (left, top, right, bottom) on a square of seven pixels.
SIGNS = {
    "replaced": ((2, 0, 2, 6), (1, 1, 3, 1), (0, 2, 4, 2), (2, 6, 6, 6)),  # an arrow that turns back up
    "bonus": ((3, 0, 3, 6), (0, 3, 6, 3)),
    "anchor": ((3, 0, 3, 6), (1, 2, 5, 2), (0, 4, 0, 5), (6, 4, 6, 5), (1, 6, 5, 6)),
    "lenient": ((0, 2, 2, 2), (3, 1, 6, 1), (0, 5, 2, 5), (3, 4, 6, 4)),
    "pinned": ((1, 3, 5, 6), (2, 0, 4, 0), (1, 1, 1, 2), (5, 1, 5, 2)),
}
DASH = 3  # pixels


class Cell(NamedTuple):
    """A slot: "ghost", "mask", "draft", "token" or "beyond"; a token's text, level of confidence and origin."""

    kind: str
    text: str = ""
    level: int | None = None  # None where nothing is known of it
    origin: str = ""


class Ruler(NamedTuple):
    """How slots are laid out: so many a row, so high, so far apart, with text or without."""

    columns: int
    height: int
    gap: int
    lettered: bool


RULERS = (
    Ruler(16, 26, 3, True),
    Ruler(32, 20, 2, True),
    Ruler(64, 9, 1, False),
    Ruler(128, 5, 1, False),
    Ruler(256, 3, 0, False),
)


@dataclass(frozen=True)
class LaneFace:
    """A lane at a moment."""

    figures: str
    cells: Sequence[Cell]


def level_of(confidence: float) -> int:
    """The level of a confidence from 0 to 1."""
    return round(confidence * (LEVELS - 1))


class Sheet:
    """The picture, from the first moment to the last."""

    def __init__(
        self, lines: tuple[str, str, str], looks: Sequence[LaneLook], slots: Sequence[int], notes: Sequence[str]
    ) -> None:
        """`lines` are title, prompt and footer; `slots` says how many each lane has room for, `notes` its legend."""
        self._ruler = next((ruler for ruler in RULERS if _height(ruler, slots) <= TALLEST), RULERS[-1])
        self._image = Image.new("RGB", (WIDTH, _height(self._ruler, slots)), PAPER)
        self._draw = ImageDraw.Draw(self._image)
        self._palette = _palette([look.colour for look in looks])
        self._tops: list[int] = []
        self._drawn: list[dict[int, Cell]] = [{} for _ in looks]
        title, prompt, footer = lines
        inner = WIDTH - 2 * MARGIN
        self._write(title, MARGIN, 18, INK, inner - CLOCK_ROOM, 20)
        self._write(prompt, MARGIN, 48, FAINT, inner, 14)
        self._write(footer, MARGIN, self._image.height - FOOT + 6, FAINT, inner - LEGEND_ROOM, 14)
        self._legend(self._image.height - FOOT + 6)
        top = HEAD
        for look, count, note in zip(looks, slots, notes):
            self._tops.append(top)
            self._draw.rectangle((MARGIN, top + 5, MARGIN + 11, top + 16), rgb(look.colour))
            self._draw.rectangle((MARGIN, top + 25, WIDTH - MARGIN - 1, top + 26), rgb(look.colour))
            self._write(look.label, MARGIN + 20, top, INK, 200, 17)
            self._write(note, MARGIN + 220, top + 4, FAINT, inner - 220 - FIGURES_ROOM, 13)
            top += _lane_height(self._ruler, count)

    def show(self, clock: str, faces: Sequence[LaneFace]) -> Image.Image:
        """The picture of a moment, one face a lane, as indices into `palette`."""
        self._right(clock, 18, 20, CLOCK_ROOM)
        for number, (top, face) in enumerate(zip(self._tops, faces)):
            self._right(face.figures, top + 1, 16, FIGURES_ROOM)
            drawn = self._drawn[number]
            for position, cell in enumerate(face.cells):
                if drawn.get(position) != cell:
                    self._cell(top + LANE_HEAD, position, cell)
                    drawn[position] = cell
        indexed = self._image.quantize(palette=self._palette, dither=Image.Dither.NONE)
        return Image.frombytes("L", indexed.size, indexed.tobytes())

    @property
    def palette(self) -> list[int]:
        """Red, green and blue of every index in turn."""
        return list(self._palette.getpalette() or [])

    def _cell(self, top: int, position: int, cell: Cell) -> None:
        row, column = divmod(position, self._ruler.columns)
        pitch = (WIDTH - 2 * MARGIN + self._ruler.gap) / self._ruler.columns
        left, right = round(MARGIN + column * pitch), round(MARGIN + (column + 1) * pitch) - self._ruler.gap - 1
        upper = top + row * (self._ruler.height + self._ruler.gap)
        box = (left, upper, right, upper + self._ruler.height - 1)
        if cell.kind in ("ghost", "beyond"):
            self._draw.rectangle(box, PAPER, GHOST if cell.kind == "ghost" else BEYOND)
        elif cell.kind == "draft":
            self._draw.rectangle(box, PAPER)
            self._dash(box)
            self._letter(cell.text, box, INK)
        else:
            colour = MASK if cell.kind == "mask" else PLAIN if cell.level is None else _confidence(cell.level)
            self._draw.rectangle(box, colour)
            self._letter(cell.text, box, ink_on(colour))
            self._frame(cell.origin, box, ink_on(colour))

    def _dash(self, box: tuple[int, int, int, int]) -> None:
        left, top, right, bottom = box
        for x in range(left, right + 1, 2 * DASH):
            for y in (top, bottom):
                self._draw.line((x, y, min(x + DASH - 1, right), y), INK)
        for y in range(top, bottom + 1, 2 * DASH):
            for x in (left, right):
                self._draw.line((x, y, x, min(y + DASH - 1, bottom)), INK)

    def _frame(self, origin: str, box: tuple[int, int, int, int], ink: Rgb) -> None:
        if origin not in FRAMES:
            return
        self._draw.rectangle(box, outline=FRAMES[origin], width=2 if self._ruler.lettered else 1)
        if self._ruler.lettered:
            right, top = box[2] - 10, box[1] + 3
            for x0, y0, x1, y1 in SIGNS[origin]:
                self._draw.rectangle((right + x0, top + y0, right + x1, top + y1), ink)

    def _letter(self, text: str, box: tuple[int, int, int, int], ink: Rgb) -> None:
        if not (self._ruler.lettered and text):
            return
        left, top, right, bottom = box
        centre = ((left + right + 1) / 2, (top + bottom + 1) / 2)
        if text == END:
            self._draw.rectangle((centre[0] - 4, centre[1] - 4, centre[0] + 3, centre[1] + 3), ink)
            return
        shown, size = _fitted(text, right - left - 3)
        self._draw.text(centre, shown, ink, font(size), anchor="mm")

    def _legend(self, top: int) -> None:
        right = WIDTH - MARGIN
        self._draw.text((right, top), "1", FAINT, font(14), anchor="ra")
        self._draw.text((right - 104, top), "confidence 0", FAINT, font(14), anchor="ra")
        for level in range(LEVELS):
            left = right - 96 + 2 * level
            self._draw.rectangle((left, top + 3, left + 1, top + 12), _confidence(level))

    def _write(self, text: str, left: int, top: int, colour: Rgb, width: int, size: int) -> None:
        shown, size = fitted(text, width, size, min(size, 11))
        self._draw.text((left, top), shown, colour, font(size))

    def _right(self, text: str, top: int, size: int, room: int) -> None:
        """Text that ends at the right margin, over what stood there."""
        right = WIDTH - MARGIN
        self._draw.rectangle((right - room, top, right, top + size + 3), PAPER)
        self._draw.text((right, top), text, INK, font(size), anchor="ra")


def _height(ruler: Ruler, slots: Sequence[int]) -> int:
    return HEAD + FOOT + sum(_lane_height(ruler, count) for count in slots)


def _lane_height(ruler: Ruler, count: int) -> int:
    return LANE_HEAD + -(-count // ruler.columns) * (ruler.height + ruler.gap) + LANE_GAP


@lru_cache(maxsize=4096)
def _fitted(text: str, width: int) -> tuple[str, int]:
    return fitted(text, width)


def _confidence(level: int) -> Rgb:
    return cividis(level / (LEVELS - 1))


def _palette(lanes: Sequence[str]) -> Image.Image:
    """Every colour that is drawn, and between them what the edges of letters take."""
    colours = [mixed(PAPER, INK, step / 23) for step in range(24)]
    colours += [mixed(PAPER, FAINT, step / 5) for step in range(1, 6)]
    colours += [rgb(colour) for colour in lanes]
    for level in range(LEVELS):
        fill = _confidence(level)
        colours += [mixed(fill, ink_on(fill), share) for share in (0, 0.25, 0.5, 0.75, 1)]
    image = Image.new("P", (1, 1))
    distinct = list(dict.fromkeys([*colours, MASK, GHOST, BEYOND, PLAIN, *FRAMES.values()]))
    distinct += [PAPER] * (256 - len(distinct))  # of equal colours the first is taken: the last indices stay free
    image.putpalette([channel for colour in distinct for channel in colour])
    return image
