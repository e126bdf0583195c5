"""Large values that the browser fetches by itself and keeps, under addresses of their contents: recordings, and the cards of pickers.

In the page's config, and in each answer and request that has their component, they cost the server and the browser more than all else.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from typing import Any

from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

FOLDER = "page-data"
LARGEST = 128 * 2**20
"""Bytes that are kept; what was asked for longest ago goes first."""
_kept: OrderedDict[str, bytes] = OrderedDict()
_lock = threading.Lock()


def address(value: Any) -> str:
    """Keeps a value; returns where it can be fetched, relative to the page so that it works behind a proxy."""
    body = json.dumps(value, separators=(",", ":")).encode()
    name = hashlib.sha256(body).hexdigest()[:32]
    with _lock:
        _kept[name] = body
        _kept.move_to_end(name)
        while len(_kept) > 1 and sum(map(len, _kept.values())) > LARGEST:
            _kept.popitem(last=False)
    return f"{FOLDER}/{name}"


def kept(address: str) -> Any:
    """What lies at an address.

    Raises:
        KeyError: nothing (any more).
    """
    with _lock:
        return json.loads(_kept[address.rpartition("/")[2]])


class Packed(GZipMiddleware):
    """Packs answers whose path names no file: the page, its config, events and what is kept here. Gradio (6.31) packs files only."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = "." in scope.get("path", "").rpartition("/")[2]
        await (self.app if named else super().__call__)(scope, receive, send)


def route() -> Route:
    """Serves what is kept, which never changes."""

    def serve(request: Request) -> Response:
        with _lock:
            body = _kept.get(request.path_params["name"])
        if body is None:
            raise HTTPException(404)
        return Response(
            body, media_type="application/json", headers={"cache-control": "private, max-age=86400, immutable"}
        )

    return Route(f"/{FOLDER}/{{name}}", serve)
