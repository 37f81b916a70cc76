"""Files of a Hugging Face Hub repository, by way of the Hub's cache on this disk: one commit, and no code.

Knows repositories and files; knows no config and no tensors. `huggingface_hub` carries the bytes: it goes on where a
connection broke, leaves alone what is complete in the cache, and is content with the cache where there is no network.
"""

from __future__ import annotations

import errno
import functools
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import DryRunFileInfo, HfApi, constants, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    DryRunError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    RevisionResolutionError,
)
from huggingface_hub.utils import tqdm

from twotower.amounts import gigabytes
from twotower.errors import CheckpointError
from twotower.model.licence import CARD, licence_of
from twotower.model.releases import release_named

WEIGHTS = ".safetensors"
_WANTED = [f"*{WEIGHTS}", "*.json", CARD, "LICENSE*", "NOTICE*"]  # a repository's Python files are not even downloaded
_ELSEWHERE = "*/*"  # a folder in it holds another format of the same weights, or somebody's evaluation
# Files at once. An interrupt waits for them, and a process that is killed loses them: the client starts a file that it
# has not finished anew in the next process.
_AT_ONCE = 2
_TOKEN = "a token that may read it (in HF_TOKEN, or by `hf auth login`)"


@dataclass(frozen=True)
class Snapshot:
    """A repository as it was at one commit."""

    repository: str
    commit: str

    def __str__(self) -> str:
        return f"{self.repository}@{self.commit}"


@functools.cache
def resolve(repository: str, revision: str | None = None) -> Snapshot:
    """The commit that a revision (branch, tag, commit id) means, found out once: config and weights are of one commit.

    A known release defaults to its pinned revision. Another is looked up in the repository's history and refused where
    that lacks the commit that mended the release. Raises CheckpointError.
    """
    release = release_named(repository)
    if release is None:
        with _said_plainly(_shown(repository, revision)):
            return Snapshot(repository, HfApi().resolve_revision(repository, revision=revision).resolved)
    repository = release.repository
    if revision is None or revision == release.revision:
        return Snapshot(repository, release.revision)
    with _said_plainly(f"the history of {_shown(repository, revision)}"):
        commits = [commit.commit_id for commit in HfApi().list_repo_commits(repository, revision=revision)]
    if not any(commit.startswith(release.mended_by) for commit in commits):
        raise CheckpointError(
            f"revision {revision!r} of {repository} has a wrong denoiser: commit {release.mended_by}, which mended it, "
            f"is not in its history; allowed: a revision that holds it, such as {release.revision} (the default)."
        )
    return Snapshot(repository, commits[0])


def fetch_file(snapshot: Snapshot, name: str) -> Path:
    """One file of it, in the cache. Raises CheckpointError."""
    with _said_plainly(str(snapshot), name):
        return Path(hf_hub_download(snapshot.repository, name, revision=snapshot.commit, tqdm_class=_BarOnTerminal))


def fetch_folder(snapshot: Snapshot, weights: bool = True) -> Path:
    """Its weights, JSON files and card, in the cache. Says what is fetched, and the licence, before it fetches weights.

    Raises CheckpointError, also where there are no safetensors, or too little room on the disk: with or without the
    weights, so that it is known before anybody waits for them.
    """
    with _said_plainly(str(snapshot)):
        try:
            files = _download(snapshot, dry_run=True, tqdm_class=_NoBar)
        except DryRunError as error:  # the Hub does not answer: what is in the cache has to do
            return _cached(snapshot, weights, error)
    if not any(file.filename.endswith(WEIGHTS) for file in files):
        raise CheckpointError(
            f"{snapshot} holds no weights that can be read; allowed: {WEIGHTS} files beside its config.json (pickled "
            "weights can run code when they are opened)."
        )
    missing = [file for file in files if file.will_download]
    if missing:
        _check_room(snapshot, missing)
        if weights:
            _announce(snapshot, missing, has_card=any(file.filename == CARD for file in files))
    with _said_plainly(str(snapshot)):
        return Path(_download(snapshot, weights, tqdm_class=_BarOnTerminal))


