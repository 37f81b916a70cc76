"""Metrics to the rows of the table under the charts. Pure; knows no page, no model and no clock."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from twotower.metrics import Metrics
from twotower.views.lanes import look_of

Json = dict[str, object]
NONE = "–"
BASELINE = "autoregressive"


def numbers_table(metrics: Sequence[Metrics]) -> Json:
    """`{"lanes", "rows"}`; a row is a name, a one-line definition and one text per lane."""
    baseline = next((m for m in metrics if m.lane == BASELINE), None)
    rows = [_row(name, meaning, [show(m) for m in metrics]) for name, meaning, show in _MEASURES]
    rows.insert(
        3,
        _row(
            "Speed-up",
            "its tokens per second over the autoregressive lane's",
            [_speed_up(m, baseline) for m in metrics],
        ),
    )
    for kind in _kinds(metrics):
        rows.append(
            _row(
                f"{_capital(kind)}: count",
                _KINDS.get(kind, "model calls of this kind"),
                [_count(m, kind) for m in metrics],
            )
        )
        rows.append(
            _row(f"{_capital(kind)}: time", "median milliseconds of one", [_milliseconds(m, kind) for m in metrics])
        )
    return {"lanes": [look_of(m.lane).to_json() for m in metrics], "rows": rows}


_MEASURES: tuple[tuple[str, str, Callable[[Metrics], str]], ...] = (
    ("Tokens", "tokens you got; nothing after an end token counts", lambda m: f"{m.tokens}"),
    ("Seconds", "decoding, from the end of the prefill to the last token", lambda m: f"{m.decode_seconds:.3f}"),
    ("Tokens per second", "tokens over those seconds", lambda m: _number(m.tokens_per_second, 1)),
    ("Prefill", "reading the prompt, before decoding", lambda m: f"{1000 * m.prefill_seconds:.1f} ms"),
    ("Tokens per pass", "counting every pass, context passes too", lambda m: _number(m.tokens_per_pass, 2)),
    (
        "Tokens per denoiser pass",
        "flatters diffusion: context passes are left out",
        lambda m: _number(m.tokens_per_denoiser_pass, 2),
    ),
)

_KINDS = {
    "AR step": "the context tower reads one token and gives the next",
    "mock-AR step": "the denoiser gives the next token",
    "denoiser pass": "the denoiser proposes a token for every masked slot of a block",
    "context pass": "the context tower reads a finished block",
}


def _kinds(metrics: Sequence[Metrics]) -> list[str]:
    return list(dict.fromkeys(kind for m in metrics for kind, count in m.passes.items() if count))


def _row(name: str, meaning: str, values: list[str]) -> Json:
    return {"name": name, "meaning": meaning, "values": values}


def _capital(kind: str) -> str:
    return kind[0].upper() + kind[1:]


def _number(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def _speed_up(metrics: Metrics, baseline: Metrics | None) -> str:
    if baseline is None or not baseline.tokens_per_second or metrics.tokens_per_second is None:
        return NONE
    return f"{metrics.tokens_per_second / baseline.tokens_per_second:.2f}×"


def _count(metrics: Metrics, kind: str) -> str:
    count = metrics.passes.get(kind, 0)
    return f"{count}" if count else NONE


def _milliseconds(metrics: Metrics, kind: str) -> str:
    seconds = metrics.pass_seconds.get(kind, ())
    return f"{1000 * statistics.median(seconds):.2f} ms" if seconds else NONE
