"""Where a model comes from: a folder, or a repository of the Hugging Face Hub."""

from __future__ import annotations

import re
from pathlib import Path

from twotower.errors import CheckpointError

_FILES = ("*.safetensors", "*.json")  # no code: a repository's Python files are not even downloaded


def find_config_file(path_or_repo: str | Path, revision: str | None = None) -> Path:
    path = Path(path_or_repo)
    return path if path.is_file() else find_folder(path) / "config.json"


def find_folder(path_or_repo: str | Path, revision: str | None = None) -> Path:
    """The local folder of a model, downloaded first if it is a repository. Raises CheckpointError."""
    folder = Path(path_or_repo)
    if folder.is_dir():
        return folder
    name = str(path_or_repo)
    if folder.exists() or not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise CheckpointError(f"model is {name!r}; allowed: a model folder or a Hub repository as owner/name.")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(_FILES)))
    except Exception as error:  # the Hub client raises many kinds for one thing: the model is not to be had
        raise CheckpointError(f"model {name!r} is no folder here and cannot be downloaded: {error}") from error
