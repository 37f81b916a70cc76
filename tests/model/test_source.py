"""Where a model comes from: what counts as a folder, a configuration, a repository."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import HEAD, OLD, FakeHub, HubRepository, serve_hub
from twotower import DEFAULT_MODEL, CheckpointError, TwoTower
from twotower.model.source import find_config_file, find_folder, name_of

NAME = "owner/some-model"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """The embedded model as a repository with one branch beside main."""
    with serve_hub({NAME: HubRepository(DEFAULT_MODEL, branches={"refs/pr/1": OLD})}) as served:
        served.use(monkeypatch, tmp_path / "cache")
        yield served


def test_a_folder_is_itself() -> None:
    assert find_folder(DEFAULT_MODEL) == DEFAULT_MODEL
    assert find_config_file(DEFAULT_MODEL) == DEFAULT_MODEL / "config.json"


def test_a_configuration_may_be_given_as_a_file_of_any_name(tmp_path: Path) -> None:
    shape = tmp_path / "shape.json"
    shutil.copy(DEFAULT_MODEL / "config.json", shape)
    assert find_config_file(shape) == shape


def test_a_folder_without_a_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=rf"{tmp_path}.*config\.json"):
        find_config_file(tmp_path)


@pytest.mark.parametrize("find", [find_folder, find_config_file])
@pytest.mark.parametrize(
    "where",
    ["just-a-name", "/nowhere", "a/b/c", "owner/name@", "owner/name@a b", "owner/name@../../x", "../name", "owner/.."],
)
def test_what_is_neither_folder_nor_repository_is_refused(find: object, where: str, hub: FakeHub) -> None:
    with pytest.raises(CheckpointError, match="owner/name"):
        find(where)  # type: ignore[operator]
    assert not hub.requests


def test_a_revision_is_one_of_a_repository() -> None:
    with pytest.raises(CheckpointError, match="revision is 'main'"):
        find_folder(DEFAULT_MODEL, "main")
    with pytest.raises(CheckpointError, match="revision is 'main'"):
        find_config_file(DEFAULT_MODEL / "config.json", "main")


def test_a_repository_is_downloaded_and_loads(hub: FakeHub) -> None:
    model = TwoTower.from_pretrained(NAME)
    assert model.config == TwoTower.from_pretrained(DEFAULT_MODEL).config
    assert model.name == f"{NAME}@{HEAD[:12]}"


def test_only_the_configuration_is_downloaded_for_a_plan(hub: FakeHub) -> None:
    file = find_config_file(NAME)
    assert file.read_bytes() == (DEFAULT_MODEL / "config.json").read_bytes()
    assert hub.asked_files() == {"config.json"}


def test_a_plan_and_the_weights_are_of_one_commit_even_if_the_branch_moves(hub: FakeHub) -> None:
    planned = find_config_file(NAME).parent
    hub.repositories[NAME].commits = ("c" * 40, HEAD, OLD)
    assert find_folder(NAME) == planned


@pytest.mark.parametrize(("name", "revision"), [(f"{NAME}@refs/pr/1", None), (NAME, OLD), (f"{NAME}@{OLD}", OLD)])
def test_a_revision_stands_behind_the_name_or_beside_it(hub: FakeHub, name: str, revision: str | None) -> None:
    assert find_folder(name, revision).name == OLD


def test_two_revisions_at_once_are_refused(hub: FakeHub) -> None:
    with pytest.raises(CheckpointError, match="one revision"):
        find_folder(f"{NAME}@{OLD}", HEAD)


def test_a_folder_that_looks_like_a_repository_is_a_folder(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / NAME).mkdir(parents=True)
    assert find_folder(NAME) == Path(NAME)
    assert not hub.requests


def test_a_model_is_called_by_its_folder_or_by_its_repository_and_commit() -> None:
    assert name_of(Path("/models/twotower-tiny")) == "twotower-tiny"
    assert name_of(Path(f"/cache/models--nvidia--Some-Name/snapshots/{HEAD}")) == f"nvidia/Some-Name@{HEAD[:12]}"
    assert name_of(Path("/backup/snapshots/today")) == "today"
