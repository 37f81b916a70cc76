"""What a trace says in numbers. Pure: every second comes from the events. Knows no model and no page."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from twotower.sampling.events import ContextExtended, Denoised, Event, Prefilled, TokenDecoded, Verified
from twotower.trace import Trace

DENOISER_PASS = "denoiser pass"
CONTEXT_PASS = "context pass"
VERIFY_PASS = "verify pass"
STEP_KINDS = {"autoregressive": "AR step", "mock-ar": "mock-AR step"}

EVEN = 0.03  # two single runs within three percent of each other are called even


Pass = Denoised | ContextExtended | Verified | TokenDecoded  # what comes of a model pass after the prefill


def pass_kind(event: Pass, lane: str) -> str:
    """The kind of pass that an event of this lane is of."""
    match event:
        case Denoised():
            return DENOISER_PASS
        case ContextExtended():
            return CONTEXT_PASS
        case Verified():
            return VERIFY_PASS
    return STEP_KINDS.get(lane, lane)


def took_no_pass(event: Event) -> bool:
    """A token that an earlier pass gave: autoregression's first one is the prefill's."""
    return isinstance(event, TokenDecoded) and event.seconds == 0


@dataclass(frozen=True)
class Metrics:
    """The numbers of one run of one lane; seconds are of the measured clock."""

    lane: str
    tokens: int  # what the user got; an end token is the last of them
    prefill_seconds: float
    decode_seconds: float  # from the end of the prefill to the end of the run
    pass_seconds: dict[str, tuple[float, ...]]  # by kind of pass, in the order they ran; the prefill is not among them
    drafted: int = 0  # tokens that the rounds of draft and verify put up for verification
    accepted: int = 0  # of those, how many stayed

    @classmethod
    def of(cls, trace: Trace) -> Metrics:
        """Read them off the events."""
        lane = trace.started.lane
        prefill_end, prefill_seconds = 0.0, 0.0
        passes: dict[str, list[float]] = {}
        for event in trace.events:
            if isinstance(event, Prefilled):
                prefill_end, prefill_seconds = event.time, event.seconds
            elif isinstance(event, Pass) and not took_no_pass(event):
                passes.setdefault(pass_kind(event, lane), []).append(event.seconds)
        rounds = [event for event in trace.events if isinstance(event, Verified)]
        return cls(
            lane=lane,
            tokens=trace.finished.tokens,
            prefill_seconds=prefill_seconds,
            decode_seconds=trace.finished.time - prefill_end,
            pass_seconds={kind: tuple(seconds) for kind, seconds in passes.items()},
            drafted=sum(len(event.drafted) for event in rounds),
            accepted=sum(event.accepted for event in rounds),
        )

    @property
    def passes(self) -> dict[str, int]:
        """How many passes of each kind ran."""
        return {kind: len(seconds) for kind, seconds in self.pass_seconds.items()}

    @property
    def all_passes(self) -> int:
        """Passes of every kind together, the prefill left out."""
        return sum(self.passes.values())

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens over decode seconds; None where nothing was decoded after the prefill."""
        return self.tokens / self.decode_seconds if self.all_passes and self.decode_seconds > 0 else None

    @property
    def tokens_per_pass(self) -> float | None:
        """Tokens over passes of every kind: the number that latency follows."""
        return self.tokens / self.all_passes if self.all_passes else None

    @property
    def tokens_per_denoiser_pass(self) -> float | None:
        """Tokens over denoiser passes alone, as the paper counts; context passes are left out."""
        denoiser = self.passes.get(DENOISER_PASS, 0)
        return self.tokens / denoiser if denoiser else None

    @property
    def rounds(self) -> int:
        """Rounds of draft and verify; 0 in every other lane."""
        return self.passes.get(VERIFY_PASS, 0)

    @property
    def accepted_per_round(self) -> float | None:
        """Drafted tokens that stayed, a round; the token that verification itself gives is not among them."""
        return self.accepted / self.rounds if self.rounds else None

    @property
    def share_in_passes(self) -> float | None:
        """The part of the decode seconds that model passes took; the rest is the sampler's own."""
        inside = sum(sum(seconds) for seconds in self.pass_seconds.values())
        return inside / self.decode_seconds if self.all_passes and self.decode_seconds > 0 else None

    def pass_milliseconds(self, kind: str) -> float | None:
        """The median milliseconds of one pass of this kind."""
        seconds = self.pass_seconds.get(kind)
        return 1000 * statistics.median(seconds) if seconds else None

    def to_json(self) -> dict[str, object]:
        """Plain values, with what follows from them."""
        return {
            "lane": self.lane,
            "tokens": self.tokens,
            "prefill_seconds": self.prefill_seconds,
            "decode_seconds": self.decode_seconds,
            "tokens_per_second": self.tokens_per_second,
            "tokens_per_pass": self.tokens_per_pass,
            "tokens_per_denoiser_pass": self.tokens_per_denoiser_pass,
            "share_in_passes": self.share_in_passes,
            "rounds": self.rounds,
            "drafted": self.drafted,
            "accepted": self.accepted,
            "passes": self.passes,
            "pass_milliseconds": {kind: self.pass_milliseconds(kind) for kind in self.pass_seconds},
        }


