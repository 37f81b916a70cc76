"""Where a model comes from: a folder, or a repository of the Hugging Face Hub."""

from __future__ import annotations

import re
from pathlib import Path

from twotower.errors import CheckpointError

_REPOSITORY = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w.-]+(?:/[\w.-]+)*))?")
_SHOWN_OF_COMMIT = 12  # digits: enough to find it


def find_folder(path_or_repo: str | Path, revision: str | None = None, weights: bool = True) -> Path:
    """The local folder of a model, downloaded first if it is a repository: owner/name or owner/name@revision.

    A repository's weights, configuration, tokenizer and card are taken, no code. revision: a branch, tag or commit id,
    default the one known to be right, else the newest. Without `weights` the same folder is found before they are
    there. Says on stderr which weights it downloads, and under which licence they stand. Raises CheckpointError.
    """
    folder = Path(path_or_repo)
    if folder.is_dir():
        _refuse_revision(folder, revision)
        return folder
    from twotower.model import hub  # imported late: the Hub's client takes a second, and a folder needs none of it

    return hub.fetch_folder(hub.resolve(*_repository(path_or_repo, revision)), weights)


def find_config_file(path_or_repo: str | Path, revision: str | None = None) -> Path:
    """The config.json of a model: a folder's, the file itself, or that one file of a repository. No weights are read.

    Raises CheckpointError.
    """
    path = Path(path_or_repo)
    if path.is_dir() or (path.is_file() and path.suffix == ".json"):
        _refuse_revision(path, revision)
        file = path / "config.json" if path.is_dir() else path
        if not file.is_file():
            raise CheckpointError(f"{path} is not a model folder: it holds no config.json.")
        return file
    from twotower.model import hub

    return hub.fetch_file(hub.resolve(*_repository(path_or_repo, revision)), "config.json")


def name_of(folder: Path) -> str:
    """What to call the model in a folder: the folder's name, or owner/name@commit where it is the Hub's cache."""
    repository = folder.parent.parent.name
    if folder.parent.name == "snapshots" and repository.startswith("models--"):
        return f"{repository.removeprefix('models--').replace('--', '/')}@{folder.name[:_SHOWN_OF_COMMIT]}"
    return folder.name


def _repository(path_or_repo: str | Path, revision: str | None) -> tuple[str, str | None]:
    name = str(path_or_repo)
    found = _REPOSITORY.fullmatch(name)
    if found is None or Path(name).exists() or ".." in name:
        raise CheckpointError(
            f"model is {name!r}; allowed: a model folder, or a Hub repository as owner/name or owner/name@revision."
        )
    within = found["revision"]
    if revision is not None and within not in (None, revision):
        raise CheckpointError(f"model is {name!r} and revision is {revision!r}; allowed: one revision.")
    return found["name"], revision or within


def _refuse_revision(path: Path, revision: str | None) -> None:
    if revision is not None:
        raise CheckpointError(
            f"revision is {revision!r}, but {path} is here already; allowed: one of a Hub repository."
        )
