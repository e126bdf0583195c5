"""The outermost middleware: headers of every answer, names under which a public server answers, and what Gradio offers but the page does not."""

from __future__ import annotations

import ipaddress
import logging
import re
import traceback
from dataclasses import dataclass
from pathlib import Path

from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demos.server.settings import Settings
from demos.text import server as texts

LOG = logging.getLogger(__name__)
QUOTED = 80
"""Characters of a request that an answer repeats at most."""
HEADERS = {
    # Gradio's page needs inline scripts and makes functions of texts: what may run stays open, who may show it does not.
    "content-security-policy": "frame-ancestors 'self' https://huggingface.co https://*.hf.space; "
    "object-src 'none'; base-uri 'self'; form-action 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}
API = "/gradio_api/"
CLOSED = re.compile(
    r"deep_link|process_recording|proxy=|stream/|run-history|custom_component/|dev/|profiling/|vibe-|undo-vibe-"
)
"""Beginnings of addresses below API that write files, start programs or ask other machines for things that the page does not have."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(slots=True)
class Guard:
    """ASGI middleware. A request that comes from this machine for this machine always passes: Gradio asks so whether it runs."""

    app: ASGIApp
    settings: Settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if not self._answers_to(scope):
            await JSONResponse({"detail": texts.WRONG_HOST}, 421)(scope, receive, with_headers)
        elif closed(scope["path"]):
            await JSONResponse({"detail": texts.CLOSED}, 404)(scope, receive, with_headers)
        else:
            try:
                await self.app(scope, receive, with_headers)
            except Exception as error:
                LOG.error("%s %.80r failed: %s", scope["method"], scope["path"], where(error))
                if begun:  # nothing more can be said on this line
                    raise
                await JSONResponse({"detail": texts.FAILED}, 500)(scope, receive, with_headers)

    def _answers_to(self, scope: Scope) -> bool:
        if not self.settings.public:
            return True
        name = host_name(Headers(scope=scope).get("host", ""))
        return name in self.settings.hosts or (name in LOOPBACK and _is_loopback(scope))


def below_api(path: str) -> str | None:
    """What follows API in a path; None elsewhere."""
    _, found, rest = path.partition(API)
    return rest if found else None


def closed(path: str) -> bool:
    """Whether nothing on the page needs this address of Gradio's."""
    rest = below_api(path)
    return path.startswith("/monitoring") if rest is None else CLOSED.match(rest) is not None


def host_name(host: str) -> str:
    """The name of a Host header, without port and brackets."""
    return re.sub(r":\d*$", "", host.strip().casefold()).strip("[]")


def _is_loopback(scope: Scope) -> bool:
    try:
        return ipaddress.ip_address((scope.get("client") or ("",))[0]).is_loopback
    except ValueError:
        return False


def where(error: Exception) -> str:
    """An error's type and the line that raised it: nothing of what a visitor sent."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} ({Path(frame.filename).name}, line {frame.lineno})"


async def unreadable(request: Request, error: Exception) -> Response:
    """Answers a request whose parts have the wrong types; FastAPI's own answer repeats all that was sent."""
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {}
    place = ".".join(str(part) for part in first.get("loc", ()))
    text = texts.UNREADABLE.format(place=place[:QUOTED], why=str(first.get("msg", ""))[:QUOTED])
    return JSONResponse({"detail": text}, 422)
