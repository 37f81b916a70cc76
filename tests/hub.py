"""A Hub on this machine for tests: folders served as repositories, in the way `huggingface_hub` asks for them.

with serve_hub({"owner/name": HubRepository(folder)}) as hub:
    hub.use(monkeypatch, cache)     # this process talks to it; hub.environment(cache) is for another one
    hub.cut("model.safetensors", after=1000)
    ...
    assert hub.bytes_of("model.safetensors") == 1000
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

HEAD, OLD = "b" * 40, "a" * 40
PAGE = 10  # entries of a listing at once
PIECE = 1024  # bytes the client writes at once: what it has of less is lost when a connection breaks


@dataclass
class HubRepository:
    """A folder, and the commits it is served at: the newest first, all with the same files."""

    folder: Path
    commits: tuple[str, ...] = (HEAD, OLD)
    branches: Mapping[str, str] = field(default_factory=dict)  # main is the newest commit
    token: str | None = None  # who lacks it finds the repository gated

    def commit_of(self, revision: str) -> str | None:
        """The commit a branch or a commit id means."""
        commit = {"main": self.commits[0], **self.branches}.get(revision, revision)
        return commit if commit in self.commits else None

    def files(self) -> dict[str, Path]:
        """By their paths in the repository."""
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path for path in found}


@dataclass(frozen=True)
class Transfer:
    """A file that was asked for: from which byte on, and how many bytes of it went out."""

    file: str
    start: int
    sent: int


class FakeHub:
    """What the server serves, and what it was asked for."""

    def __init__(self, repositories: Mapping[str, HubRepository]) -> None:
        self.repositories = dict(repositories)
        self.url = ""
        self.requests: list[tuple[str, str]] = []  # method and path
        self.transfers: list[Transfer] = []
        self.lock = threading.Lock()
        self._cuts: dict[str, tuple[int, int]] = {}
        self.broken: tuple[int, str] | None = None  # the status, and words, that everything is answered with

    # ---- what a test looks at --------------------------------------------------------------------------------------

    def bytes_of(self, file: str) -> int:
        """How many bytes of a file went out, all transfers together."""
        return sum(transfer.sent for transfer in self.transfers if transfer.file == file)

    def starts_of(self, file: str) -> list[int]:
        """From which byte each transfer of a file began."""
        return [transfer.start for transfer in self.transfers if transfer.file == file]

    def asked_files(self) -> set[str]:
        """Files of which at least the headers were asked for."""
        return {path.split("/resolve/")[1].split("/", 1)[1] for _, path in self.requests if "/resolve/" in path}

    def forget(self) -> None:
        """Start counting anew."""
        self.requests.clear()
        self.transfers.clear()

    # ---- what a test breaks ----------------------------------------------------------------------------------------

    def cut(self, file: str, after: int, times: int = 1) -> None:
        """Close the connection after so many bytes of that file, the next `times` times it is sent."""
        self._cuts[file] = (after, times)

    def answer(self, status: int, words: str = "") -> None:
        """Answer everything with this status from now on."""
        self.broken = (status, words)

    # ---- how a client gets here ------------------------------------------------------------------------------------

    def environment(self, cache: Path) -> dict[str, str]:
        """Variables with which another process talks to this server and keeps its files in `cache`."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(cache),
            "HF_HUB_CACHE": str(cache / "hub"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_OFFLINE": "0",
            "HF_TOKEN": "",
        }

    def use(self, monkeypatch: pytest.MonkeyPatch, cache: Path, piece: int = PIECE) -> None:
        """The same for this process, whose client has read its variables already; it takes `piece` bytes at once."""
        from huggingface_hub import constants, file_download
        from huggingface_hub.utils import _http

        from twotower.model import hub

        monkeypatch.setattr(constants, "ENDPOINT", self.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", self.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache / "hub"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(cache / "token"))
        monkeypatch.setattr(constants, "AGENT_HARNESSES_PATH", str(cache / "harnesses.json"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", piece)
        for waiting in (file_download, _http):  # it waits before it tries again
            monkeypatch.setattr(waiting, "time", SimpleNamespace(sleep=lambda seconds: None))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        hub.resolve.cache_clear()

    # ---- for the server --------------------------------------------------------------------------------------------

    def room_for(self, file: str, count: int) -> int:
        """How many of `count` bytes may go out before this transfer is cut."""
        with self.lock:
            after, times = self._cuts.get(file, (count, 0))
            if times:
                self._cuts[file] = (after, times - 1)
            return min(after, count) if times else count


@contextmanager
def serve_hub(repositories: Mapping[str, HubRepository]) -> Iterator[FakeHub]:
    """Serve them on a loopback port until the block ends."""
    hub = FakeHub(repositories)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_HubHandler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _HubHandler(BaseHTTPRequestHandler):
    """The four questions a download asks: which commit, which files, which commits before it, the bytes."""

    hub: FakeHub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every body waits for the client to acknowledge the headers

    def do_GET(self) -> None:
        self._respond()

    def do_HEAD(self) -> None:
        self._respond()

    def log_message(self, *_: object) -> None:
        pass

    def _respond(self) -> None:
        path = urlsplit(self.path).path
        if path == "/api/agent-harnesses":  # the client's own errand, no test's business
            return self._refuse(404)
        with self.hub.lock:
            self.hub.requests.append((self.command, path))
        if self.hub.broken is not None:
            status, words = self.hub.broken
            return self._refuse(status, message=words)
        asked = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree|commits)/([^/]+))?", path)
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if asked:
            self._tell(asked[1], asked[2] or "revision", unquote(asked[3] or "main"))
        elif file:
            self._send_file(file[1], unquote(file[2]), unquote(file[3]))
        else:
            self._refuse(404)

    def _found(self, name: str, revision: str) -> tuple[HubRepository, str] | None:
        """The repository and the commit; None once a refusal went out."""
        repository = self.hub.repositories.get(name)
        if repository is None:
            self._refuse(401, "RepoNotFound", "Invalid username or password.")
            return None
        if repository.token not in (None, self.headers.get("Authorization", "").removeprefix("Bearer ")):
            self._refuse(401, "GatedRepo", f"Access to model {name} is restricted.")
            return None
        commit = repository.commit_of(revision)
        if commit is None:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return None
        return repository, commit

    def _tell(self, name: str, what: str, revision: str) -> None:
        found = self._found(name, revision)
        if found is None:
            return
        repository, commit = found
        if what == "revision":
            self._send_json({"id": name, "modelId": name, "sha": commit, "siblings": []})
        elif what == "tree":
            self._send_page([_listed(path, file) for path, file in repository.files().items()])
        else:
            self._send_page([_commit(each) for each in repository.commits[repository.commits.index(commit) :]])

    def _send_page(self, entries: list[dict[str, Any]]) -> None:
        query = parse_qs(urlsplit(self.path).query)
        start = int(query.get("cursor", ["0"])[0])
        more = {}
        if start + PAGE < len(entries):
            path = urlsplit(self.path).path
            more = {"Link": f'<{self.hub.url}{path}?recursive=true&cursor={start + PAGE}>; rel="next"'}
        self._send_json(entries[start : start + PAGE], more)

    def _send_file(self, name: str, revision: str, path: str) -> None:
        found = self._found(name, revision)
        if found is None:
            return
        repository, commit = found
        file = repository.files().get(path)
        if file is None:
            return self._refuse(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": commit})
        size = file.stat().st_size
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", commit)
        self.send_header("ETag", f'"{_digest(file)}"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(size - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.end_headers()
        if self.command == "GET":
            self._send_bytes(path, file, start, size - start)

    def _send_bytes(self, path: str, file: Path, start: int, count: int) -> None:
        left = self.hub.room_for(path, count)
        self.close_connection = left < count
        with self.hub.lock:
            self.hub.transfers.append(Transfer(path, start, left))
        with file.open("rb") as body:
            body.seek(start)
            while left:
                piece = body.read(min(left, 2**20))
                self.wfile.write(piece)
                left -= len(piece)

    def _send_json(self, body: object, headers: Mapping[str, str] | None = None) -> None:
        text = json.dumps(body).encode()
        self.send_response(200)
        for name, value in {**(headers or {}), "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(text)

    def _refuse(self, status: int, code: str = "", message: str = "", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "X-Error-Code": code, "X-Error-Message": message}.items():
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _listed(path: str, file: Path) -> dict[str, Any]:
    size, digest = file.stat().st_size, _digest(file)
    listed: dict[str, Any] = {"type": "file", "path": path, "size": size, "oid": digest[:40]}
    if path.endswith((".safetensors", ".bin")):
        listed["lfs"] = {"oid": digest, "size": size, "pointerSize": 134}
    return listed


def _commit(commit: str) -> dict[str, Any]:
    return {"id": commit, "authors": [], "date": "2026-06-25T12:00:00.000Z", "title": "a change", "message": ""}


_DIGESTS: dict[tuple[Path, int, int], str] = {}


def _digest(file: Path) -> str:
    """SHA-256 of a file; read once, for it is asked for with every answer."""
    about = file.stat()
    key = (file, about.st_size, about.st_mtime_ns)
    if key not in _DIGESTS:
        digest = hashlib.sha256()
        with file.open("rb") as body:
            while piece := body.read(2**20):
                digest.update(piece)
        _DIGESTS[key] = digest.hexdigest()
    return _DIGESTS[key]
