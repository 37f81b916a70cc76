"""Downloads from the Hub, by its real client, against a server on this machine."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import socket
import struct
import sys
import termios
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.hub import HEAD, PIECE, FakeHub, HubRepository, serve_hub
from twotower.errors import CheckpointError
from twotower.model import hub as client
from twotower.model.releases import RELEASES
from twotower.model.source import find_config_file, find_folder

NAME = "owner/name"
(RELEASE,) = RELEASES
MENDED, WRONG = RELEASE.mended_by.ljust(40, "0"), "e" * 40
NEWEST = "f" * 40
SHARD = 20 * PIECE
SHARDS = tuple(f"model-{number:05d}-of-00003.safetensors" for number in (1, 2, 3))
OTHERS = {"config.json", "model.safetensors.index.json", "tokenizer.json", "README.md"}
CARD = "---\nlicense: other\nlicense_name: some-licence\nlicense_link: >-\n  https://example.org/licence/\n---\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a repository holds: three shards, what belongs to them, and what nobody is to fetch."""
    folder = tmp_path / "repository"
    (folder / "onnx").mkdir(parents=True)
    for number, shard in enumerate(SHARDS):
        (folder / shard).write_bytes(bytes([number]) * SHARD)
    for name in OTHERS:
        (folder / name).write_text(CARD if name == "README.md" else f'{{"file": "{name}"}}')
    for name in ("modeling_nemotron_h.py", "pytorch_model.bin", "chart.png", "onnx/model.safetensors", "onnx/a.json"):
        (folder / name).write_text("not to be fetched")
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def hub(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """The folder under an unknown name, and as the known release with a history around the commit that mended it."""
    history = (NEWEST, RELEASE.revision, MENDED, WRONG)
    repositories = {
        NAME: HubRepository(folder),
        RELEASE.repository: HubRepository(folder, history, {"before": WRONG}),
    }
    with serve_hub(repositories) as served:
        served.use(monkeypatch, cache)
        yield served


def later(monkeypatch: pytest.MonkeyPatch, hub: FakeHub) -> None:
    """As in a process started anew: nothing is remembered but the files, and requests are counted from here."""
    from huggingface_hub import _tree_cache

    monkeypatch.setattr(_tree_cache, "_IN_MEMORY_TREE_CACHE", {})
    client.resolve.cache_clear()
    hub.forget()


# ---- what is fetched ------------------------------------------------------------------------------------------------


def test_weights_json_and_the_card_arrive_and_no_code(hub: FakeHub, folder: Path) -> None:
    found = find_folder(NAME)
    assert {file.name for file in found.iterdir()} == {*SHARDS, *OTHERS}
    assert hub.asked_files() == {*SHARDS, *OTHERS}
    for file in found.iterdir():
        assert file.read_bytes() == (folder / file.name).read_bytes()


def test_what_is_fetched_at_which_commit_under_which_licence_is_said_once(
    hub: FakeHub, capfd: pytest.CaptureFixture[str]
) -> None:
    find_folder(NAME)
    said = capfd.readouterr().err
    assert said.count("some-licence, https://example.org/licence/") == 1
    assert f"fetching {NAME}@{HEAD}: 7 files, 0.1 MB" in said
    assert "%|" not in said  # no bar where nobody watches a terminal
    find_folder(NAME)
    assert capfd.readouterr().err == ""


def test_the_folder_is_there_before_its_weights(hub: FakeHub, capfd: pytest.CaptureFixture[str]) -> None:
    found = find_folder(NAME, weights=False)
    assert {file.name for file in found.iterdir()} == OTHERS
    assert not {transfer.file for transfer in hub.transfers} & set(SHARDS)
    assert capfd.readouterr().err == ""
    assert find_folder(NAME) == found
    assert {file.name for file in found.iterdir()} == {*SHARDS, *OTHERS}
    assert f"fetching {NAME}@{HEAD}: 3 files" in capfd.readouterr().err


def test_on_a_terminal_there_is_a_bar(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    with os.fdopen(terminal, "w") as watched:
        monkeypatch.setattr(sys, "stderr", watched)
        find_folder(NAME)
        watched.flush()
        seen = os.read(screen, 2**16)
    os.close(screen)
    assert "100%|" in seen.decode()


# ---- interrupted, repeated, offline ---------------------------------------------------------------------------------


def test_a_broken_connection_goes_on_where_it_broke(hub: FakeHub, folder: Path) -> None:
    hub.cut(SHARDS[1], after=12 * PIECE + 100, times=1)
    found = find_folder(NAME)
    assert hub.starts_of(SHARDS[1]) == [0, 12 * PIECE]
    assert hub.bytes_of(SHARDS[1]) == SHARD + 100
    assert [hub.bytes_of(shard) for shard in SHARDS[::2]] == [SHARD, SHARD]
    assert (found / SHARDS[1]).read_bytes() == (folder / SHARDS[1]).read_bytes()


def test_after_an_interruption_nothing_complete_is_fetched_again(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.cut(SHARDS[2], after=0, times=100)
    with pytest.raises(CheckpointError, match=r"broke off .*run it again"):
        find_folder(NAME)
    assert hub.bytes_of(SHARDS[0]) == hub.bytes_of(SHARDS[1]) == SHARD
    later(monkeypatch, hub)
    hub.cut(SHARDS[2], after=0, times=0)
    assert (find_folder(NAME) / SHARDS[2]).stat().st_size == SHARD
    assert {transfer.file for transfer in hub.transfers} <= {SHARDS[2], *OTHERS}
    assert hub.bytes_of(SHARDS[2]) == SHARD


def test_at_the_second_time_only_the_branch_is_looked_up(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    first = find_folder(NAME)
    later(monkeypatch, hub)
    assert find_folder(NAME) == first
    assert hub.requests == [("GET", f"/api/models/{NAME}")]


def test_a_commit_in_the_cache_needs_no_request(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    find_folder(NAME)
    later(monkeypatch, hub)
    find_folder(NAME, HEAD)
    find_config_file(NAME, HEAD)
    assert hub.requests == []


WAYS = ("no network", "HF_HUB_OFFLINE", "the Hub is down")


def go_offline(how: str, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the server cannot be used."""
    from huggingface_hub import constants

    later(monkeypatch, hub)
    if how == "HF_HUB_OFFLINE":
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    elif how == "no network":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            nobody = f"http://127.0.0.1:{free.getsockname()[1]}"  # nobody listens there
        monkeypatch.setattr(constants, "ENDPOINT", nobody)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", nobody + "/{repo_id}/resolve/{revision}/{filename}"
        )
    else:
        hub.answer(503)


@pytest.mark.parametrize("how", WAYS)
def test_offline_the_cache_is_enough(hub: FakeHub, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    first = find_folder(NAME)
    go_offline(how, hub, monkeypatch)
    assert find_folder(NAME) == first
    assert find_config_file(NAME) == first / "config.json"
    assert find_folder(NAME, HEAD) == first
    assert not hub.transfers


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("cached", ["nothing", "the configuration", "all but the weights", "a part"])
def test_offline_with_too_little_in_the_cache_says_so(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, cache: Path, how: str, cached: str
) -> None:
    if cached == "the configuration":
        find_config_file(NAME)
    elif cached == "all but the weights":
        find_folder(NAME, weights=False)
    elif cached == "a part":
        hub.cut(SHARDS[1], after=0, times=100)
        with pytest.raises(CheckpointError, match="broke off"):
            find_folder(NAME)
    go_offline(how, hub, monkeypatch)
    with pytest.raises(
        CheckpointError, match=rf"cannot be reached .*{NAME}.* not complete in the cache {cache}"
    ) as said:
        find_folder(NAME)
    assert ("HTTP 503" in str(said.value)) is (how == "the Hub is down")


# ---- which revision -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [RELEASE.repository, *RELEASE.former_names, RELEASE.repository.lower()])
def test_a_known_release_is_taken_at_its_pinned_revision(hub: FakeHub, name: str) -> None:
    assert find_folder(name).name == RELEASE.revision
    assert not any("/main" in path or path.endswith(RELEASE.repository) for _, path in hub.requests)


@pytest.mark.parametrize("asked", ["main", NEWEST, MENDED, RELEASE.revision])
def test_another_revision_that_holds_the_mended_denoiser_may_be_asked_for(hub: FakeHub, asked: str) -> None:
    assert find_folder(RELEASE.repository, asked).name == {"main": NEWEST}.get(asked, asked)


@pytest.mark.parametrize("asked", [WRONG, "before"])
@pytest.mark.parametrize("find", [find_folder, find_config_file])
def test_a_revision_with_the_wrong_denoiser_is_refused(hub: FakeHub, find: object, asked: str) -> None:
    with pytest.raises(CheckpointError) as said:
        find(RELEASE.repository, asked)  # type: ignore[operator]
    for named in (asked, RELEASE.mended_by, "wrong denoiser", "allowed", RELEASE.revision):
        assert named in str(said.value)
    assert not hub.asked_files()


def test_a_revision_whose_history_cannot_be_read_is_not_trusted(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    find_folder(RELEASE.repository, "main")
    go_offline("HF_HUB_OFFLINE", hub, monkeypatch)
    with pytest.raises(CheckpointError, match=r"history of .*@main"):
        find_folder(RELEASE.repository, "main")


def test_a_long_history_is_read_to_its_end(hub: FakeHub) -> None:
    newer = tuple(f"{number:040d}" for number in range(25))
    hub.repositories[RELEASE.repository].commits = (*newer, MENDED, WRONG)
    assert find_folder(RELEASE.repository, "main").name == newer[0]


# ---- what can go wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "revision", "words"),
    [
        ("owner/unknown", None, r"owner/unknown is no folder here and no repository .* HF_TOKEN"),
        ("owner/two--dashes", None, r"owner/two--dashes is no folder here"),
        (NAME, "no-such-branch", r"owner/name@no-such-branch does not exist; allowed: a branch, a tag"),
        (NAME, "9" * 40, r"owner/name@9{40} does not exist; allowed: a branch, a tag"),
        (RELEASE.repository, "no-such-branch", r"@no-such-branch does not exist; allowed: a branch, a tag"),
    ],
)
@pytest.mark.parametrize("find", [find_folder, find_config_file])
def test_what_is_not_there_is_named(hub: FakeHub, find: object, name: str, revision: str | None, words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        find(name, revision)  # type: ignore[operator]


def test_a_repository_without_a_configuration_is_named(hub: FakeHub, folder: Path) -> None:
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match=rf"{NAME}@{HEAD} holds no config\.json"):
        find_config_file(NAME)


@pytest.mark.parametrize("weights", [True, False])
def test_pickled_weights_are_refused_before_anything_is_fetched(hub: FakeHub, folder: Path, weights: bool) -> None:
    for shard in SHARDS:
        (folder / shard).unlink()
    with pytest.raises(CheckpointError, match=r"allowed: \.safetensors .*pickled"):
        find_folder(NAME, weights=weights)
    assert not hub.transfers


@pytest.mark.parametrize("find", [find_folder, find_config_file])
@pytest.mark.parametrize("token", [None, "another-secret"])
def test_a_gated_repository_asks_for_a_token_and_never_shows_one(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, find: object, token: str | None
) -> None:
    hub.repositories[NAME].token = "the-right-secret"
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(CheckpointError, match=rf"{NAME}.* is gated: accept its conditions .* HF_TOKEN") as said:
        find(NAME)  # type: ignore[operator]
    assert "secret" not in "".join(traceback.format_exception(said.value))


def test_with_the_token_a_gated_repository_is_read(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repositories[NAME].token = "the-right-secret"
    monkeypatch.setenv("HF_TOKEN", "the-right-secret")
    assert find_folder(NAME).is_dir()


def test_a_token_that_is_not_accepted_is_named_and_not_shown(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "an-expired-secret")
    hub.answer(401, "Invalid credentials in Authorization header")
    with pytest.raises(CheckpointError, match=r"does not let you read owner/name \(HTTP 401\).*HF_TOKEN") as said:
        find_folder(NAME)
    assert "an-expired-secret" not in "".join(traceback.format_exception(said.value))


@pytest.mark.parametrize("weights", [True, False])
def test_too_little_room_is_said_with_figures_before_the_download(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, cache: Path, weights: bool
) -> None:
    monkeypatch.setattr(client.shutil, "disk_usage", lambda folder: SimpleNamespace(free=SHARD))
    with pytest.raises(
        CheckpointError, match=rf"needs 0\.1 MB more in the cache {cache}/hub, where 0\.0 MB are free.*HF_HOME"
    ):
        find_folder(NAME)
    assert not hub.transfers


def test_what_is_there_already_needs_no_room(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    find_folder(NAME)
    monkeypatch.setattr(client.shutil, "disk_usage", lambda folder: SimpleNamespace(free=0))
    assert find_folder(NAME).is_dir()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk of the cache .* is full"),
        (PermissionError(errno.EACCES, "Permission denied"), "cannot be written; set HF_HOME"),
        (RuntimeError("https://signed.example/?secret"), r"broke off \(RuntimeError\)"),
    ],
)
def test_what_the_disk_or_the_client_refuses_is_one_clear_line(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(client, "snapshot_download", fail)
    with pytest.raises(CheckpointError, match=words) as said:
        find_folder(NAME)
    assert "secret" not in str(said.value)


def test_an_interrupt_is_an_interrupt(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(client, "snapshot_download", interrupt)
    with pytest.raises(KeyboardInterrupt):
        find_folder(NAME)
