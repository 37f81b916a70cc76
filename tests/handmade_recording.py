"""A recording written by hand: two blocks of two slots beside one token a pass, with every kind of event and of slot.

The text is " é🗼", "" (the rest of 🗼), " </script>", end. Slot 0 holds " é" and the head of 🗼.
"""

from __future__ import annotations

from twotower.recording import LaneRecord, Recording, ids_named
from twotower.sampling.events import (
    BlockOpened,
    ContextExtended,
    Denoised,
    Event,
    Finished,
    Judged,
    Prefilled,
    Proposal,
    Started,
    TokenDecoded,
    Verified,
)
from twotower.sampling.settings import SamplingSettings
from twotower.trace import Trace

TEXTS = (" é🗼", "", " </script>", "</s>")
SETTINGS = SamplingSettings(max_new_tokens=4, block_size=2, steps_per_block=2, threshold=0.8, seed=7)


def recording(name: str = "By hand", prompt: str = "Once <b>upon</b>\n a time") -> Recording:
    """Both lanes."""
    lanes = tuple(
        LaneRecord(trace, "".join(TEXTS[:3]), TEXTS, ((0, 1, " é"),)) for trace in (diffusion(), autoregressive())
    )
    ids = set().union(*(ids_named(lane.trace.events) for lane in lanes))
    return Recording(name, prompt, lanes, {token: f"<{token}>" for token in sorted(ids)})


def diffusion() -> Trace:
    """Two steps for the first block, one for the second."""
    return _run(
        "diffusion",
        BlockOpened(0.01, 0, 0, 2),
        Denoised(
            0.03,
            0,
            0,
            1.0,
            (
                Proposal(0, 10, 0.9, "threshold", ((10, 0.9), (11, 0.05))),
                Proposal(1, 12, 0.5, None, ((12, 0.5),)),
            ),
            0.018,
        ),
        Denoised(0.05, 0, 1, 0.5, (Proposal(1, 12, 0.95, "threshold", ()),), 0.018),
        ContextExtended(0.06, 0, 2, 0.009),
        Judged(0.06, 0, (-0.1, -0.2), (10, 11), (((10, 0.9), (12, 0.1)), ((11, 0.85), (12, 0.8)))),
        BlockOpened(0.06, 1, 2, 2),
        Denoised(0.08, 1, 0, 1.0, (Proposal(2, 13, 0.99, "threshold", ()), Proposal(3, 2, 0.6, "minimum", ())), 0.018),
        Judged(0.08, 2, (-0.3, -0.4), (13, 2), ((), ())),
        Finished(0.08, "end-token", 4),
    )


def verify() -> Trace:
    """A round whose draft is replaced, and one whose draft is accepted, with a bonus that ends the text."""
    return _run(
        "verify",
        BlockOpened(0.01, 0, 0, 2),
        TokenDecoded(0.011, 0, 10, 0.8, ((10, 0.8), (14, 0.1)), 0.0),
        Denoised(0.03, 0, 0, 0.5, (Proposal(1, 14, 0.6, "draft", ((14, 0.6), (12, 0.3))),), 0.018),
        Verified(0.05, 0, (14,), 0, 12, 0.018),
        Judged(0.05, 1, (-0.1,), (12,), (((12, 0.9), (14, 0.05)),)),
        BlockOpened(0.05, 1, 1, 2),
        Denoised(0.07, 1, 0, 0.5, (Proposal(2, 13, 0.9, "threshold", ()),), 0.018),
        Verified(0.09, 1, (13,), 1, 2, 0.018),
        Judged(0.09, 2, (-0.1, -0.2), (13, 2), ((), ())),
        Finished(0.09, "end-token", 4),
    )


def autoregressive() -> Trace:
    """The first token from the prefill, the others 0.02 seconds apart."""
    return _run(
        "autoregressive",
        TokenDecoded(0.011, 0, 10, 0.8, ((10, 0.8), (14, 0.1)), 0.0),
        TokenDecoded(0.031, 1, 12, 0.7, (), 0.019),
        TokenDecoded(0.051, 2, 13, 0.6, (), 0.019),
        TokenDecoded(0.071, 3, 2, 0.5, (), 0.019),
        Finished(0.071, "end-token", 4),
    )


def _run(lane: str, *events: Event) -> Trace:
    started = Started(0.0, lane, (1,), SETTINGS.to_json(), 7, "m", "cpu", "float32", 2, 3, (2,), ())
    return Trace((started, Prefilled(0.01, 1, 0.009), *events))


EVIL = '</script><script>document.title = "owned"</script><img src=x onerror=alert(1)>\u2028&amp;<!--'


def evil() -> Recording:
    """The same with a name, a prompt and tokens that try to be markup."""
    return Recording(EVIL, EVIL, recording().lanes, dict.fromkeys(recording().pieces, EVIL))
