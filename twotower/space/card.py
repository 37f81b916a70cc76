"""What the Hub knows of a Space: the front matter of its README. Knows the Hub's rules and no files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

import yaml

from twotower.errors import InputError
from twotower.space.reading import known_keys, one_of, text, texts

COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
LONGEST_DESCRIPTION = 60
_LISTS = ("models", "tags", "preload_from_hub")
_FORMS = {
    "sdk_version": (r"\d+\.\d+\.\d+", "a version such as 6.31.0"),
    "python_version": (r"3\.\d+(\.\d+)?", 'a version in quotes such as "3.12"'),
    "startup_duration_timeout": (r"[1-9]\d*[mh]", "minutes or hours, such as 30m or 2h"),
}


@dataclass(frozen=True)
class Card:
    """Fields by the Hub's own names (its Spaces Configuration Reference); None and () are left out of the README."""

    title: str
    emoji: str
    colorFrom: str
    colorTo: str
    sdk: str
    sdk_version: str
    python_version: str
    app_file: str
    license: str
    short_description: str
    suggested_hardware: str | None = None
    startup_duration_timeout: str | None = None
    models: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    preload_from_hub: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        one_of("card: colorFrom", self.colorFrom, COLOURS)
        one_of("card: colorTo", self.colorTo, COLOURS)
        one_of("card: sdk", self.sdk, ("gradio",))
        if len(self.short_description) > LONGEST_DESCRIPTION:
            allowed = f"at most {LONGEST_DESCRIPTION} characters; these are {len(self.short_description)}"
            raise InputError("card: short_description", self.short_description, allowed)
        for name, (form, allowed) in _FORMS.items():
            value = getattr(self, name)
            if value is not None and not re.fullmatch(form, value):
                raise InputError(f"card: {name}", value, allowed)

    @classmethod
    def read(cls, values: Mapping[str, object]) -> Card:
        """From YAML. Raises InputError naming the field that is missing, unknown or wrong."""
        names = [field.name for field in fields(cls)]
        known_keys("card", values, names)
        optional = names[names.index("suggested_hardware") :]
        for name in names:
            if name not in values and name not in optional:
                raise InputError(f"card: {name}", None, "it has to be there")
        read = {
            name: texts(f"card: {name}", value) if name in _LISTS else text(f"card: {name}", value)
            for name, value in values.items()
        }
        return cls(**read)  # type: ignore[arg-type]

    def front_matter(self) -> str:
        """The YAML block of the README, without its two fences."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        said = {name: list(value) if name in _LISTS else value for name, value in values.items() if value}
        return yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=1000)
