"""What was measured, as plain frozen records: the tables, the plot and the JSON read these and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from twotower.race import Spread


@dataclass(frozen=True)
class Setting:
    """Where, on what and when. Rates are a second: bytes read from memory, operations of a large product."""

    model: str
    parameters: int  # of both towers with their heads and the time conditioning
    device: str
    threads: int
    dtype: str
    engine: str
    torch: str
    date: str
    repeats: int
    reads: str  # what the passes read
    far_bandwidth: Spread
    operation_rate: Spread


@dataclass(frozen=True)
class PassFigure:
    """One kind of pass over `size` tokens after `context`, and the least it could take."""

    kind: str
    engine: str
    size: int
    context: int
    seconds: Spread
    experts: float | None  # touched in a MoE layer, the mean over the layers that were run
    bytes: int
    operations: int
    bandwidth: float  # bytes a second of a working set of that size, by which the floor is reckoned
    floor_seconds: float
    beyond: bool = False  # longer than the positions the model was made for

    @property
    def ratio(self) -> float:
        """How many times as long as the floor."""
        return self.seconds.median / self.floor_seconds


@dataclass(frozen=True)
class CostModel:
    """What passes cost in AR steps, each ratio taken within a repeat, and what follows for a block of `block_size`."""

    block_size: int
    denoiser: Spread  # d
    context: Spread  # c
    verify: Spread  # v, a verify pass and a roll back

    @property
    def passes_a_block(self) -> float | None:
        """Denoiser passes at which a block costs what autoregression takes for it: K d + c = S; None where c >= S."""
        left = self.block_size - self.context.median
        return left / self.denoiser.median if left > 0 else None

    @property
    def tokens_a_pass(self) -> float | None:
        """Tokens a pass, context passes counted, above which diffusion is faster than autoregression."""
        passes = self.passes_a_block
        return None if passes is None else self.block_size / (passes + 1)

    @property
    def tokens_a_round(self) -> float:
        """Tokens a round of draft and verify with one denoiser pass, above which it is faster: d + v."""
        return self.denoiser.median + self.verify.median


@dataclass(frozen=True)
class LaneFigure:
    """One lane on the prompt, over all repeats."""

    lane: str
    prompt: str
    tokens: int
    tokens_per_second: Spread | None
    speed_up: Spread | None
    tokens_per_pass: float | None
    share_in_passes: float | None


@dataclass(frozen=True)
class Overhead:
    """What something costs a lane: its seconds with it over its seconds without it, in the same repeat."""

    what: str
    lane: str
    clock: str  # wall, or measured
    ratio: Spread


@dataclass(frozen=True)
class BatchFigure:
    """A lane that writes `rows` texts at once."""

    lane: str
    rows: int
    tokens_per_second: Spread  # of all rows together, on the wall clock, prefills in it
    gain: Spread  # over one text at a time, in the same repeat


@dataclass(frozen=True)
class PeerFigure:
    """A token of our AR lane against one of transformers' `generate`, on the same weights."""

    size: str
    parameters: int  # of the tower and its head
    experts_by: str  # which of transformers' implementations was the fastest here
    ours: Spread  # seconds a token
    theirs: Spread
    ratio: Spread  # theirs over ours, in the same repeat
    tokens: int
    agreed: int  # tokens up to the first that differs


@dataclass(frozen=True)
class Figures:
    """Everything that one run of the benchmark found."""

    setting: Setting
    passes: tuple[PassFigure, ...]
    costs: CostModel
    lanes: tuple[LaneFigure, ...]
    overheads: tuple[Overhead, ...]
    batches: tuple[BatchFigure, ...]
    by_context: tuple[PassFigure, ...]
    by_block: tuple[PassFigure, ...]
    peers: tuple[PeerFigure, ...] = ()
