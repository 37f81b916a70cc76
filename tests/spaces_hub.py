"""A Hub for the tests: what the Hub's client asks of it to make a Space, on a port of this machine. It keeps what came.

Answers have the shape of the real one's as the client reads them; large files go to it by the plain LFS protocol.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LARGE = (".safetensors", ".png")
WHEN = "2026-01-01T00:00:00.000Z"


@dataclass
class FakeHub:
    """One Space, `me/demo`, and the requests in the order they came, without those that only ask."""

    url: str = ""
    exists: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    hardware: str = ""
    sleep: int | None = None
    done: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    uploads: dict[str, bytes] = field(default_factory=dict)
    refuse: str = ""  # the part of a path that is answered with 403

    def answer(self, method: str, path: str, body: bytes, authorization: str | None) -> tuple[int, Any]:
        """Status and JSON."""
        if path.startswith("/lfs/"):
            self.uploads[path.removeprefix("/lfs/")] = body
            return 200, {}
        if not path.startswith(("/api/repos/", "/api/spaces/", "/api/validate-yaml", "/spaces/")):
            return 404, {"error": "of no interest here"}
        self.tokens.add(authorization or "none")
        if self.refuse and self.refuse in path:
            return 403, {"error": f"no rights for {authorization}"}
        asked = json.loads(body) if body and not path.endswith("/commit/main") else None
        if path == "/api/repos/create":
            return self._create(asked)
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if path == "/spaces/me/demo.git/info/lfs/objects/batch":
            return 200, {"transfer": "basic", "objects": [self._upload(entry) for entry in asked["objects"]]}
        kind = path.removeprefix("/api/spaces/me/demo/").partition("/")[0]
        return getattr(self, f"_{method.lower()}_{kind}")(asked if asked is not None else body)

    def _create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        assert (asked["organization"], asked["name"], asked["type"]) == ("me", "demo", "space")
        if self.exists:
            return 409, {"error": "You already created this space repo", "url": f"{self.url}/spaces/me/demo"}
        self.exists, self.hardware = True, asked["hardware"]
        self.files[".gitattributes"] = b"*.safetensors filter=lfs\n"
        self.done.append(f"create {asked['sdk']} {asked['hardware']}")
        return 200, {"url": f"{self.url}/spaces/me/demo"}

    def _get_variables(self, _: object) -> tuple[int, Any]:
        return 200, {name: {"key": name, "value": value} for name, value in self.variables.items()}

    def _post_variables(self, asked: dict[str, str]) -> tuple[int, Any]:
        self.variables[asked["key"]] = asked["value"]
        self.done.append(f"set {asked['key']}")
        return self._get_variables(None)

    def _delete_variables(self, asked: dict[str, str]) -> tuple[int, Any]:
        del self.variables[asked["key"]]
        self.done.append(f"unset {asked['key']}")
        return self._get_variables(None)

    def _get_tree(self, _: object) -> tuple[int, Any]:
        return 200, [
            {"type": "file", "path": name, "size": len(content), "oid": "0" * 40}
            for name, content in self.files.items()
        ]

    def _post_preupload(self, asked: dict[str, Any]) -> tuple[int, Any]:
        modes = {True: "lfs", False: "regular"}
        return 200, {
            "files": [
                {"path": file["path"], "uploadMode": modes[file["path"].endswith(LARGE)], "shouldIgnore": False}
                for file in asked["files"]
            ]
        }

    def _upload(self, entry: dict[str, Any]) -> dict[str, Any]:
        return {**entry, "actions": {"upload": {"href": f"{self.url}/lfs/{entry['oid']}"}}}

    def _post_commit(self, body: bytes) -> tuple[int, Any]:
        lines = [json.loads(line) for line in body.splitlines()]
        (header,) = [line["value"] for line in lines if line["key"] == "header"]
        for line in lines:
            value = line["value"]
            if line["key"] == "deletedFile":
                del self.files[value["path"]]
            elif line["key"] == "file":
                assert value["encoding"] == "base64"
                self.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.files[value["path"]] = self.uploads[value["oid"]]
        self.done.append(f"commit {header['summary']}")
        return 200, {"commitOid": "1" * 40, "commitUrl": f"{self.url}/spaces/me/demo/commit/{'1' * 40}"}

    def _post_hardware(self, asked: dict[str, Any]) -> tuple[int, Any]:
        self.hardware, self.sleep = asked["flavor"], asked.get("sleepTimeSeconds")
        self.done.append(f"hardware {self.hardware}")
        hardware = {"current": self.hardware, "requested": self.hardware}
        return 200, {"stage": "BUILDING", "hardware": hardware, "storage": None, "gcTimeout": self.sleep}


@contextmanager
def serving() -> Iterator[FakeHub]:
    """The Hub, up."""
    hub = FakeHub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = self._chunks()
            path = self.path.partition("?")[0]
            status, value = hub.answer(self.command, path, body, self.headers.get("Authorization"))
            sent = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def _chunks(self) -> bytes:
            whole = b""
            while size := int(self.rfile.readline(), 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return whole

        do_GET = do_POST = do_PUT = do_DELETE = _answer

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
