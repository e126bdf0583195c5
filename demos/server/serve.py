"""What app_builder gives to Gradio's server: the middleware in its order, and what goes on beside the answers."""

from __future__ import annotations

import asyncio
import ctypes
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from demos.server import hops
from demos.server.bodies import Bodies
from demos.server.front import Front
from demos.server.guard import Guard
from demos.server.sessions import Presence, Sessions
from demos.server.settings import Settings
from demos.server.uploads import EVERY, Uploads

LOG = logging.getLogger(__name__)
TRIM = 30.0
"""Seconds between two looks whether memory can be given back."""


class Server:
    """The parts of one server.

    Attributes:
        settings: by environment.
        sessions: what is kept of open pages.
        uploads: where files go.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sessions = Sessions()
        self.uploads = Uploads(Path(get_upload_folder()))

    def middleware(self) -> list[Middleware]:
        """From the outside inwards."""
        return [
            Middleware(Guard, settings=self.settings),
            Middleware(Front),
            Middleware(Bodies, uploads=self.uploads),
            Middleware(Presence, sessions=self.sessions),
        ]

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        """While the server runs. Gradio makes its sessions itself and takes no others, so they are put in their place here.

        Args:
            app: Gradio's, about to serve.
        """
        self.sessions.set_blocks(app.get_blocks())
        app.state_holder = self.sessions
        hops.spare()
        if self.settings.public and not self.settings.hosts:
            LOG.warning("This page is public, but PLAYGROUND_HOSTS names no host: it answers to this machine alone.")
        going = [asyncio.create_task(self._sweep()), asyncio.create_task(self._give_memory_back())]
        try:
            yield
        finally:
            for task in going:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _sweep(self) -> None:
        while True:
            try:
                await run_in_threadpool(self.uploads.sweep)
            except OSError:
                LOG.warning("the upload folder could not be swept", exc_info=True)
            await asyncio.sleep(EVERY)

    async def _give_memory_back(self) -> None:
        given = 0
        while True:
            await asyncio.sleep(TRIM)
            if self.sessions.dropped != given:
                given = self.sessions.dropped
                await run_in_threadpool(trim)


def trim() -> None:
    """Returns to the machine what the C library keeps of sessions that were dropped: 20 MB after 500."""
    with suppress(OSError, AttributeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
