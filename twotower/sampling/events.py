"""What happens in a run, one frozen record per happening. Knows no tensors and no text.

Every view, number, export and test reads these and nothing else. Events come *after* the commit they speak of.
`time` is seconds since `Started` on the measured clock (see `clock.py`); `seconds` is how long the event's model
pass took. A `position` counts slots of the generated text from 0, across blocks.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

Rule = Literal["threshold", "fixed", "factor", "entropy", "stability", "minimum", "last-step", "draft"]
VERIFYING = "verify"  # the lane whose denoiser passes only draft: what they commit waits for `Verified`
FinishReason = Literal["end-token", "length", "cancelled"]


@dataclass(frozen=True)
class Started:
    """A lane begins. `settings` is `SamplingSettings.to_json()`; `seed` is the one really used."""

    time: float
    lane: str
    prompt_ids: tuple[int, ...]
    settings: dict[str, object]
    seed: int
    model: str
    device: str
    dtype: str
    threads: int
    mask_token_id: int
    end_token_ids: tuple[int, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Prefilled:
    """The context tower has read the prompt: `tokens` of it, in one pass."""

    time: float
    tokens: int
    seconds: float


@dataclass(frozen=True)
class BlockOpened:
    """`size` slots appear at `offset`, masked but for those `pinned`: (position, id) of tokens the user has fixed.

    In the verify lane a block begins with the token that the last verification gave, and lies over what it rejected.
    """

    time: float
    block: int
    offset: int
    size: int
    pinned: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Proposal:
    """What one denoiser pass proposes for one masked slot.

    `confidence` is the probability of `id` at temperature 1 with the mask token forbidden. `rule` says why the slot
    was committed in this step, None that it stays masked; "draft" is the last pass of a draft, which fills whatever is
    left. `candidates` are (id, probability), most likely first.
    """

    position: int
    id: int
    confidence: float
    rule: Rule | None
    candidates: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Denoised:
    """One denoiser pass over a block: a proposal for every slot of the text that was masked when it ran.

    Slots after a committed end token are no text and get none.

    `masked_fraction` is the t the denoiser was conditioned on.
    """

    time: float
    block: int
    step: int
    masked_fraction: float
    proposals: tuple[Proposal, ...]
    seconds: float

    @property
    def committed(self) -> tuple[Proposal, ...]:
        """The proposals that became tokens in this step."""
        return tuple(proposal for proposal in self.proposals if proposal.rule is not None)


@dataclass(frozen=True)
class ContextExtended:
    """The context tower has read a finished block in one causal pass."""

    time: float
    block: int
    tokens: int
    seconds: float


@dataclass(frozen=True)
class Verified:
    """The context tower has read a drafted block, and its head has judged it: one round of draft and verify.

    `drafted` are the ids behind the block's first token, up to a drafted end token; the first `accepted` of them stay.
    `id` is the token that autoregression puts behind those: the replacement of the first one rejected, or a bonus;
    None where the text has ended before it. Slots behind it are masked again. `seconds` holds the roll back too.
    """

    time: float
    block: int
    drafted: tuple[int, ...]
    accepted: int
    id: int | None
    seconds: float


@dataclass(frozen=True)
class Judged:
    """What the autoregressive model, the context tower, says of the tokens from `position` on; recorded off the clock.

    One entry a token, given everything before it: its log-probability (nats, temperature 1), the token autoregression
    would have put there (with its own noise, where it samples), and the likeliest (id, probability).
    """

    time: float
    position: int
    log_probabilities: tuple[float, ...]
    choices: tuple[int, ...]
    candidates: tuple[tuple[tuple[int, float], ...], ...]


@dataclass(frozen=True)
class TokenDecoded:
    """One token chosen from left to right; `candidates` are (id, probability), most likely first.

    A pass of its own in the autoregressive lanes, but for the first token there, which the prefill gives. `seconds` is
    0 where an earlier pass gave it: that one, the first token of the verify lane, the anchor of a diffusion block.
    """

    time: float
    position: int
    id: int
    probability: float
    candidates: tuple[tuple[int, float], ...]
    seconds: float


@dataclass(frozen=True)
class Finished:
    """The lane ends; the text is the first `tokens` slots (an end token, if any, is the last of them)."""

    time: float
    reason: FinishReason
    tokens: int


Event = Started | Prefilled | BlockOpened | Denoised | ContextExtended | Verified | Judged | TokenDecoded | Finished

EVENT_TYPES: dict[str, type] = {cls.__name__: cls for cls in get_args(Event)}


def event_to_json(event: Event) -> dict[str, object]:
    """Plain JSON values under the event's field names, its class name under "event"."""
    record: dict[str, object] = {"event": type(event).__name__}
    for field in fields(event):
        value = getattr(event, field.name)
        if field.name == "proposals":
            value = [[p.position, p.id, _round(p.confidence), p.rule, _pairs_to_json(p.candidates)] for p in value]
        elif field.name == "candidates":
            several = isinstance(event, Judged)
            value = [_pairs_to_json(pairs) for pairs in value] if several else _pairs_to_json(value)
        elif field.name == "pinned":
            value = [list(pin) for pin in value]
        elif field.name in ("time", "seconds"):
            value = round(value, 7)
        elif field.name in ("probability", "log_probabilities"):
            value = [_round(v) for v in value] if isinstance(value, tuple) else _round(value)
        elif isinstance(value, tuple):
            value = list(value)
        record[field.name] = value
    return record


def _round(value: float) -> float:
    # Six digits tell any two confidences of a picture apart and keep a long trace under two megabytes.
    return round(value, 6)


def _pairs_to_json(pairs: tuple[tuple[int, float], ...]) -> list[list]:
    return [[token, float(f"{probability:.4g}")] for token, probability in pairs]
