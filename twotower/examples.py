"""Prompts that come with a model, each with what was measured on it: `examples.json` in the model's folder.

For released models whose folders hold none they are kept here, unmeasured. Knows no model and no page.
`evaluate --examples` measures a folder's own anew.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from twotower.errors import CheckpointError
from twotower.model.configuration import TwoTowerConfig
from twotower.model.releases import release_shaped

FILE = "examples.json"
KEPT = Path(__file__).resolve().parent.parent / "assets" / "examples"  # by the names of releases


@dataclass(frozen=True)
class Example:
    """A prompt under a short name; `speed_up` is diffusion over autoregression at the page's defaults."""

    name: str
    prompt: str
    speed_up: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not isinstance(self.prompt, str):
            raise TypeError(f"name and prompt are {self.name!r} and {self.prompt!r}; allowed: text")
        real = isinstance(self.speed_up, (int, float)) and not isinstance(self.speed_up, bool)
        if self.speed_up is not None and not (real and 0 < self.speed_up < math.inf):
            raise ValueError(f"speed_up is {self.speed_up!r}; allowed: a number above 0")

    def measured(self, speed_up: float) -> Example:
        """The same with a new figure, to three digits."""
        return replace(self, speed_up=float(f"{speed_up:.3g}"))


@dataclass(frozen=True)
class Examples:
    """The prompts of a model; `where` says on what machine they were measured."""

    prompts: tuple[Example, ...]
    where: str = ""


def find_examples(folder: Path, config: TwoTowerConfig) -> Examples | None:
    """The folder's own examples, else those kept for the release whose shape the config has, else None.

    By shape, so that a release is known wherever its folder lies and whatever it is called. Raises CheckpointError.
    """
    own, release = read_examples(folder), release_shaped(config)
    return own if own or not release else _read(KEPT / f"{release.name}.json")


def read_examples(folder: Path) -> Examples | None:
    """The examples in a model's folder; None where there are none. Raises CheckpointError where they are unusable."""
    return _read(folder / FILE)


def _read(path: Path) -> Examples | None:
    if not path.is_file():
        return None
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        prompts = tuple(Example(**entry) for entry in body["prompts"])
        if not prompts or not isinstance(body["where"], str):
            raise ValueError("it needs at least one prompt, and where they were measured")
        return Examples(prompts, body["where"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CheckpointError(f"{path.name} cannot be used: {error}") from error


def write_examples(folder: Path, examples: Examples) -> None:
    """Write them back."""
    text = json.dumps(asdict(examples), indent=2, ensure_ascii=False)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")
