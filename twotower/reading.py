"""Reading JSON that a stranger wrote: every value checked for its type, its range and its size.

A reader takes a JSON value and returns what it stands for, or raises InputError; `inside` names the way to the value
that was refused. Nothing else is ever raised. Knows no events and no text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from twotower.errors import InputError

T = TypeVar("T")
V = TypeVar("V")
Reader = Callable[[object], T]


def read_json(field: str, text: str, allowed: str) -> object:
    """The value of a JSON text; NaN and infinities, which Python's reader takes, are no JSON."""
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InputError(field, str(error), allowed) from error


def inside(name: str, reader: Callable[[V], T], value: V) -> T:
    """What the reader makes of a value that stands under `name`."""
    try:
        return reader(value)
    except InputError as error:
        joint = "." if error.field and not error.field.startswith("[") else ""
        raise InputError(name + joint + error.field, error.value, error.allowed) from None


def whole(low: int, high: int) -> Reader[int]:
    """A whole number in a range; True and 1.0 are none."""

    def read(value: object) -> int:
        if type(value) is int and low <= value <= high:
            return value
        raise refused(value, f"a whole number from {low} to {high}")

    return read


def real(low: float, high: float) -> Reader[float]:
    """A number in a range, which NaN is not in."""

    def read(value: object) -> float:
        if (type(value) is int or type(value) is float) and low <= value <= high:
            return float(value)
        raise refused(value, f"a number from {low:g} to {high:g}")

    return read


def string(longest: int) -> Reader[str]:
    """Text of at most so many characters, none of them half of a surrogate pair."""

    def read(value: object) -> str:
        if type(value) is str and len(value) <= longest and _is_unicode(value):
            return value
        raise refused(value, f"text of up to {longest} characters without unpaired surrogates")

    return read


def one_of(*known: Any) -> Reader[Any]:
    """One of a few plain values."""

    def read(value: object) -> Any:
        if any(type(value) is type(each) and value == each for each in known):
            return value
        raise refused(value, " or ".join(map(str, known)))

    return read


def listed(reader: Reader[T], most: int) -> Reader[tuple[T, ...]]:
    """A list of at most so many values of one kind."""

    def read(value: object) -> tuple[T, ...]:
        if type(value) is not list or len(value) > most:
            raise refused(value, f"a list of at most {most}")
        return tuple(inside(f"[{number}]", reader, item) for number, item in enumerate(value))

    return read


def row(**columns: Reader[Any]) -> Reader[tuple[Any, ...]]:
    """A list with one value a column."""

    def read(value: object) -> tuple[Any, ...]:
        if type(value) is not list or len(value) != len(columns):
            raise refused(value, f"a list of {', '.join(columns)}")
        return tuple(inside(name, reader, item) for (name, reader), item in zip(columns.items(), value))

    return read


def record(fields: Mapping[str, Reader[Any]]) -> Reader[dict[str, Any]]:
    """An object with exactly these fields."""

    def read(value: object) -> dict[str, Any]:
        if type(value) is not dict:
            raise refused(value, f"an object with the fields {', '.join(fields)}")
        if value.keys() != fields.keys():
            raise refused(", ".join(sorted(value.keys() ^ fields.keys())), f"exactly the fields {', '.join(fields)}")
        return {name: inside(name, reader, value[name]) for name, reader in fields.items()}

    return read


def refused(value: object, allowed: str) -> InputError:
    """The error to raise at a value; lists and objects, which may be deep, are named and not shown."""
    if isinstance(value, (list, dict)):
        value = f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    return InputError("", value, allowed)


def _is_unicode(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
