"""A part of a text file that a command writes, between two marks: `<!-- name -->` and `<!-- /name -->`."""

from __future__ import annotations

from pathlib import Path

from twotower.errors import InputError


def marks(name: str) -> tuple[str, str]:
    """The line before the part and the one after it."""
    return f"<!-- {name} -->", f"<!-- /{name} -->"


def around_marks(file: Path, name: str) -> tuple[str, str]:
    """What stands in `file` up to its first mark and from its second one on; nothing for a new file.

    Raises InputError where a file has no marks or cannot be read: nothing else in it may be lost.
    """
    first, second = marks(name)
    if not file.exists():
        return "", ""
    try:
        before, begin, rest = file.read_text(encoding="utf-8").partition(first)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("--markdown", str(file), f"a text file ({error})") from error
    _, end, after = rest.partition(second)
    if not begin or not end:
        raise InputError("--markdown", str(file), f"a new file, or one with the lines {first} and {second}")
    return f"{before}{begin}\n", f"{end}{after}"


def write_between_marks(file: Path, name: str, text: str) -> None:
    """Replace what stands between the marks of `file`, keep the rest."""
    before, after = around_marks(file, name)
    try:
        file.write_text(before + text + after, encoding="utf-8")
    except OSError as error:
        raise InputError("--markdown", str(file), f"a file that can be written ({error.strerror})") from error
