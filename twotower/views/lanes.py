"""How each lane looks wherever it is drawn. Knows names, colours, marks and one sentence; knows no events and no page.

Colours are Okabe and Ito's, told apart by every kind of colour vision; their purple is two tones darker, to stand out
on paper. A glyph and a dash say the same without colour.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from twotower.metrics import Metrics


@dataclass(frozen=True)
class LaneLook:
    """Label, colour, glyph and line dash (Plotly's names) of one lane."""

    lane: str
    label: str
    colour: str
    glyph: str
    dash: str
    about: str

    def to_json(self) -> dict[str, str]:
        """Plain values, one entry a field."""
        return asdict(self)


_LOOKS = {
    look.lane: look
    for look in (
        LaneLook("diffusion", "Diffusion", "#D55E00", "◆", "solid", "blocks of masks, unmasked in parallel"),
        LaneLook("autoregressive", "Autoregressive", "#0072B2", "●", "dash", "left to right, one token a pass"),
        LaneLook("verify", "Draft and verify", "#B8578C", "◧", "dashdot", "drafts in parallel, AR decides"),
        LaneLook("mock-ar", "Mock-AR", "#009E73", "▲", "dot", "the denoiser, made to go one token at a time"),
    )
}


def look_of(lane: str) -> LaneLook:
    """The look of a lane; one this module has not met gets its own name in grey."""
    return _LOOKS.get(lane) or LaneLook(lane, lane, "#767676", "■", "longdash", "")


_ENDS = {"end-token": "reached the end of its text", "length": "reached the length limit"}


def lane_summary(metrics: Metrics, reason: str) -> str:
    """What a screen reader hears when a lane ends."""
    return (
        f"{look_of(metrics.lane).label} {_ENDS.get(reason, 'was stopped')}: {metrics.tokens} tokens in "
        f"{metrics.decode_seconds:.2f} seconds and {metrics.all_passes} passes."
    )
