"""The page itself, made once: it is the same for everybody, but Gradio (6.31) copies its config, fills its template and packs it at each
visit. Fifty visitors at once waited three seconds for that."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEPT = 8
"""Pages that are kept: one for each name of the server, and for each way of packing."""
NAMING = ("host", "x-forwarded-host", "x-forwarded-proto", "x-gradio-server")
"""Headers by which Gradio tells under which address it is."""
Key = tuple[str, ...]


@dataclass(slots=True)
class Front:
    """ASGI middleware that keeps the answer to `GET /`."""

    app: ASGIApp
    _kept: OrderedDict[Key, list[Message]] = field(default_factory=OrderedDict, init=False)
    _making: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = key_of(scope)
        if key is None:
            await self.app(scope, receive, send)
            return
        async with self._making:  # visitors who come at once wait for one page, not for as many as they are
            answer = self._kept.get(key) or await self._make(key, scope, receive)
        for message in answer:
            await send({**message, "headers": [*message["headers"]]} if "headers" in message else message)

    async def _make(self, key: Key, scope: Scope, receive: Receive) -> list[Message]:
        answer: list[Message] = []

        async def take(message: Message) -> None:
            answer.append(message)

        await self.app(scope, receive, take)
        if answer[0].get("status") == 200:
            self._kept[key] = answer
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return answer


def key_of(scope: Scope) -> Key | None:
    """What the page depends on; None for every other request."""
    if (
        scope["type"] != "http"
        or scope["method"] != "GET"
        or scope["path"] != "/"
        or b"deep_link" in scope["query_string"]
    ):
        return None
    headers = Headers(scope=scope)
    packed = "gzip" in headers.get("accept-encoding", "")
    return (scope["scheme"], scope.get("root_path", ""), str(packed), *(headers.get(name, "") for name in NAMING))
