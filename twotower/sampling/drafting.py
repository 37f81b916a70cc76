"""How many denoiser passes a draft is worth. Knows confidences and seconds; knows no model.

Another pass costs d seconds. What it may save is rounds: each drafted token that is rejected costs a round more, d + v
seconds with the verification (d and v as this run has measured them). The chance that a token is accepted, given that
those before it were, is the denoiser's confidence in it, c; another pass takes a slot that is still masked to about
c ** sharpening, with the exponent that this run has seen. What comes behind a rejected token will be drafted anew.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from twotower.sampling.events import Rule
from twotower.sampling.settings import SamplingSettings
from twotower.sampling.unmasking import Proposed, Unmasking

_FIRST_SHARPENING = 0.25  # hopeful: a first second pass is tried where it may pay, and then the run knows
_LEAST = 1e-6  # confidences below it count as this: their logarithms are to be summed


def further_rounds(chances: Sequence[float], anew: Sequence[float]) -> float:
    """Rounds that a draft is expected to need behind its own verification, until all of its slots are text.

    chances: of each drafted token to be accepted, given those before it. anew: the same once the slot is drafted from
    nothing in a later round, where every rejection costs one round more.
    """
    rounds, reached, behind = 0.0, 1.0, sum(1 - chance for chance in anew)
    for chance, again in zip(chances, anew, strict=True):
        behind -= 1 - again
        rounds += reached * (1 - chance) * (1 + behind)
        reached *= chance
    return rounds


class DraftPlan:
    """What a run has learnt of its passes; one for all its rounds."""

    def __init__(self, settings: SamplingSettings, end_token_ids: Collection[int]) -> None:
        self.settings = settings
        self.end_token_ids = end_token_ids
        self._draft_seconds, self._drafts = 0.0, 0
        self._verify_seconds, self._verifications = 0.0, 0
        self._doubt_before, self._doubt_after = 1.0, _FIRST_SHARPENING

    def draft(self, size: int) -> Draft:
        """The draft of a block of `size` slots, the first of which is known."""
        return Draft(self, size)

    def drafted(self, seconds: float) -> None:
        """A denoiser pass has taken so long."""
        self._draft_seconds += seconds
        self._drafts += 1

    def verified(self, seconds: float) -> None:
        """A verification has taken so long."""
        self._verify_seconds += seconds
        self._verifications += 1

    def sharpened(self, before: Sequence[float], after: Sequence[float]) -> None:
        """Confidences of the same masked slots in two passes, one after the other."""
        self._doubt_before -= sum(math.log(max(_LEAST, confidence)) for confidence in before)
        self._doubt_after -= sum(math.log(max(_LEAST, confidence)) for confidence in after)

    @property
    def sharpening(self) -> float:
        """What another pass leaves of a slot's doubt, -log confidence."""
        return self._doubt_after / self._doubt_before

    @property
    def verification_cost(self) -> float:
        """A verification in denoiser passes.

        Where acceptance is lenient the text depends on the drafts: there the clock has no say, both count as equal, and
        the same seed gives the same text.
        """
        if self.settings.accept_from < 1 or not self._verifications or not self._draft_seconds:
            return 1.0
        return (self._verify_seconds / self._verifications) / (self._draft_seconds / self._drafts)


class Draft:
    """One block's draft: commits like diffusion, until the pass that is the last, which fills whatever is left."""

    def __init__(self, plan: DraftPlan, size: int) -> None:
        self._plan = plan
        self._unmasking = Unmasking(plan.settings)
        self._known = dict.fromkeys(range(1, size), 0.0)  # slot -> confidence: of its commit, or the latest
        self._masked: dict[int, float] = {}  # those of the pass before that it left masked
        self._last = size  # the slot of an end token that was committed: there is no text behind it
        self._end = size  # the same of one that was proposed, for all that is known yet
        self.passes = 0

    def commit(self, proposed: Proposed) -> list[Rule | None]:
        """The rule of every masked slot in this pass."""
        self.passes += 1
        self._known.update(zip(proposed.slots, proposed.confidences))
        if self._masked:
            before = [self._masked[slot] for slot in proposed.slots]
            self._plan.sharpened(before, proposed.confidences)
        left = max(1, self._plan.settings.steps_per_block - self.passes + 1)
        rules = self._unmasking(proposed, left)
        self._note_ends(proposed, rules)
        self._masked = {
            slot: confidence
            for slot, confidence, rule in zip(proposed.slots, proposed.confidences, rules)
            if rule is None
        }
        return [rule or "draft" for rule in rules] if self._masked and self._is_last() else rules

    def _note_ends(self, proposed: Proposed, rules: Sequence[Rule | None]) -> None:
        proposals = zip(proposed.slots, proposed.tokens, rules)
        ends = {slot: rule for slot, token, rule in proposals if token in self._plan.end_token_ids}
        self._end = min(ends, default=self._last)
        self._last = min((slot for slot, rule in ends.items() if rule is not None), default=self._last)

    def _is_last(self) -> bool:
        if self._plan.settings.draft_passes:
            return self.passes >= self._plan.settings.draft_passes
        plan, slots = self._plan, [slot for slot in self._known if slot <= self._end]
        now = [self._known[slot] for slot in slots]
        then = [self._known[slot] ** (plan.sharpening if slot in self._masked else 1) for slot in slots]
        saved = further_rounds(now, now) - further_rounds(then, now)
        return saved * (1 + plan.verification_cost) <= 1
