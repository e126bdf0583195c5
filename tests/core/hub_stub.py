"""A Hub on this machine: the few endpoints that huggingface_hub speaks, serving folders, with the faults that a test wants."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".safetensors", ".bin", ".pth")


@dataclass
class StubRepo:
    """One repository with one commit.

    Attributes:
        gated: 0, or the status (401, 403) with which files are refused. private: nobody may know of it.
        cut: bytes after which the first download of a file breaks off, by path.
        lie: files that are served with other content than their hash says.
        fail: status with which every question is answered, or 0.
    """

    folder: Path
    licence: str = "mit"
    commit: str = COMMIT
    branches: tuple[str, ...] = ("main", "refs/pr/1")
    gated: int = 0
    private: bool = False
    cut: dict[str, int] = field(default_factory=dict)
    lie: set[str] = field(default_factory=set)
    fail: int = 0

    def paths(self) -> list[str]:
        return sorted(p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*") if p.is_file())

    def entry(self, path: str) -> dict[str, Any]:
        data = (self.folder / path).read_bytes()
        blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
        entry: dict[str, Any] = {
            "path": path,
            "rfilename": path,
            "size": len(data),
            "oid": blob,
            "blobId": blob,
            "type": "file",
        }
        if path.endswith(LARGE):
            sha256 = hashlib.sha256(data).hexdigest()
            entry["lfs"] = {"size": len(data), "sha256": sha256, "oid": sha256, "pointerSize": 134}
        return entry


@dataclass
class StubHub:
    """What is served, and what was asked: `asked[method, path]` counts, `ranges` lists the Range headers of downloads."""

    url: str
    repos: dict[str, StubRepo] = field(default_factory=dict)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    ranges: list[str] = field(default_factory=list)

    def downloads(self) -> list[str]:
        """Paths of all files whose content was asked for."""
        return [
            path.split("/resolve/", 1)[1].split("/", 1)[1]
            for method, path in self.asked
            if method == "GET" and "/resolve/" in path
        ]


@contextmanager
def stub_hub() -> Iterator[StubHub]:
    """Serves until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body are sent apart: each answer would wait 40 ms for the other's acknowledgement.
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, *, body: bool) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.asked[self.command, path] += 1
            if path.startswith("/api/models/"):
                owner, name, *rest = path.removeprefix("/api/models/").split("/")
                verb, revision = (rest[0], "/".join(rest[1:])) if rest else ("revision", "main")
            else:
                repo, _, rest_of = path.removeprefix("/").partition("/resolve/")
                owner, name = repo.split("/")
                verb = "resolve"
                revision, _, file = rest_of.partition("/")
            found = hub.repos.get(f"{owner}/{name}")
            if found is None or found.private:
                self.refuse(401, "RepoNotFound")
            elif found.fail:
                self.refuse(found.fail, "")
            elif revision not in (found.commit, *found.branches):
                self.refuse(404, "RevisionNotFound")
            elif verb == "revision":
                self.send_json(
                    {
                        "id": f"{owner}/{name}", "sha": found.commit, "gated": "auto" if found.gated else False,
                        "tags": [f"license:{found.licence}"], "cardData": {"license": found.licence},
                        "siblings": [found.entry(p) for p in found.paths()],
                    }
                )  # fmt: skip
            elif verb == "tree":
                self.send_json([found.entry(p) for p in found.paths()])
            elif found.gated:
                self.refuse(found.gated, "GatedRepo" if found.gated == 403 else "")
            elif file not in found.paths():
                self.refuse(404, "EntryNotFound")
            else:
                self.send_file(found, file, body)

        def send_file(self, repo: StubRepo, file: str, body: bool) -> None:
            entry, data = repo.entry(file), (repo.folder / file).read_bytes()
            if file in repo.lie:
                data = bytes(len(data))
            asked, start = self.headers.get("Range"), 0
            if body and asked:
                hub.ranges.append(asked)
                start = int(asked.removeprefix("bytes=").partition("-")[0])
                end = asked.partition("-")[2]
                data = data[: int(end) + 1] if end else data
            self.send_response(206 if start or asked else 200)
            if start or asked:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{entry['size']}")
            self.send_header("ETag", f'"{entry["lfs"]["sha256"] if "lfs" in entry else entry["oid"]}"')
            self.send_header("X-Repo-Commit", repo.commit)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            if body:
                cut = repo.cut.pop(file, None)
                self.wfile.write(data[start:cut])
                if cut is not None:
                    self.wfile.flush()
                    self.close_connection = True

        def send_json(self, value: Any) -> None:
            data = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            if code:
                self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub = StubHub(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)  # else it ends half a second late
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
