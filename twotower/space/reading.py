"""Values out of YAML, each what it has to be or refused by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from twotower.errors import InputError


def mapping(field: str, value: object) -> Mapping[str, object]:
    """A mapping with text for keys. Raises InputError."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InputError(field, value, "a mapping of names to values")
    return value


def text(field: str, value: object) -> str:
    """Text that says something. Raises InputError: a bare 3.10 in YAML is the number 3.1, not the version."""
    if not isinstance(value, str) or not value.strip():
        raise InputError(field, value, "text, in quotes where it looks like a number")
    return value


def texts(field: str, value: object) -> tuple[str, ...]:
    """A list of texts. Raises InputError."""
    if not isinstance(value, list) or not value:
        raise InputError(field, value, "a list of texts")
    return tuple(text(field, entry) for entry in value)


def text_mapping(field: str, value: object) -> dict[str, str]:
    """A mapping of names to texts. Raises InputError."""
    return {name: text(f"{field}: {name}", entry) for name, entry in mapping(field, value).items()}


def count(field: str, value: object) -> int:
    """A whole number of one or more. Raises InputError."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(field, value, "a whole number of 1 or more")
    return value


def one_of(field: str, value: object, allowed: Collection[str]) -> None:
    """Raises InputError where the value is not among the allowed ones."""
    if value not in allowed:
        raise InputError(field, value, ", ".join(allowed))


def known_keys(field: str, values: Mapping[str, object], allowed: Collection[str]) -> None:
    """Raises InputError naming the first key that nobody knows: a misspelt one would be lost in silence."""
    for key in values:
        if key not in allowed:
            raise InputError(f"{field}: key", key, ", ".join(allowed))
