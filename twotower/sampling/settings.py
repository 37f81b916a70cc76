"""What a visitor can tune, validated once. Knows no model beyond the limits it is told."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from itertools import pairwise

from twotower.errors import InputError
from twotower.model.configuration import WIDEST_BLOCK

UNMASKING = ("threshold", "fixed", "factor", "entropy", "stability")  # the rules of `unmasking.py`
PINNABLE = ("diffusion",)  # lanes that can write around a token that stands further on


@dataclass(frozen=True)
class SamplingSettings:
    """Settings of one run; every lane reads the same object.

    Defaults are the paper's operating point (block 16, 16 steps, threshold 0.8, greedy).
    """

    max_new_tokens: int = 128
    block_size: int = 16  # slots unmasked in parallel, S
    steps_per_block: int = 16  # denoising steps a block may take at most, T
    threshold: float = 0.8  # commit every slot whose confidence exceeds this, gamma
    temperature: float = 0.0  # 0 is greedy
    top_k: int = 0  # sample among this many tokens; 0 is all
    top_p: float = 1.0  # sample from the smallest set of tokens holding this much probability
    seed: int = -1  # -1 draws one; the run reports the seed it used
    end_token_ids: tuple[int, ...] | None = None  # None: the model's own
    finish_block: bool = False  # unmask the slots after an end token too, as NVIDIA's code does; they are no text
    candidates: int = 5  # most likely tokens recorded for each slot; 0 records none, nor what AR thinks of the text
    unmasking: str = "threshold"  # the rule that says which proposals are committed, one of UNMASKING
    factor: float = 1.0  # factor rule: the n surest are committed while (n + 1) (1 - confidence) is below this
    entropy_bound: float = 0.1  # entropy rule: nats of joint entropy that the slots of one step may have
    kl_bound: float = 0.01  # stability rule: nats by which a slot's distribution may have moved since the last passes
    ar_anchor: bool = False  # diffusion: the first token of every block is the context tower's own
    draft_passes: int = 0  # verify: denoiser passes a draft takes; 0 weighs another one against its cost
    accept_from: float = 1.0  # verify: accept a drafted token that AR gives this probability; 1 is AR's choice alone
    pins: tuple[tuple[int, int], ...] = ()  # diffusion: (position, id) of tokens that stand from the start

    def __post_init__(self) -> None:
        for name, low, high in (
            ("max_new_tokens", 1, None),
            ("block_size", 1, None),
            ("steps_per_block", 1, None),
            ("top_k", 0, None),
            ("seed", -1, 2**63 - 1),
            ("candidates", 0, 50),
            ("draft_passes", 0, 64),
        ):
            _whole_number(name, getattr(self, name), low, high)
        for name in ("finish_block", "ar_anchor"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(name, getattr(self, name), "true or false")
        if self.unmasking not in UNMASKING:
            raise InputError("unmasking", self.unmasking, "one of " + ", ".join(UNMASKING))
        _real_number("threshold", self.threshold, 0.0, 1.0)
        _real_number("temperature", self.temperature, 0.0, 10.0)
        _real_number("top_p", self.top_p, 0.0, 1.0)
        _real_number("factor", self.factor, 0.0, 100.0)
        _real_number("entropy_bound", self.entropy_bound, 0.0, 100.0)
        _real_number("kl_bound", self.kl_bound, 0.0, 100.0)
        _real_number("accept_from", self.accept_from, 0.0, 1.0)
        if self.top_p == 0:
            raise InputError("top_p", self.top_p, "a number above 0 and up to 1")
        if self.end_token_ids is not None:
            object.__setattr__(self, "end_token_ids", tuple(self.end_token_ids))
            for token in self.end_token_ids:
                _whole_number("end_token_ids", token, 0, None)
        object.__setattr__(self, "pins", _checked_pins(self.pins, self.max_new_tokens))

    def for_lane(self, lane: str) -> SamplingSettings:
        """The same, without pins for a lane that writes from left to right and cannot keep them."""
        return self if lane in PINNABLE or not self.pins else replace(self, pins=())

    def warnings(self, trained_block_size: int) -> tuple[str, ...]:
        """What the visitor should know before this run; raises where the model cannot follow at all."""
        if self.block_size > WIDEST_BLOCK * trained_block_size:
            limit = WIDEST_BLOCK * trained_block_size
            raise InputError("block_size", self.block_size, f"a whole number from 1 to {limit} for this model")
        if self.block_size > trained_block_size:
            return (
                f"Block size {self.block_size} is wider than the {trained_block_size} this model was trained on: "
                "expect worse text.",
            )
        return ()

    def to_json(self) -> dict[str, object]:
        """Plain values, one entry a field."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _checked_pins(pins: object, max_new_tokens: int) -> tuple[tuple[int, int], ...]:
    """In order of position. Raises InputError where two claim the same slot or one lies outside the text."""
    pairs = isinstance(pins, (tuple, list)) and all(isinstance(pin, (tuple, list)) and len(pin) == 2 for pin in pins)
    if not isinstance(pins, (tuple, list)) or not pairs:
        raise InputError("pins", pins, "pairs of a position and a token id")
    for position, token in pins:
        _whole_number("pins: position", position, 0, max_new_tokens - 1)
        _whole_number("pins: token id", token, 0, None)
    ordered = tuple(sorted((position, token) for position, token in pins))
    for (before, _), (position, _) in pairwise(ordered):
        if before == position:
            raise InputError("pins: position", position, "every slot pinned once")
    return ordered


def _whole_number(name: str, value: object, low: int, high: int | None) -> None:
    allowed = f"a whole number from {low} to {high}" if high is not None else f"a whole number of at least {low}"
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(name, value, allowed)
    if value < low or (high is not None and value > high):
        raise InputError(name, value, allowed)


def _real_number(name: str, value: object, low: float, high: float) -> None:
    allowed = f"a number from {low:g} to {high:g}"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(name, value, allowed)
    if not math.isfinite(value) or not low <= value <= high:
        raise InputError(name, value, allowed)