@dataclass(frozen=True)
class Factors:
    """Why diffusion was as fast as it was: speed-up = tokens / cost, both relative to autoregression.

    Seconds of a pass are the mean over passes of every kind, the sampler's own share included, so that the two factors
    really multiply to the ratio.
    """

    tokens: float  # what a pass brought, over what autoregression's brought
    cost: float  # how long a pass took, over autoregression's
    tokens_per_pass: float  # diffusion's own

    @classmethod
    def of(cls, diffusion: Metrics, autoregressive: Metrics) -> Factors | None:
        """None where a lane gave no token or made no pass after the prefill."""
        if not diffusion.tokens_per_second or not autoregressive.tokens_per_second:
            return None
        mine = diffusion.decode_seconds / diffusion.all_passes
        theirs = autoregressive.decode_seconds / autoregressive.all_passes
        tokens_per_pass = diffusion.tokens / diffusion.all_passes
        baseline = autoregressive.tokens / autoregressive.all_passes
        return cls(tokens_per_pass / baseline, mine / theirs, tokens_per_pass)

    @property
    def speed_up(self) -> float:
        """Tokens per second over autoregression's."""
        return self.tokens / self.cost

    @property
    def break_even(self) -> float:
        """The tokens per pass at which both would have been as fast, at the same cost of a pass."""
        return self.tokens_per_pass / self.speed_up


CHALLENGERS = {"diffusion": "diffusion", "verify": "draft and verify"}  # lanes that are held against the baseline


def verdict(challenger: Metrics, autoregressive: Metrics) -> str:
    """Who won and why, in two sentences, as plainly when autoregression did; `challenger` is of one of CHALLENGERS."""
    name = CHALLENGERS[challenger.lane]
    fast, base = challenger.tokens_per_second, autoregressive.tokens_per_second
    factors = Factors.of(challenger, autoregressive)
    if not fast or not base or factors is None:
        return "Too few tokens to compare: a lane ended before its first pass after the prefill had given one."
    ratio = fast / base
    if abs(ratio - 1) <= EVEN:
        who = f"Even: {name} gave {fast:.0f} tokens a second, autoregression {base:.0f}."
    elif ratio > 1:
        won = f"{name[0].upper()}{name[1:]} won, {ratio:.2f} times as fast"
        who = f"{won}: {fast:.0f} tokens a second against {base:.0f}."
    else:
        who = f"AR won, {1 / ratio:.2f} times as fast: {base:.0f} tokens a second against {fast:.0f} of {name}."
    brought, took = f"{factors.tokens:.2f} times the tokens", f"{factors.cost:.2f} times as long"
    return f"{who} A pass of {name} brought {brought} and took {took}."
