"""The figures as tables and sentences, for the screen and for Markdown. Measures nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twotower.benchmark.figures import CostModel, Figures, PassFigure, Setting
from twotower.race import Spread
from twotower.tables import NONE, Table, aligned, markdown

MARKS = "bench"  # the name of the marks that the tables stand between

LEGEND = (
    "Median of the repeats (least to greatest), warm, the device synchronised at the edges of a pass. Floor: the "
    "longer of two times, that of the bytes a pass must move (its weights once, of the routed experts those its tokens "
    "chose, its keys, values and states) at the bandwidth of a working set of that size, and that of its multiply-adds "
    "at the rate of a large matrix product, both by the best repeat. Experts: touched in a layer, on the average. "
    "d, c, v: what a denoiser pass, a context pass, a verification with its roll back cost in AR steps of the same "
    "repeat."
)
BEYOND = "*: longer than the positions the model was made for; what a pass costs depends on no position."
PEER_LEGEND = (
    "The peer is transformers' NemotronHForCausalLM.generate on the same weights, greedy, cached, with the fastest of "
    "its ways to compute experts here. A token: wall clock from when the first new token is there to when the last is, "
    "so that the prefill is in neither."
)

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def as_text(figures: Figures) -> str:
    """For a terminal."""
    return "\n\n".join([where(figures.setting), *_parts(figures, lambda table: aligned([table]))])


def as_markdown(figures: Figures) -> str:
    """For a README."""
    return "\n\n".join([f"Measured by `bench`: {where(figures.setting)}", *_parts(figures, markdown)]) + "\n"


def _parts(figures: Figures, shown: Callable[[Table], str]) -> list[str]:
    parts = [
        shown(pass_table("Pass", figures.passes)),
        costs_in_words(figures.costs),
        shown(lane_table(figures)),
        shown(overhead_table(figures)),
        shown(batch_table(figures)),
        shown(pass_table("By context", figures.by_context)),
        shown(pass_table("By block size", figures.by_block)),
        LEGEND,
    ]
    if any(figure.beyond for figure in (*figures.by_context, *figures.by_block)):
        parts.append(BEYOND)
    return [*parts, shown(peer_table(figures)), PEER_LEGEND] if figures.peers else parts


def where(setting: Setting) -> str:
    """What ran where, and what the machine can do."""
    return (
        f"{setting.model} ({amount(setting.parameters)} parameters, {setting.dtype}, engine {setting.engine}) on "
        f"{setting.device}, torch {setting.torch}, {setting.date}; passes read {setting.reads}; repeats: "
        f"{setting.repeats}. Memory {rate(setting.far_bandwidth, 'B/s')}, large matrix products "
        f"{rate(setting.operation_rate, 'op/s')}."
    )


def costs_in_words(costs: CostModel) -> str:
    """d, c and v, and from where on diffusion and draft and verify pay."""
    size = costs.block_size
    said = f"d = {costs.denoiser.said(2)}, c = {costs.context.said(2)}, v = {costs.verify.said(2)} AR steps. "
    if costs.passes_a_block is None or costs.tokens_a_pass is None:
        said += f"A context pass alone costs more than {size} AR steps: diffusion cannot win. "
    else:
        said += (
            f"Diffusion is faster where a block of {size} takes fewer than {costs.passes_a_block:.1f} denoiser passes, "
            f"which is more than {costs.tokens_a_pass:.2f} tokens a pass of either kind. "
        )
    return said + f"A round with one drafting pass pays where it gives more than {costs.tokens_a_round:.2f} tokens."


def pass_table(title: str, figures: Sequence[PassFigure]) -> Table:
    """A line a pass: how long it took, and the least it could have taken."""
    header = (title, "engine", "tokens", "context", "ms", "floor, ms", "times the floor", "moved", "GB/s", "operations")
    return (*header, "experts"), [_pass_line(figure) for figure in figures]


def _pass_line(figure: PassFigure) -> tuple[str, ...]:
    return (
        figure.kind,
        figure.engine,
        str(figure.size),
        f"{figure.context}{'*' if figure.beyond else ''}",
        milliseconds(figure.seconds),
        f"{1000 * figure.floor_seconds:.3g}",
        f"{figure.ratio:.1f}",
        f"{amount(figure.bytes)}B",
        f"{figure.bandwidth / 1e9:.1f}",
        amount(figure.operations),
        NONE if figure.experts is None else f"{figure.experts:.1f}",
    )


def lane_table(figures: Figures) -> Table:
    """A line a lane."""
    prompt = figures.lanes[0].prompt if figures.lanes else NONE
    header = (f"Lane ({prompt})", "tokens", "tokens/s", "speed-up", "tokens/pass", "inside passes")
    return header, [
        (
            lane.lane,
            str(lane.tokens),
            _spread(lane.tokens_per_second, 0),
            _spread(lane.speed_up, 2),
            NONE if lane.tokens_per_pass is None else f"{lane.tokens_per_pass:.2f}",
            NONE if lane.share_in_passes is None else f"{100 * lane.share_in_passes:.1f} %",
        )
        for lane in figures.lanes
    ]


def overhead_table(figures: Figures) -> Table:
    """A line for each lane and what it was made to carry."""
    header = ("Cost of", "lane", "clock", "seconds with it over without")
    return header, [(each.what, each.lane, each.clock, each.ratio.said(3)) for each in figures.overheads]


def batch_table(figures: Figures) -> Table:
    """A line for each lane and number of texts."""
    header = ("Texts at once", "lane", "tokens/s of all", "over one at a time")
    return header, [
        (str(each.rows), each.lane, each.tokens_per_second.said(0), each.gain.said(2)) for each in figures.batches
    ]


def peer_table(figures: Figures) -> Table:
    """A line a size."""
    header = ("Against transformers", "parameters", "its experts", "ours, ms", "its, ms", "times as fast", "same ids")
    return header, [
        (
            peer.size,
            amount(peer.parameters),
            peer.experts_by,
            milliseconds(peer.ours),
            milliseconds(peer.theirs),
            peer.ratio.said(2),
            "all" if peer.agreed == peer.tokens else f"the first {peer.agreed} of {peer.tokens}",
        )
        for peer in figures.peers
    ]


def milliseconds(seconds: Spread) -> str:
    """As in 1.42 (1.40 to 1.51): three digits of the median, the others alike."""
    spread = Spread(1000 * seconds.median, 1000 * seconds.low, 1000 * seconds.high)
    return spread.said(1 if spread.median >= 100 else 2 if spread.median >= 1 else 3)


def rate(spread: Spread, unit: str) -> str:
    """As in 12.3 GB/s (11.8 to 12.4)."""
    scale, prefix = next(((size, letter) for size, letter in _UNITS if spread.median >= size), (1.0, ""))
    return Spread(spread.median / scale, spread.low / scale, spread.high / scale).said(1, f" {prefix}{unit}")


def amount(number: float) -> str:
    """As in 6.56 G: three digits."""
    scale, prefix = next(((size, letter) for size, letter in _UNITS if number >= size), (1.0, ""))
    return f"{number / scale:.3g} {prefix}"


def _spread(spread: Spread | None, digits: int) -> str:
    return NONE if spread is None else spread.said(digits)
