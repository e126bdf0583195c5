"""What Gradio keeps of each open page, and only for as long as the page is open.

Gradio (6.31) keeps a session until there are 10,000 of them, and in each the settings of every component written out, for deep links,
which this page does not have: 0.2 MB when a page has opened and 2 MB when results were looked at.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gradio.blocks import Blocks
from gradio.components import State
from gradio.state_holder import SessionState, StateHolder
from starlette.types import ASGIApp, Receive, Scope, Send

from demos.server.guard import below_api

CAPACITY = 1000
"""Sessions at most; the longest unused goes first."""
RESTING = 100
"""Sessions of pages that are not open, the last ones: a laptop that slept comes back to its page, without telling."""
REST = 30 * 60.0
"""Seconds after which these go too."""
HEARTBEAT = "heartbeat/"


class Session(SessionState):
    """The values and components of one page, without their settings as text."""

    def __init__(self, blocks: Blocks) -> None:
        # Not Gradio's own: it writes out every component, which takes most of the memory and of the time.
        self.blocks_config = copy(blocks.default_config)
        self.config_values: dict[int, Any] = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, Any] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = int(REST)

    def __setitem__(self, key: int, value: Any) -> None:
        block = self.blocks_config.blocks.get(key)
        if isinstance(block, State):
            self._state_ttl[key] = block.time_to_live, datetime.now()
            self.state_data[key] = value
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        pass

    def _update_value_in_config(self, key: int, value: Any) -> None:
        pass


class Sessions(StateHolder):
    """All sessions; knows which pages are open by their heartbeats (`Presence`).

    Args:
        clock: seconds; tests move it by hand.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._clock = clock
        self._open: Counter[str] = Counter()
        self._resting: OrderedDict[str, float] = OrderedDict()
        """When each session whose page is not open was last used, the longest unused first."""
        self.dropped = 0

    def __getitem__(self, session_id: str) -> SessionState:
        with self.lock:
            found = self.session_data.get(session_id)
            if found is None:
                found = self.session_data[session_id] = Session(self.blocks)
            self.session_data.move_to_end(session_id)
            if session_id not in self._open:
                self._rest(session_id)
            while len(self.session_data) > self.capacity:
                self._drop(next(iter(self.session_data)))
        return found

    def came(self, session_id: str) -> None:
        """A page is open."""
        with self.lock:
            self._open[session_id] += 1
            self._resting.pop(session_id, None)

    def went(self, session_id: str) -> None:
        """A page is open no longer."""
        with self.lock:
            self._open[session_id] -= 1
            if self._open[session_id] <= 0:
                del self._open[session_id]
                if session_id in self.session_data:
                    self._rest(session_id)

    def delete_all_expired_state(self) -> None:
        """Gradio asks once a second."""
        until = self._clock() - REST
        with self.lock:
            while self._resting and next(iter(self._resting.values())) < until:
                self._drop(next(iter(self._resting)))

    def _rest(self, session_id: str) -> None:
        self._resting[session_id] = self._clock()
        self._resting.move_to_end(session_id)
        if len(self._resting) > RESTING:
            self._drop(next(iter(self._resting)))

    def _drop(self, session_id: str) -> None:
        self._resting.pop(session_id, None)
        if self.session_data.pop(session_id, None) is not None:
            self.dropped += 1


@dataclass(slots=True)
class Presence:
    """ASGI middleware that tells the sessions which pages are open: each has a request that lasts as long."""

    app: ASGIApp
    sessions: Sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rest = below_api(scope["path"]) if scope["type"] == "http" else None
        if rest is None or not rest.startswith(HEARTBEAT):
            await self.app(scope, receive, send)
            return
        session_id = rest.removeprefix(HEARTBEAT).strip("/")
        self.sessions.came(session_id)
        try:
            await self.app(scope, receive, send)
        finally:
            self.sessions.went(session_id)
