"""How a text stands to the autoregressive model: the same tokens, and what that model gives them.

Pure: read off the events. Knows no model and no page.
"""

from __future__ import annotations

import math
import statistics

from twotower.sampling.events import Judged, TokenDecoded
from twotower.trace import Trace

BASELINE = "autoregressive"


def agreement(trace: Trace, baseline: Trace) -> float | None:
    """The share of positions, of those both texts have, where the token ids are equal.

    An end token is a token of its text, so a text that ends early differs at least where it ends; what the other one
    says after that is not compared. Position by position: one token more or less shifts everything behind it. None
    where either run was stopped, or a text is empty.
    """
    if "cancelled" in (trace.finished.reason, baseline.finished.reason):
        return None
    pairs = list(zip(trace.token_ids, baseline.token_ids, strict=False))  # to the end of the shorter
    return sum(mine == theirs for mine, theirs in pairs) / len(pairs) if pairs else None


def mean_ar_log_probability(trace: Trace) -> float | None:
    """Mean log-probability, in nats a token, that the autoregressive model gives the text; at temperature 1.

    None where nothing was judged (a run without recorded candidates, an empty text), and where a token's probability
    was recorded as zero, which a trace file does below 5e-7.
    """
    judged = [log_probability for log_probability, _ in _judgements(trace).values()]
    mean = statistics.fmean(judged) if judged else -math.inf
    return mean if math.isfinite(mean) else None


def ar_choice_share(trace: Trace) -> float | None:
    """The share of the text's tokens that autoregression would have put there itself, given what stands before.

    1 for its own lane, and for exact draft and verify. Unlike `agreement` it does not count a token as different
    because the text went another way earlier. None where nothing was judged.
    """
    choices = [is_choice for _, is_choice in _judgements(trace).values()]
    return statistics.fmean(choices) if choices else None


def _judgements(trace: Trace) -> dict[int, tuple[float, bool]]:
    """By position of the text: AR's log-probability of the token, and whether the token is its own choice.

    A token chosen from left to right is the autoregressive model's own, but for the mock-AR lane, where the denoiser
    chooses it. Of a run that was stopped inside a block, the block is not judged.
    """
    judged: dict[int, tuple[float, bool]] = {}
    slots = trace.token_ids
    for event in trace.events:
        if isinstance(event, Judged):
            entries = zip(event.log_probabilities, event.choices)
            for position, (log_probability, choice) in enumerate(entries, event.position):
                if position < len(slots):
                    judged[position] = log_probability, choice == slots[position]
        elif isinstance(event, TokenDecoded) and trace.started.lane != "mock-ar" and event.position < len(slots):
            log_probability = math.log(event.probability) if event.probability > 0 else -math.inf
            judged[event.position] = log_probability, True
    return judged
