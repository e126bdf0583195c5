"""A script that the page runs before Gradio's own: it keeps counters that nobody sees from drawing sixty frames a second.

Measured in gradio 6.31: every status counts its waiting time in a callback at every frame of the screen, and the one of the
loading screen never ends, because its component goes while it still counts. An open page then costs 5 to 6 % of a core
without a GPU, for as long as it is open, and on a CPU a run pays for that. `head=` of `launch` comes too late: Gradio adds it
after its scripts have taken hold of `requestAnimationFrame`.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEAD = b"<head>"


class EarlyScript:
    """ASGI middleware that puts `head` first into the head of the page; every other answer passes untouched."""

    def __init__(self, app: ASGIApp, head: str) -> None:
        self.app = app
        self.head = head.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or "." in scope["path"].rpartition("/")[2]:
            await self.app(scope, receive, send)
            return
        start: Message | None = None

        async def with_script(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and self._is_page(message):
                start = message  # waits for the body, whose length it states
                return
            if message["type"] == "http.response.body" and start is not None:
                body: bytes = message.get("body", b"")
                if HEAD in body and not message.get("more_body", False):
                    message = {**message, "body": body.replace(HEAD, HEAD + self.head, 1)}
                    MutableHeaders(scope=start)["content-length"] = str(len(message["body"]))
                await send(start)
                start = None
            await send(message)

        await self.app(scope, receive, with_script)

    @staticmethod
    def _is_page(message: Message) -> bool:
        headers = MutableHeaders(scope=message)
        return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers
