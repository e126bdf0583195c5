"""Bodies of requests: what is too large is refused before anything reads it, and an upload only begins where the disk has room.

FastAPI takes a whole body into memory, and its parsed form many times over: 150 MB of JSON took a server from 1.4 to 7.6 GB.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demos.server.guard import below_api
from demos.server.uploads import Uploads, no_room
from demos.text import server as texts
from demos.text.unlearn import size

LARGEST = 1_000_000
"""Bytes of a body; nothing that the page sends has a tenth of it."""
LARGEST_UPLOAD = 101 * 1000**2
"""Bytes of an upload in all: the largest file that app_builder allows, and what stands around it."""
SECONDS = 60.0
"""In which a body that is no upload must be here."""
LINGER = 30.0
"""Seconds for which what is refused is still taken from the line and thrown away, so that the sender lives to read the answer."""
SPARE = 256 * 1000**2
"""Bytes of disk that no upload takes."""
READING = ("GET", "HEAD", "OPTIONS")


class _TooLarge(Exception):
    pass


@dataclass(slots=True)
class _Line:
    """What a sender sends, counted.

    Raises:
        _TooLarge: more than `most` came.
    """

    receive: Receive
    most: int
    came: int = 0
    more: bool = True

    async def __call__(self) -> Message:
        message = await self.receive()
        self.came += len(message.get("body", b""))
        self.more = message.get("more_body", False)
        if self.came > self.most:
            raise _TooLarge
        return message


@dataclass(slots=True)
class Bodies:
    """ASGI middleware.

    Attributes:
        uploads: where uploads go.
    """

    app: ASGIApp
    uploads: Uploads
    _coming: list[int] = field(default_factory=list, init=False)
    """Bytes of each upload that is under way."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in READING:
            await self.app(scope, receive, send)
        elif (below_api(scope["path"]) or "").strip("/") == "upload":
            await self._upload(scope, receive, send)
        else:
            await self._plain(scope, receive, send)

    async def _plain(self, scope: Scope, receive: Receive, send: Send) -> None:
        line = _Line(receive, LARGEST)
        try:
            if (_declared(scope) or 0) > LARGEST:
                raise _TooLarge
            async with asyncio.timeout(SECONDS):
                body = await _read(line)
        except _TooLarge:
            answer = JSONResponse({"detail": texts.BODY_TOO_LARGE.format(size=size(LARGEST))}, 413)
            await _refuse(answer, line, send)
            return
        except TimeoutError:
            await _refuse(JSONResponse({"detail": texts.BODY_TOO_SLOW}, 408), line, send, linger=0.0)
            return
        if body is None:  # the sender has gone
            return
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return waiting.pop() if waiting else await receive()

        await self.app(scope, again, send)

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        declared = _declared(scope)
        expected = LARGEST_UPLOAD if declared is None else declared
        if expected > LARGEST_UPLOAD:
            await _refuse(_upload_too_large(), _Line(receive, 0), send)
        elif self.uploads.free() < expected + sum(self._coming) + SPARE:
            await _refuse(PlainTextResponse(texts.DISK_FULL, 507), _Line(receive, 0), send)
        else:
            self._coming.append(expected)
            begun, whole = self.uploads.clock(), False
            try:
                whole = await self._take(scope, receive, send)
            finally:
                self._coming.remove(expected)
                if not whole and not self._coming:
                    self.uploads.drop_parts(since=begun - 1.0)  # file systems tell times a little late

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Lets the app read an upload, and counts; whether all of it came."""
        line, answered = _Line(receive, LARGEST_UPLOAD), False

        async def watched(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self.app(scope, line, watched)
        except ClientDisconnect:
            return False
        except _TooLarge:
            await _refuse(_upload_too_large(), line, send)
            return False
        except OSError as error:
            if answered or not no_room(error):
                raise
            await _refuse(PlainTextResponse(texts.DISK_FULL, 507), line, send)
            return False
        return True


def _upload_too_large() -> Response:
    return PlainTextResponse(texts.UPLOAD_TOO_LARGE.format(size=size(LARGEST_UPLOAD)), 413)


def _declared(scope: Scope) -> int | None:
    """What the sender says that it sends; None where it does not say."""
    said = Headers(scope=scope).get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() else None


async def _read(line: _Line) -> bytes | None:
    """The whole body; None where the sender has gone.

    Raises:
        _TooLarge: before it is all in memory.
    """
    parts = []
    while line.more:
        message = await line()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
    return b"".join(parts)


async def _refuse(answer: Response, line: _Line, send: Send, linger: float = LINGER) -> None:
    """Answers at once, then throws away what still comes: a line that is closed on a sender in the middle loses the answer too."""
    await send({"type": "http.response.start", "status": answer.status_code, "headers": answer.raw_headers})
    await send({"type": "http.response.body", "body": bytes(answer.body), "more_body": True})
    until = time.monotonic() + linger
    with suppress(TimeoutError):
        while line.more and (left := until - time.monotonic()) > 0:
            async with asyncio.timeout(left):
                line.more = (await line.receive()).get("more_body", False)
    await send({"type": "http.response.body", "body": b"", "more_body": False})
