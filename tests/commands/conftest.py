"""One embedded model for all commands; small texts, the command that trains on them, and a run of it at its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from twotower import DEFAULT_MODEL, TwoTower
from twotower.cli import main
from twotower.commands import options
from twotower.model.setup import Wanted

SMALL = {
    "width": 96,
    "units": 1,
    "context-steps": 1,
    "denoiser-steps": 2,
    "parallel-steps": 3,
    "batch-size": 2,
    "sequence-length": 128,
    "task-share": 0.25,
    "retold": 4,
    "vocab-size": 300,
    "save-every": 2,
    "device": "cpu",
}


@pytest.fixture(autouse=True)
def _loaded_once(embedded_model: TwoTower, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that only runs the embedded model, as it is, gets one whose passes are traced already."""
    load = options.load

    def loaded(path_or_repo: str | Path, revision: str | None, wanted: Wanted) -> TwoTower:
        plain = (str(path_or_repo), revision, wanted) == (str(DEFAULT_MODEL), None, Wanted())
        return embedded_model if plain else load(path_or_repo, revision, wanted)

    monkeypatch.setattr(options, "load", loaded)


def _write_stories(folder: Path) -> Path:
    for name, count in (("stories.txt", 60), ("held-out.txt", 30)):
        text = "".join(f"Lily had {n} shells and went home.\n<|endoftext|>\n" for n in range(count))
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def _command(folder: Path, **changes: object) -> list[str]:
    options: dict[str, object] = {
        "data": folder / "stories.txt",
        "validation": folder / "held-out.txt",
        "run": folder / "run",
        "out": folder / "out",
        **SMALL,
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return ["train", *(word for name, value in options.items() for word in (f"--{name}", str(value)))]


@pytest.fixture(scope="session")
def command() -> Callable[..., list[str]]:
    """`command(folder, **changes)`: `train` on the files in `folder`, options changed by name."""
    return _command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the two files, in which nothing has run."""
    return _write_stories(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run at its end and its model; tests leave both as they are."""
    place = _write_stories(tmp_path_factory.mktemp("finished"))
    assert main(_command(place)) == 0
    return place
