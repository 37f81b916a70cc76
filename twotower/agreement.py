"""How a text stands to the autoregressive model: the same tokens, and what that model gives them.

Pure: read off the events. Knows no model and no page.
"""

from __future__ import annotations

import math
import statistics

from twotower.sampling.events import ContextExtended, TokenDecoded
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

    An autoregressive lane: of every token. A lane with blocks: of the blocks its context tower has read, which leaves
    the last block out (nothing followed it). None where nothing was judged: a run of one block, a run without recorded
    candidates, the mock-AR lane (its probabilities are the denoiser's), and a token whose probability was recorded as
    zero, which a trace file does below 5e-7.
    """
    judged: list[float] = []
    for event in trace.events:
        if isinstance(event, ContextExtended):
            judged.extend(event.log_probabilities)
        elif isinstance(event, TokenDecoded) and trace.started.lane == BASELINE:
            judged.append(math.log(event.probability) if event.probability > 0 else -math.inf)
    mean = statistics.fmean(judged) if judged else -math.inf
    return mean if math.isfinite(mean) else None
