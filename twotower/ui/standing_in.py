"""On a Space whose hardware cannot hold its model, the embedded one stands in, and the page says so.

A Space's owner may be far away and its visitors can mend nothing: there a page is worth more than an error. On a
person's own machine nothing stands in for anything: they are told what to do.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from twotower.errors import InputError

T = TypeVar("T")


def is_a_space() -> bool:
    """Whether the Hub runs this, as its environment tells."""
    return bool(os.environ.get("SPACE_ID"))


def found_or_embedded(model: str | Path, find: Callable[[], T], find_embedded: Callable[[], T]) -> tuple[T, str | None]:
    """What `find` finds of `model`, and None; on a Space that cannot run it the embedded one, and the model's name.

    `find` raises InputError for a device that is not there or has too little memory: by arithmetic on config.json,
    before a weight is read. Everything else it raises is an owner's to mend, on a Space too. Raises what both raise.
    """
    try:
        return find(), None
    except InputError as error:
        if not is_a_space():
            raise
        print(f"twotower: {error}\nThe embedded model stands in for it.", file=sys.stderr, flush=True)
        return find_embedded(), Path(model).name if Path(model).exists() else str(model)
