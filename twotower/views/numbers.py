"""Standings and texts to the rows of the table under the charts. Pure; knows no page, no model and no clock."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from twotower.agreement import BASELINE, agreement, ar_choice_share, mean_ar_log_probability
from twotower.metrics import Metrics
from twotower.order import block_orders, mean_tau
from twotower.trace import Trace
from twotower.views.lanes import look_of

if TYPE_CHECKING:
    from twotower.race import Spread, Standing

Json = dict[str, object]
NONE = "–"


def numbers_table(standings: Sequence[Standing], traces: Sequence[Trace]) -> Json:
    """`{"lanes", "rows"}`; a row is a name, a one-line definition and one text per lane.

    standings: what the repeats of each lane come to. traces: the shown run of each, for what is said of its text.
    Values are medians; times and speeds of more than one run have their least and greatest beside them.
    """
    rows = [_row(name, meaning, [show(each) for each in standings]) for name, meaning, show in _MEASURES]
    if any(len(each.runs) > 1 for each in standings):
        rows.insert(1, _row("Runs", _RUNS, [f"{len(each.runs)}" for each in standings]))
    if any(each.middle.rounds for each in standings):
        rows += [_row(name, meaning, [show(each) for each in standings]) for name, meaning, show in _ROUNDS]
    shown = {trace.started.lane: trace for trace in traces}
    texts = [shown.get(each.lane) for each in standings]
    for name, meaning, say in _TEXTS:
        rows.append(_row(name, meaning, [NONE if text is None else say(text, shown.get(BASELINE)) for text in texts]))
    for kind in _kinds(standings):
        what = _KINDS.get(kind, "model calls of this kind")
        rows.append(_row(f"{_capital(kind)}: count", what, [_count(each, kind) for each in standings]))
        times = [_milliseconds(each, kind) for each in standings]
        rows.append(_row(f"{_capital(kind)}: time", "median milliseconds of one", times))
    return {"lanes": [look_of(each.lane).to_json() for each in standings], "rows": rows}


def _spread(spread: Spread | None, digits: int, unit: str, standing: Standing) -> str:
    if spread is None:
        return NONE
    return f"{spread.median:.{digits}f}{unit}" if len(standing.runs) == 1 else spread.said(digits, unit)


def _median(standing: Standing, value: Callable[[Metrics], float | None]) -> float | None:
    known = [number for number in map(value, standing.runs) if number is not None]
    return statistics.median(known) if known else None


def _number(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:z.{digits}f}"


def _percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.1f} %"


_MEASURES: tuple[tuple[str, str, Callable[[Standing], str]], ...] = (
    ("Tokens", "tokens you got; nothing after an end token counts", lambda s: f"{s.middle.tokens}"),
    (
        "Seconds",
        "decoding, from the end of the prefill to the last token",
        lambda s: _spread(s.decode_seconds, 3, "", s),
    ),
    ("Tokens per second", "tokens over those seconds", lambda s: _spread(s.tokens_per_second, 1, "", s)),
    (
        "Speed-up",
        "its tokens per second over the autoregressive lane's",
        lambda s: _spread(s.speed_up, 2, "×", s),
    ),
    (
        "Prefill",
        "reading the prompt, before decoding",
        lambda s: f"{1000 * statistics.median(run.prefill_seconds for run in s.runs):.1f} ms",
    ),
    (
        "Tokens per pass",
        "counting every pass, context passes too",
        lambda s: _number(_median(s, lambda run: run.tokens_per_pass), 2),
    ),
    (
        "Tokens per denoiser pass",
        "flatters diffusion: context passes are left out",
        lambda s: _number(_median(s, lambda run: run.tokens_per_denoiser_pass), 2),
    ),
    (
        "Time in passes",
        "the part of the seconds that model passes took; the rest is the sampler's own",
        lambda s: _percent(_median(s, lambda run: run.share_in_passes)),
    ),
)

_ROUNDS: tuple[tuple[str, str, Callable[[Standing], str]], ...] = (
    (
        "Passes per token",
        "passes of every kind, over the tokens you got",
        lambda s: _number(_median(s, lambda run: run.all_passes / run.tokens if run.tokens else None), 2),
    ),
    (
        "Rounds",
        "a draft and its verification; each gives at least one token of autoregression's own",
        lambda s: f"{s.middle.rounds}" if s.middle.rounds else NONE,
    ),
    (
        "Drafts accepted per round",
        "drafted tokens that stayed, mean over rounds",
        lambda s: _number(_median(s, lambda run: run.accepted_per_round), 2),
    ),
    (
        "Drafts accepted",
        "of all drafted tokens; one is lost with every draft before it that is rejected",
        lambda s: _percent(_median(s, lambda run: run.accepted / run.drafted if run.drafted else None)),
    ),
)

_RUNS = "how often the lane ran; times and speeds are medians (least to greatest)"

_TEXTS: tuple[tuple[str, str, Callable[[Trace, Trace | None], str]], ...] = (
    (
        "Agreement with AR",
        "equal tokens, position by position, of those both texts have",
        lambda text, baseline: _percent(agreement(text, baseline) if baseline is not None else None),
    ),
    (
        "AR's own choice",
        "tokens that autoregression would have put there, given what stands before",
        lambda text, _: _percent(ar_choice_share(text)),
    ),
    (
        "AR log-probability",
        "what autoregression gives the text, mean nats a token",
        lambda text, _: _number(mean_ar_log_probability(text), 2),
    ),
    (
        "Order",
        "Kendall's tau of commit step and position, mean over blocks; 1 is left to right",
        lambda text, _: _number(mean_tau(block_orders(text)), 2),
    ),
)

_KINDS = {
    "AR step": "the context tower reads one token and gives the next",
    "mock-AR step": "the denoiser gives the next token",
    "denoiser pass": "the denoiser proposes a token for every masked slot of a block",
    "context pass": "the context tower reads a finished block",
    "verify pass": "the context tower reads a drafted block and judges it, the roll back included",
}


def _kinds(standings: Sequence[Standing]) -> list[str]:
    return list(dict.fromkeys(kind for each in standings for kind, count in each.middle.passes.items() if count))


def _row(name: str, meaning: str, values: list[str]) -> Json:
    return {"name": name, "meaning": meaning, "values": values}


def _capital(kind: str) -> str:
    return kind[0].upper() + kind[1:]


def _count(standing: Standing, kind: str) -> str:
    count = standing.middle.passes.get(kind, 0)
    return f"{count}" if count else NONE


def _milliseconds(standing: Standing, kind: str) -> str:
    seconds = [one for run in standing.runs for one in run.pass_seconds.get(kind, ())]
    return f"{1000 * statistics.median(seconds):.2f} ms" if seconds else NONE
