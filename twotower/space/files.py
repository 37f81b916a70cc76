"""The files a Space is made of, as they stand on disk. Knows globs and git; knows no Hub."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Iterable
from pathlib import Path

_LEFT_OUT = ("__pycache__",)


def matching(root: Path, patterns: Iterable[str]) -> list[str]:
    """Files under `root` that one of the globs matches, sorted; paths as the Hub writes them."""
    found = {path for pattern in patterns for path in root.glob(pattern) if path.is_file()}
    relative = (path.relative_to(root) for path in found)
    return sorted(path.as_posix() for path in relative if not set(path.parts) & set(_LEFT_OUT))


def uncommitted(root: Path, names: Collection[str]) -> list[str]:
    """Those of `names` that git does not hold as they stand here; none where the folder is no checkout."""
    if not (root / ".git").exists():
        return []
    asked = ["git", "-C", str(root), "status", "--porcelain", "-z", "--untracked-files=all", "--ignored"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    changed = {entry[3:] for entry in listed.split("\0")}
    return sorted(changed & set(names))