def _download(snapshot: Snapshot, weights: bool = True, **options: Any) -> Any:
    return snapshot_download(
        snapshot.repository,
        revision=snapshot.commit,
        allow_patterns=_WANTED,
        ignore_patterns=[_ELSEWHERE] if weights else [_ELSEWHERE, f"*{WEIGHTS}"],
        max_workers=_AT_ONCE,
        **options,
    )


def _cached(snapshot: Snapshot, weights: bool, error: DryRunError) -> Path:
    try:
        folder = Path(_download(snapshot, weights, local_files_only=True))
    except LocalEntryNotFoundError:
        raise error from None
    if weights and not list(folder.glob(f"*{WEIGHTS}")):  # the cache holds what was asked for without them
        raise error
    return folder


def _check_room(snapshot: Snapshot, missing: Sequence[DryRunFileInfo]) -> None:
    cache = Path(constants.HF_HUB_CACHE)
    disk = next(folder for folder in (cache, *cache.absolute().parents) if folder.is_dir())
    needed, free = _bytes(missing), shutil.disk_usage(disk).free
    if needed > free:
        raise CheckpointError(
            f"{snapshot} needs {gigabytes(needed)} more in the cache {cache}, where {gigabytes(free)} are free; make "
            "room, or set HF_HOME to a folder on a larger disk."
        )


def _announce(snapshot: Snapshot, missing: Sequence[DryRunFileInfo], has_card: bool) -> None:
    count = f"{len(missing)} {'file' if len(missing) == 1 else 'files'}, {gigabytes(_bytes(missing))}"
    print(f"twotower: fetching {snapshot}: {count}", file=sys.stderr)
    if has_card:
        licence = licence_of(fetch_file(snapshot, CARD).parent)
        print(f"twotower: the licence of its weights: {licence}", file=sys.stderr)


def _bytes(files: Sequence[DryRunFileInfo]) -> int:
    return sum(file.file_size or 0 for file in files)


def _shown(repository: str, revision: str | None) -> str:
    return repository if revision is None else f"{repository}@{revision}"


class _BarOnTerminal(tqdm):
    """The client's bar, where somebody watches it: by itself it also writes one into log files."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"disable": None, **options})


class _NoBar(tqdm):
    """None while files are only looked up."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "disable": True})


@contextmanager
def _said_plainly(wanted: str, file: str | None = None) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the client raises many kinds for one thing: the model is not to be had
        raise CheckpointError(_explanation(wanted, file, error)) from error


def _explanation(wanted: str, file: str | None, error: BaseException) -> str:
    """What to do about it. Never the client's own words: they may hold an address with a signature in it."""
    chain = list(_causes(error))
    cache = constants.HF_HUB_CACHE
    status = next((each.response.status_code for each in chain if isinstance(each, HfHubHTTPError)), None)

    def is_(*kinds: type[BaseException]) -> bool:
        return any(isinstance(each, kinds) for each in chain)

    if is_(GatedRepoError):
        return f"{wanted} is gated: accept its conditions on its page, and give {_TOKEN}."
    if is_(RepositoryNotFoundError, HFValidationError):
        return f"{wanted} is no folder here and no repository the Hub shows; a private one needs {_TOKEN}."
    if is_(RevisionNotFoundError):
        return f"{wanted} does not exist; allowed: a branch, a tag or a full commit id of that repository."
    if is_(RemoteEntryNotFoundError):
        return f"{wanted} holds no {file}."
    if status in (401, 403):
        return f"the Hub does not let you read {wanted} (HTTP {status}); it takes {_TOKEN}."
    if is_(LocalEntryNotFoundError, RevisionResolutionError, OfflineModeIsEnabled, DryRunError):
        why = f"HTTP {status}" if status else "offline, or no network"
        return f"the Hub cannot be reached ({why}), and {wanted} is not complete in the cache {cache}."
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"the disk of the cache {cache} is full; files of {wanted} that are complete are kept."
    if isinstance(error, PermissionError):
        return f"the cache {cache} cannot be written; set HF_HOME to a folder that can."
    return (
        f"the download of {wanted} broke off ({type(error).__name__}); files that are complete are kept: run it again "
        "to go on."
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
