"""Is everything that speaks of the Space in step? Reads files and installed packages; changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from twotower.errors import InputError
from twotower.space.files import matching
from twotower.space.profiles import ZERO_GPU, Profile, Space
from twotower.space.rendering import README, REQUIREMENTS, pins, read, rendered, requirements

# What ZeroGPU runs, by the Hub's documentation of 2026 (https://huggingface.co/docs/hub/spaces-zerogpu).
ZERO_GPU_PYTHON = ("3.10", "3.12")
ZERO_GPU_TORCH = ("2.8.0", "2.9.1", "2.10.0", "2.11.0")
BY_THE_SPACE = ("spaces",)  # installed there in a version of the Space's own; another one breaks the build


class OutOfStep(Exception):
    """Files that speak of the Space say different things: a line each."""


def demand_in_step(root: Path) -> None:
    """Raises OutOfStep with everything that is not."""
    if wrong := problems(root):
        raise OutOfStep("\n".join(wrong))


def problems(root: Path) -> list[str]:
    """Everything that is out of step, a line each; none where all is well. Raises InputError for no checkout."""
    try:
        space = Space.read(root)
        return [
            *_files_in_step(root, space),
            *(line for each in space.profiles for line in _profile(root, space, each)),
        ]
    except InputError as error:
        return [str(error)]


def _files_in_step(root: Path, space: Space) -> Iterator[str]:
    for name, text in rendered(root, space).items():
        there = (root / name).read_text(encoding="utf-8") if (root / name).is_file() else None
        if there != text:
            state = "is not there" if there is None else "says something else than spaces.yaml"
            yield f"{name} {state}: python -m twotower space render writes it."
    for pattern in space.files:
        if not matching(root, [pattern]):
            yield f"files: {pattern!r} matches no file."
    for written in (README, REQUIREMENTS):
        if written in matching(root, space.files):
            yield f"files: {written} is written for each profile and cannot be listed."
    for line in read(root, REQUIREMENTS).splitlines():
        if line.strip() and not line.startswith("#") and not pins(line):
            yield f"{REQUIREMENTS}: {line!r} is not pinned; allowed: package==version."


def _profile(root: Path, space: Space, profile: Profile) -> Iterator[str]:
    card, name = profile.card, profile.name
    pinned = dict(pins(requirements(read(root, REQUIREMENTS), profile)))
    if pinned.get("gradio") != card.sdk_version:
        yield f"{name}: sdk_version is {card.sdk_version}, but gradio is pinned to {pinned.get('gradio')}."
    if card.app_file not in matching(root, space.files):
        yield f"{name}: app_file {card.app_file!r} is not among the files of the Space."
    for package in pinned.keys() & set(BY_THE_SPACE):
        yield f"{name}: {package} is pinned; the Space brings its own."
    yield from _python(root, profile, pinned)
    if profile.hardware == ZERO_GPU:
        minor = ".".join(card.python_version.split(".")[:2])
        if minor not in ZERO_GPU_PYTHON:
            yield f"{name}: python_version is {card.python_version}; ZeroGPU runs {', '.join(ZERO_GPU_PYTHON)}."
        if pinned.get("torch") not in ZERO_GPU_TORCH:
            yield f"{name}: torch is pinned to {pinned.get('torch')}; ZeroGPU runs {', '.join(ZERO_GPU_TORCH)}."


def _python(root: Path, profile: Profile, pinned: dict[str, str]) -> Iterator[str]:
    # A minor version stands for its newest release: that is what the Hub takes.
    asked = profile.card.python_version
    version = Version(asked if asked.count(".") == 2 else f"{asked}.99")
    own = re.search(r'^requires-python = "([^"]+)"$', read(root, "pyproject.toml"), re.MULTILINE)
    if own is None or version not in SpecifierSet(own[1]):
        yield f"{profile.name}: python_version is {asked}; pyproject.toml requires {own[1] if own else 'nothing'}."
    for package, wanted in pinned.items():
        needs = _needs(package, wanted)
        if needs is not None and version not in SpecifierSet(needs):
            yield f"{profile.name}: python_version is {asked}; {package} {wanted} requires {needs}."


def _needs(package: str, version: str) -> str | None:
    # Known of what is installed here in that very version; of the rest the registry would have to be asked.
    try:
        found = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return None
    return found.metadata["Requires-Python"] if Version(found.version).public == version else None
