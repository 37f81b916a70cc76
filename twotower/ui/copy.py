"""Every sentence the page says. Knows no widgets and no model."""

from __future__ import annotations

from collections.abc import Sequence

from twotower.examples import Example, Examples
from twotower.pins import lanes_without_pins

TITLE = "TwoTower"
TAGLINE = "Two towers, one backbone: blocks of masks against one token at a time."

PROMPT_LABEL = "Prompt"
PROMPT_HINT = "The model continues this text. Left empty, it starts from nothing."
RUN = "Run the race"
STOP = "Stop"

# For a model that brings no examples of its own: completions a base model can make, unmeasured.
EXAMPLES = Examples(
    (
        Example("A fairy-tale start", "Once upon a time, there was a little girl named Lily. She loved to"),
        Example("A repeated line", "The cat said hello. The dog said hello. The bird said hello. The frog said"),
        Example("An odd meeting", "The old robot opened the door and saw"),
        Example("No prompt at all", ""),
    )
)


def chip(example: Example) -> str:
    """What an example's button says: its name, and who was faster on it, where that was measured."""
    if example.speed_up is None:
        return example.name
    if example.speed_up >= 1:
        return f"{example.name} · diffusion {example.speed_up:.1f}×"
    return f"{example.name} · AR {1 / example.speed_up:.1f}×"


def chips_info(examples: Examples) -> str:
    """What stands under the examples."""
    if all(example.speed_up is None for example in examples.prompts):
        return ""
    return (
        f"Who was faster, and by how much, as measured ({examples.where}; default settings): predictable text is where "
        "diffusion shines, open text may lose."
    )


MORE_SETTINGS = "Unmasking rule, drafts, pinned words, seed"
STEPS = ("Steps per block", "denoiser passes a block may take at most")
TEMPERATURE = ("Temperature", "0 always takes the likeliest token")
THRESHOLD = ("Threshold", "a slot commits once its confidence exceeds this")
MAX_NEW_TOKENS = ("Max new tokens", "where the text is cut at the latest")
TOP_K = ("Top-k", "sample among this many tokens; 0 is all")
TOP_P = ("Top-p", "sample within this much probability")
SEED = ("Seed", "-1 draws a new one each run")
SEED_USED = "Seed used"
REPEATS = ("Repeats", "runs of each lane, for medians with spread")
UNMASKING = ("Unmasking rule", "which proposals of a pass are committed")
RULES = (
    ("threshold", "Threshold (the paper)"),
    ("fixed", "Fixed number a step (LLaDA)"),
    ("factor", "Factor (Fast-dLLM)"),
    ("entropy", "Entropy bound (EB-Sampler)"),
    ("stability", "KL stability (KLASS)"),
)
THRESHOLD_UNUSED = "the unmasking rule chosen below does not read it"
FACTOR = ("Factor", "the n surest commit while (n + 1)(1 − confidence) is below this; more is faster")
ENTROPY_BOUND = ("Entropy bound", "nats of dependence a step may ignore; 0 is a slot a step, more is faster")
KL_BOUND = ("KL bound", "a slot above the threshold waits until it moves less than this (nats) in two passes")
AR_ANCHOR = ("AR anchor", "diffusion: the first token of every block is the autoregressive model's own")
DRAFT_PASSES = ("Draft passes", "draft and verify: denoiser passes of a draft; 0 adapts to their cost")
ACCEPT_FROM = ("Accept from", "draft and verify: 0 is fast, 1 exact; below 1 the text is no longer AR's")
PINS = (
    "Pinned words",
    "POSITION:TEXT, one a line, or pick a slot on the stage. Diffusion lane only: it alone can write around words that "
    "stand further on; the other lanes write from left to right and run without them.",
)
PINS_PLACEHOLDER = "13: cat"
LANES = ("Lanes", "run one after the other, in this order")


def block_size_info(trained: int) -> str:
    """What stands under the block-size slider."""
    return f"slots unmasked in parallel; trained width is {trained}"


def block_size_warning(size: int, trained: int) -> str:
    """The amber line beyond the trained width."""
    return (
        f"⚠ Block size {size} is wider than the {trained} this model was trained on. It will run, but expect worse "
        "text: in the paper quality collapses beyond the trained width."
    )


TIMING = (
    "Lanes run one after the other, never at once, so neither slows the other. "
    "Every number comes from the measured clock inside the sampler, not from the screen."
)


def race_note(lanes: Sequence[str], pinned: bool) -> str:
    """Under the race's heading: how it is timed, and which lanes run without the pins."""
    left = lanes_without_pins(lanes) if pinned else None
    return f"{TIMING} {left}" if left else TIMING


def repeating(repeat: int, repeats: int) -> str:
    """In the note's place while repeats run."""
    return f"Repeat {repeat} of {repeats}: the lanes run again off the stage, in turned order, for the spread."


LATENCY = ("Latency race", "Tokens you have against seconds. The shaded start is the prefill.")
PASSES = ("Time per pass", "How long one model call takes, by kind. A box holds the middle half, its line the median.")
COMMITS = (
    "Commit map",
    "When each token was committed: the step of its block, top to bottom, against its place. Colour is confidence, the "
    "shape the rule. τ over a block is Kendall's: 1 is left to right, a dash no order.",
)
BLOCKS = ("Passes per block", "How many denoiser passes each block took. The dashed line is the limit.")
BREAK_EVEN = (
    "Break-even",
    "Speed-up against tokens per pass. The line is where any run would lie at what a pass cost in this one; below 1× "
    "AR wins.",
)

RECORDED = "Recorded runs"
OPEN_FILE = "Open a trace file"
PIN, UNPIN = "Pin as run A", "Unpin run A"
TOUR = "How it works, in five steps"
THIS_RUN, SWEEP, MODEL = "This run", "Sweep", "Model"
KEEP_TITLE = "Take it with you"
SAVES = (
    ("save-json", "Trace (JSON)"),
    ("save-html", "Player (HTML)"),
    ("save-gif", "Picture (GIF)"),
    ("save-csv", "Timings (CSV)"),
)
RUNNING = "Your run is on its way. The numbers and charts below are of the run before."
BROKEN = "A lane ended in an error: no verdict."
LINK = "Link to the settings above"
NOTHING_SHOWN = "a run on the stage; run the race first, or choose a recorded run"
LINK_REFUSED = "The link's settings could not be used and were left out."


def standing_in(model: str) -> str:
    """Under the title strip of a Space that cannot run its own model."""
    return (
        f"The hardware of this Space cannot run {model}. What runs here is the small model that comes with this page; "
        "the recorded runs are of that model too."
    )


def lane_broken(label: str) -> str:
    """What a screen reader hears when a lane ends in an error."""
    return f"{label} ended in an error."


def nothing_to_compare(stopped: bool) -> str:
    """In the verdict's place when one of the two lanes is missing or was cut short."""
    if stopped:
        return "Stopped: no verdict. The numbers below are of what ran."
    return "Run a lane beside the autoregressive one for a verdict."


def verified_text(same: bool) -> str:
    """Whether draft and verify gave the text of the autoregressive lane."""
    return "Its text is autoregression's, token for token." if same else "Its text is not autoregression's."
