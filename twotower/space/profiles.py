"""`spaces.yaml`: the card, the files and the profiles of the Space. Knows the file; knows no Hub.

A profile is the Space on one kind of hardware: what is set, pinned and said there differs, the rest is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import yaml

from twotower.errors import InputError
from twotower.space.card import Card
from twotower.space.reading import count, known_keys, mapping, one_of, text, text_mapping, texts

FILE = "spaces.yaml"
CPU, ZERO_GPU = "cpu-basic", "zero-a10g"  # the Hub's names of the two kinds of hardware nobody is billed for
MODEL = "TWOTOWER_MODEL"
# What the app reads from its environment: a variable of another name would do nothing.
VARIABLES = (MODEL, "TWOTOWER_CONTEXT_DEVICE", "TWOTOWER_DENOISER_DEVICE")


@dataclass(frozen=True)
class Profile:
    """One kind of hardware, and what the Space is there.

    gpus and gpu_gigabytes (10^9 bytes each) are what the flavor has, bits the precision of the weights it is meant
    for; they set nothing. sleep_seconds: how long a Space that is billed by the minute stays up without a visitor.
    """

    name: str
    about: str
    hardware: str
    card: Card
    gpus: int = 0
    gpu_gigabytes: int = 0
    bits: int | None = None
    sleep_seconds: int | None = None
    variables: tuple[tuple[str, str], ...] = ()
    requirements: tuple[tuple[str, str], ...] = ()  # package, version: in place of those of requirements.txt

    @property
    def requirements_file(self) -> str:
        """Where the repository keeps them; on the Hub it is always requirements.txt."""
        return f"requirements-{self.name}.txt" if self.requirements else "requirements.txt"

    @property
    def billed(self) -> bool:
        """Whether the Hub bills the hardware by the minute."""
        return self.hardware not in (CPU, ZERO_GPU)


@dataclass(frozen=True)
class Space:
    """The whole file. The README carries the card of the first profile."""

    files: tuple[str, ...]
    profiles: tuple[Profile, ...]

    @classmethod
    def read(cls, root: Path) -> Space:
        """From `spaces.yaml` in `root`. Raises InputError naming the field, its value and what is allowed."""
        try:
            values = yaml.safe_load((root / FILE).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise InputError(FILE, str(root), "a checkout of the repository, where it stands") from error
        except yaml.YAMLError as error:
            raise InputError(FILE, " ".join(str(error).split()), "YAML") from error
        top = mapping(FILE, values)
        known_keys(FILE, top, ("card", "files", "profiles"))
        card = mapping("card", top.get("card"))
        profiles = mapping("profiles", top.get("profiles"))
        if not profiles:
            raise InputError("profiles", profiles, "one profile or more")
        read = tuple(_profile(name, mapping(name, entry), card) for name, entry in profiles.items())
        return cls(texts("files", top.get("files")), read)

    @property
    def first(self) -> Profile:
        """The profile that the repository's own README and requirements are of."""
        return self.profiles[0]

    def profile(self, name: str) -> Profile:
        """Raises InputError where there is none of that name."""
        one_of("--profile", name, [profile.name for profile in self.profiles])
        return next(profile for profile in self.profiles if profile.name == name)


def with_model(profile: Profile, model: str | None) -> Profile:
    """The profile with a model of the user's own, owner/name or owner/name@revision; None leaves it as it is."""
    if model is None:
        return profile
    variables = {**dict(profile.variables), MODEL: model}
    card = Card(**{**asdict(profile.card), "models": (model.partition("@")[0],)})
    own = {field.name: getattr(profile, field.name) for field in fields(profile)}
    return Profile(**{**own, "card": card, "variables": tuple(variables.items())})


def _profile(name: str, values: Mapping[str, object], card: Mapping[str, object]) -> Profile:
    known_keys(name, values, [field.name for field in fields(Profile) if field.name != "name"])
    hardware = text(f"{name}: hardware", values.get("hardware"))
    one_of(f"{name}: hardware", hardware, flavors())
    variables = text_mapping(f"{name}: variables", values.get("variables", {}))
    for variable in variables:
        one_of(f"{name}: variables", variable, VARIABLES)
    counts = {
        key: count(f"{name}: {key}", values[key])
        for key in ("gpus", "gpu_gigabytes", "bits", "sleep_seconds")
        if key in values
    }
    return Profile(
        name=name,
        about=text(f"{name}: about", values.get("about")),
        hardware=hardware,
        card=Card.read({**card, **mapping(f"{name}: card", values.get("card", {}))}),
        variables=tuple(variables.items()),
        requirements=tuple(text_mapping(f"{name}: requirements", values.get("requirements", {})).items()),
        **counts,
    )


def flavors() -> list[str]:
    """The Hub's kinds of hardware for Spaces, by the client's list."""
    from huggingface_hub import SpaceHardware  # imported late: the command line starts without it

    return [str(flavor.value) for flavor in SpaceHardware]
