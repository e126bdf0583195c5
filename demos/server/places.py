"""Where uploads lie is nobody's business: Gradio's protocol names their folder in answers and is told it again in requests. Answers get a word
in its place, of as many bytes, so that no length changes; requests get the folder back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

WORD = "/~uploads"
TOLD = ("application/json", "text/event-stream", "text/plain")
"""Types of answers that may name a path; files themselves are left alone."""


@dataclass(slots=True)
class Places:
    """ASGI middleware, behind what packs answers and what reads bodies whole.

    Attributes:
        folder: of uploads.
    """

    app: ASGIApp
    folder: Path
    _real: str = field(init=False)
    _word: str = field(init=False)

    def __post_init__(self) -> None:
        self._real = str(self.folder)
        self._word = word_for(self._real)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        told = False

        async def hidden(message: Message) -> None:
            nonlocal told
            if message["type"] == "http.response.start":
                told = Headers(raw=message["headers"]).get("content-type", "").startswith(TOLD)
            elif told and message.get("body"):
                message = {**message, "body": message["body"].replace(self._real.encode(), self._word.encode())}
            await send(message)

        async def shown() -> Message:
            message = await receive()
            if message.get("body") and json:
                message = {**message, "body": message["body"].replace(self._word.encode(), self._real.encode())}
            return message

        json = Headers(scope=scope).get("content-type", "").startswith("application/json")
        if self._word in scope["path"]:
            path = scope["path"].replace(self._word, self._real)
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self.app(scope, shown, hidden)


def word_for(real: str) -> str:
    """What stands for a folder's name: of as many bytes, and no folder of any machine."""
    return WORD.ljust(len(real.encode()), "~")[: len(real.encode())]
