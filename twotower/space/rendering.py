"""The files that are written from `spaces.yaml`: the README's front matter and a profile's requirements. Pure text."""

from __future__ import annotations

import re
from pathlib import Path

from twotower.errors import InputError
from twotower.space.card import Card
from twotower.space.profiles import Profile, Space

README, REQUIREMENTS = "README.md", "requirements.txt"
_FRONT_MATTER = re.compile(r"\A---\n.*?^---\n", re.MULTILINE | re.DOTALL)
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)$", re.MULTILINE)
_WRITTEN = "# Written by `python -m twotower space render` from requirements.txt and spaces.yaml.\n"


def readme(text: str, card: Card) -> str:
    """The README with this card on top; its body is left as it is."""
    front = f"---\n{card.front_matter()}---\n"
    return _FRONT_MATTER.sub(lambda _: front, text, count=1) if _FRONT_MATTER.match(text) else front + text


def requirements(text: str, profile: Profile) -> str:
    """requirements.txt with the profile's versions in place. Raises InputError for a package that is not pinned."""
    if not profile.requirements:
        return text
    versions = dict(profile.requirements)
    for package in versions.keys() - dict(pins(text)).keys():
        raise InputError(f"{profile.name}: requirements", package, "a package that requirements.txt pins")
    return _WRITTEN + _PIN.sub(lambda pin: f"{pin[1]}=={versions.get(pin[1], pin[2])}", text)


def pins(text: str) -> list[tuple[str, str]]:
    """(package, version) of every pinned line."""
    return _PIN.findall(text)


def rendered(root: Path, space: Space) -> dict[str, str]:
    """What the repository's own files have to say, by their names."""
    base = read(root, REQUIREMENTS)
    files = {README: readme(read(root, README), space.first.card)}
    for profile in space.profiles:
        if profile.requirements:
            files[profile.requirements_file] = requirements(base, profile)
    return files


def read(root: Path, name: str) -> str:
    """A file of the repository. Raises InputError where it is not there."""
    try:
        return (root / name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError("file", name, "a checkout of the repository, where it stands") from error
