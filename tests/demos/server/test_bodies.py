"""Bodies of requests on a real server: what is too large is never in memory, and a full disk is a sentence that goes away."""

from __future__ import annotations

import errno
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from demos.server import bodies
from demos.server.bodies import LARGEST, LARGEST_UPLOAD, SPARE, Bodies
from demos.server.uploads import Uploads

MB = 10**6
UPLOAD, PLAIN = "/gradio_api/upload", "/gradio_api/queue/join"


@dataclass(frozen=True)
class Disk(Uploads):
    """An upload folder on a disk of a given size."""

    room: int = 10**12

    def free(self) -> int:
        return self.room


def app(disk: Uploads) -> Starlette:
    """Says how much came; an upload goes to the disk piece by piece, as in Gradio."""

    async def read(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    async def take(request: Request) -> Response:
        n, part = 0, disk.folder / "tmpabcdefgh"
        with part.open("wb") as file:
            async for chunk in request.stream():
                if chunk.endswith(b"no room"):
                    raise OSError(errno.ENOSPC, "No space left on device")
                n += file.write(chunk)
        part.rename(disk.folder / "whole")
        return PlainTextResponse(str(n))

    routes = [Route(UPLOAD, take, methods=["POST"]), Route(PLAIN, read, methods=["POST"])]
    return Starlette(routes=routes, middleware=[Middleware(Bodies, uploads=disk)])


@contextmanager
def serving(served: Starlette) -> Iterator[str]:
    """A real server in a thread."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(served, log_level="warning"))
        thread = threading.Thread(target=server.run, args=([line],))
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{line.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


def chunks(megabytes: int) -> Iterator[bytes]:
    """A body whose length nobody is told."""
    for _ in range(4 * megabytes):
        yield b"x" * (MB // 4)


@pytest.mark.parametrize(("path", "limit"), [(PLAIN, "1.0 MB"), (UPLOAD, "101 MB")])
def test_150_mb_in_pieces_leave_memory_flat_and_get_a_sentence(tmp_path: Path, path: str, limit: str) -> None:
    with serving(app(Disk(tmp_path))) as url:
        assert httpx.post(url + path, content=b"x").text == "1"
        before = psutil.Process().memory_info().rss
        answer = httpx.post(url + path, content=chunks(150), timeout=60)
        assert answer.status_code == 413
        assert limit in answer.text
        assert psutil.Process().memory_info().rss - before < 30 * MB
        assert httpx.post(url + path, content=b"xyz").text == "3"  # and goes on
    assert not list(tmp_path.glob("tmp*"))


def test_a_body_that_says_its_length_is_refused_before_it_comes(tmp_path: Path) -> None:
    with serving(app(Disk(tmp_path))) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as line:
            head = f"POST {PLAIN} HTTP/1.1\r\nhost: a\r\ncontent-length: {LARGEST + 1}\r\n\r\n"
            line.sendall(head.encode())  # and not one byte of it
            line.settimeout(5)
            assert line.recv(4096).startswith(b"HTTP/1.1 413")


def test_what_fits_passes_whole(tmp_path: Path) -> None:
    client = TestClient(app(Disk(tmp_path)))
    assert client.post(PLAIN, content=b"x" * LARGEST).text == str(LARGEST)
    assert client.post(PLAIN, content=b"x" * (LARGEST + 1)).status_code == 413
    assert client.post(UPLOAD, content=b"x" * (2 * LARGEST)).text == str(2 * LARGEST)
    assert "1.0 MB" in json.loads(client.post(PLAIN, content=iter([b"x" * LARGEST, b"x"])).text)["detail"]


def test_a_body_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.2)
    with (
        serving(app(Disk(tmp_path))) as url,
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as line,
    ):
        line.sendall(f"POST {PLAIN} HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc".encode())
        line.settimeout(5)
        assert line.recv(4096).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    ("room", "status"), [(SPARE + 1000, 200), (SPARE + 999, 507), (0, 507)], ids=["room", "a byte short", "full"]
)
def test_an_upload_begins_only_where_the_disk_has_room(tmp_path: Path, room: int, status: int) -> None:
    client = TestClient(app(Disk(tmp_path, room=room)))
    answer = client.post(UPLOAD, content=b"x" * 1000)
    assert answer.status_code == status
    assert (status == 507) == ("disk of this server is full" in answer.text)


def test_an_upload_of_unknown_length_needs_room_for_the_largest(tmp_path: Path) -> None:
    for room, status in ((SPARE + LARGEST_UPLOAD, 200), (SPARE + LARGEST_UPLOAD - 1, 507)):
        answer = TestClient(app(Disk(tmp_path, room=room))).post(UPLOAD, content=iter([b"a", b"b"]))
        assert answer.status_code == status


def test_a_disk_that_fills_meanwhile_is_said_and_cleared(tmp_path: Path) -> None:
    client = TestClient(app(Disk(tmp_path)))
    answer = client.post(UPLOAD, content=b"x" * 100 + b"no room")
    assert answer.status_code == 507
    assert "disk of this server is full" in answer.text
    assert not list(tmp_path.iterdir())
    assert client.post(UPLOAD, content=b"abc").text == "3"


def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    with serving(app(Disk(tmp_path))) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(f"POST {UPLOAD} HTTP/1.1\r\nhost: a\r\ncontent-length: 5000\r\n\r\nabc".encode())
            until = time.monotonic() + 10
            while not list(tmp_path.iterdir()):
                assert time.monotonic() < until
                time.sleep(0.01)
        until = time.monotonic() + 10
        while list(tmp_path.iterdir()):
            assert time.monotonic() < until
            time.sleep(0.01)
