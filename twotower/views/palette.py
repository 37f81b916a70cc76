"""The page's colours outside the page: in an exported player and in pictures. Knows no traces.

`twotower/ui/theme.py` dresses Gradio in the same ones, `assets/player/palette.js` has the same scale; tests hold them
equal.
"""

from __future__ import annotations

Rgb = tuple[int, int, int]

# By the name of the CSS variable that the player's styles use.
LIGHT = {
    "body-background-fill": "#fbfaf8",
    "background-fill-primary": "#ffffff",
    "background-fill-secondary": "#f5f3f0",
    "body-text-color": "#1c1a17",
    "body-text-color-subdued": "#68625a",
    "border-color-primary": "#e3dfd9",
    "color-accent": "#d55e00",
}
DARK = {
    "body-background-fill": "#131211",
    "background-fill-primary": "#1b1a18",
    "background-fill-secondary": "#211f1d",
    "body-text-color": "#ece9e4",
    "body-text-color-subdued": "#a39c92",
    "border-color-primary": "#34312d",
    "color-accent": "#d55e00",
}

# Twelve evenly spaced points of cividis (Nunez, Anderton and Renslow 2018, doi 10.1371/journal.pone.0199239).
CIVIDIS: tuple[Rgb, ...] = (
    (0, 32, 77),
    (0, 48, 111),
    (42, 64, 108),
    (72, 82, 107),
    (94, 98, 110),
    (114, 115, 116),
    (135, 132, 121),
    (158, 150, 119),
    (182, 169, 113),
    (208, 190, 103),
    (234, 211, 87),
    (255, 234, 70),
)
DARK_INK: Rgb = (0, 0, 0)
LIGHT_INK: Rgb = (255, 255, 255)
_EVEN = 0.179  # the relative luminance at which black and white stand out as much


def cividis(value: float) -> Rgb:
    """The colour of a confidence from 0 (dark blue) to 1 (yellow)."""
    at = min(1.0, max(0.0, value)) * (len(CIVIDIS) - 1)
    low = int(at)
    return mixed(CIVIDIS[low], CIVIDIS[min(low + 1, len(CIVIDIS) - 1)], at - low)


def ink_on(colour: Rgb) -> Rgb:
    """Black or white, whichever stands out more on a colour (relative luminance of WCAG 2)."""
    red, green, blue = (_linear(channel / 255) for channel in colour)
    return DARK_INK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > _EVEN else LIGHT_INK


def mixed(first: Rgb, second: Rgb, share: float) -> Rgb:
    """A colour between two; `share` of the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second))
    return red, green, blue


def rgb(colour: str) -> Rgb:
    """#rrggbb as three numbers."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.03928 else float(((channel + 0.055) / 1.055) ** 2.4)
