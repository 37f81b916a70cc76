"""Every sentence of the sweep tab. Knows points and how a quality is shown; knows no widgets and no model."""

from __future__ import annotations

from collections.abc import Sequence

from twotower.metrics import EVEN
from twotower.sweeping.grid import Setting
from twotower.sweeping.points import Quality, SweepPoint
from twotower.sweeping.run import Progress
from twotower.views.sweep_settings import told
from twotower.views.sweep_words import QUALITY_LOOKS

INTRO = (
    "How much quality does speed cost? Every point is measured by running the lanes, one after the other, on the same "
    "thread as the race. AR runs on each prompt too, as the baseline. What is not varied here is taken from the "
    "settings above, and one seed serves every run."
)
PROMPTS = ("Prompts", "what every point is run on")
PROMPT_ABOVE = "The prompt above"
TASKS = ("Tasks with one right answer", "held out from the embedded model's training; these can be right or wrong")
INSTANCES = ("Questions of each task", "drawn with the seed")
UNMASKING = ("Unmasking rules", "each runs with its own bounds below; fixed has none, its steps are what varies")
THRESHOLDS = ("Thresholds", "of threshold and stability: numbers from 0 to 1, separated by commas")
FACTORS = ("Factors", "of factor: numbers from 0 to 100")
ENTROPY_BOUNDS = ("Entropy bounds", "of entropy: nats, from 0 to 100")
STEPS = ("Steps per block", "of every rule: whole numbers, separated by commas")
BLOCK_SIZES = ("Block sizes", "of all of them: whole numbers, separated by commas")
VERIFY = (
    "Draft and verify",
    "a point at every block size; passes and acceptance are those of the settings above",
)
REPEATS = ("Repeats", "how often every run is made")
SEED_USED = ("Seed used", "of the sweep in the chart")
RUN = "Run the sweep"
STOP = "Stop"
DOWNLOAD = "Download the points as CSV"
PROGRESS = "Progress of the sweep"
QUALITY = ("Quality", "what the upright axis shows")
QUALITY_TEXT = (
    "**Agreement with AR**: the share of positions, of those both texts have, with the same token as AR's text on the "
    "same prompt and seed. "
    "**AR log-probability**: what the AR model gives the tokens of the text, in nats a token, higher is likelier. "
    "**Task accuracy**: answers that are right letter by letter and ended. "
    "**Speed-up**: tokens per second over AR's on the same prompt, the median over prompts and repeats. "
    "Where there is room, a marker has the bound of its rule beside it; the steps for fixed, the block size for draft "
    "and verify. Point at a marker for all of its setting."
)
WAITING = "Waiting for the model."


def running(progress: Progress) -> str:
    """The line under the bar."""
    left = progress.seconds_left
    ahead = "" if left is None else f" · about {_seconds(left)} left"
    return f"{progress.done} of {progress.total} runs{ahead}"


def ended(progress: Progress) -> str:
    """The line once nothing runs any more."""
    if progress.done == progress.total:
        return f"{progress.total} runs in {_seconds(progress.seconds)}"
    return f"Ended after {progress.done} of {progress.total} runs. The points that were complete stay."


def summary(points: Sequence[SweepPoint], quality: Quality) -> str:
    """The fastest point and the best one, and it says so where AR beat them all; empty before there is a point."""
    measured = [
        (each.speed_up.median, value, each.setting)
        for each in points
        if each.setting is not None and each.speed_up is not None and (value := each.quality(quality)) is not None
    ]
    if not measured:
        return ""
    fastest = max(measured, key=lambda point: (point[0], point[1]))
    best = max(measured, key=lambda point: (point[1], point[0]))
    won = "AR was faster than every point. " if fastest[0] < 1 - EVEN else ""
    if best is fastest:
        return f"{won}Fastest and best: {_told(*best, quality)}."
    return f"{won}Fastest: {_told(*fastest, quality)}. Best: {_told(*best, quality)}."


def _told(speed_up: float, value: float, setting: Setting, quality: Quality) -> str:
    return f"{speed_up:.2f}× with {told(setting)} ({QUALITY_LOOKS[quality].told(value)})"


def _seconds(seconds: float) -> str:
    """A minute and a half is 1 min 30 s."""
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
