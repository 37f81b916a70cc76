"""What the page costs: `python tests/e2e/bench_page.py` prints first paint, scrubbing and the price of streaming.

No test: the figures are this machine's, medians with the least and the greatest.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from server import CHROMIUM, QUIET, serve_app

from twotower import DEFAULT_MODEL
from twotower.recording import Recording
from twotower.sampling.settings import SamplingSettings
from twotower.text import encode_prompt
from twotower.trace import Trace
from twotower.ui.engine import Engine
from twotower.ui.launch import open_engine
from twotower.ui.race import Race
from twotower.ui.request import RaceRequest
from twotower.views.report import html_player

LANES = ("diffusion", "autoregressive")
PROMPT = "Once upon a time"
TOKENS = 1024
PAINTS, SCRUBS, STREAMS = 7, 5, 9
SETTINGS = SamplingSettings(max_new_tokens=TOKENS, temperature=1.0, seed=0, end_token_ids=())

# Seeks to a new moment every frame, through the whole run and back; gives each frame's length in milliseconds.
SCRUB = """
() => new Promise((done) => {
  const { player } = document.querySelector(".tt-stage").stage;
  player.pause();
  const frames = 240, lengths = [];
  let n = 0, last = performance.now();
  requestAnimationFrame(function step(now) {
    lengths.push(now - last);
    last = now;
    player.seek(player.end * (1 - Math.abs(1 - (2 * n) / frames)));
    if (n++ < frames) requestAnimationFrame(step);
    else done(lengths.slice(2));
  });
})
"""
ON_STAGE = "document.querySelector('.tt-stage')?.stage?.run"


def main() -> None:
    """Print every figure."""
    engine = open_engine(DEFAULT_MODEL)
    player = html_player(long_recording(engine))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        with tempfile.TemporaryDirectory() as folder, serve_app(Path(folder) / "log.txt") as url:
            paints, stages = zip(*(first_paint(browser, url) for _ in range(PAINTS)))
        show("first contentful paint", paints, "ms")
        show("recorded run on the stage", stages, "ms")
        show(
            f"scrub, {TOKENS} tokens x {len(LANES)} lanes", [scrub(browser, player) for _ in range(SCRUBS)], "frames/s"
        )
        browser.close()
    for lane in LANES:
        show(f"streaming {lane}", streaming(engine, lane), "% of decode time")


def long_recording(engine: Engine) -> Recording:
    """Both lanes at the longest length that the page allows."""
    model = engine.model()
    ids = encode_prompt(model, PROMPT)
    runs = [engine.worker.submit(ids, lane, SETTINGS) for lane in LANES]
    traces = [run.trace() for run in runs]
    return Recording.of("bench", PROMPT, traces, model.tokenizer)


def first_paint(browser: Browser, url: str) -> tuple[float, float]:
    """Milliseconds from the navigation to the first content on the screen, and to the recorded run on the stage."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(url)
    page.wait_for_function(ON_STAGE)
    stage = page.evaluate("performance.now()")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    context.close()
    return paint, stage


def scrub(browser: Browser, player: str) -> float:
    """Frames a second while the run is scrubbed there and back."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_content(player)
    page.wait_for_function(ON_STAGE)
    lengths = page.evaluate(SCRUB)
    context.close()
    return 1000 / statistics.fmean(lengths)


def streaming(engine: Engine, lane: str) -> list[float]:
    """By how much decoding is slower, in percent, while its messages are made and written as JSON beside it.

    Runs in pairs, one that streams and one whose events are only kept, in turned order.
    """
    model, costs = engine.model(), []
    request = RaceRequest(PROMPT, (lane,), SETTINGS)
    ids = encode_prompt(model, PROMPT)

    def kept() -> float:
        return decode_seconds(engine.worker.submit(ids, lane, SETTINGS).trace())

    def streamed() -> float:
        race = Race(model, engine.worker, request)
        for message in race.messages():
            json.dumps(message)
        shown = race.shown()
        assert shown is not None
        return decode_seconds(shown.traces[0])

    for pair in range(STREAMS):
        times = {run.__name__: run() for run in ((kept, streamed) if pair % 2 else (streamed, kept))}
        costs.append(100 * (times["streamed"] / times["kept"] - 1))
    return costs


def decode_seconds(trace: Trace) -> float:
    """From Started to Finished on the measured clock."""
    return trace.finished.time


def show(name: str, values: Sequence[float], unit: str) -> None:
    """One line: median, least, greatest."""
    print(f"{name:<34}{statistics.median(values):8.1f} ({min(values):.1f} to {max(values):.1f}) {unit}")


if __name__ == "__main__":
    main()
