"""Visitors of the page without a browser: the same requests, timed. A page of theirs is one session with its heartbeat."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from bench.waiting import Waited

T = TypeVar("T")
API = "gradio_api/"
PATIENCE = 120.0
"""Seconds after which an answer counts as none."""
ACTIVE = ("queued", "running")
ROUNDED = 0.05
"""Seconds by which a told time may differ from the real one."""


@dataclass
class Times:
    """Seconds of every answer by what was asked for, and what went wrong."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)

    async def of(self, what: str, asked: Awaitable[T]) -> T:
        """Waits for an answer, and notes how long."""
        begun = time.perf_counter()
        try:
            return await asked
        finally:
            self.seconds[what].append(time.perf_counter() - begun)

    def table(self) -> dict[str, dict[str, float]]:
        """Number, median, 95th percentile and largest by what was asked for."""
        return {what: percentiles(found) for what, found in sorted(self.seconds.items())}


def percentiles(found: list[float]) -> dict[str, float]:
    """Number, median, 95th percentile (the nearest rank above) and largest of some seconds."""
    ranked = sorted(found)

    def at(share: float) -> float:
        return round(ranked[min(len(ranked) - 1, int(share * len(ranked)))], 3)

    return {"n": len(ranked), "p50": at(0.5), "p95": at(0.95), "max": round(ranked[-1], 3)}


class Page:
    """The config of a served page: which listener hears which event, and what it is sent."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.parts = {part["id"]: part for part in config["components"]}
        self.listeners = {one["id"]: one for one in config["dependencies"]}
        self._named = {part["props"].get("elem_id"): part["id"] for part in config["components"]}

    def heard(self, name: str, event: str) -> list[dict[str, Any]]:
        """Listeners of an event of the component with this elem_id, "" for the page itself, that ask the server."""
        target = self._named[name] if name else None
        return [
            one
            for one in self.listeners.values()
            if one["backend_fn"]
            and any(kind == event and (target is None or part == target) for part, kind in one["targets"])
        ]

    def takes(self, state: str, name: str) -> list[dict[str, Any]]:
        """Listeners of a state's change that write to the component with this elem_id."""
        part = self._named[name]
        states = {number for number, found in self.parts.items() if found["type"] == state}
        return [
            one
            for one in self.listeners.values()
            if part in one["outputs"] and any(kind == "change" and found in states for found, kind in one["targets"])
        ]

    def sent(self, listener: dict[str, Any], browser: dict[str, Any]) -> list[Any]:
        """What a browser sends: what it has kept, and else the values that the page came with."""
        return [
            browser if self.is_kept(part) else self.parts[part]["props"].get("value") for part in listener["inputs"]
        ]

    def is_kept(self, part: int) -> bool:
        """Whether the browser keeps the value of this component over reloads."""
        return bool(self.parts[part]["type"] == "browserstate")

    def written(self, listener: dict[str, Any], answer: dict[str, Any], name: str) -> Any:
        """What an answer wrote to the component with this elem_id."""
        return answer["output"]["data"][listener["outputs"].index(self._named[name])]

    def recording(self, model: str) -> str:
        """The key of a model's first recorded run."""
        offered = self.parts[self._named["live"]]["props"]["props"]["recordings"]
        return next(str(one["key"]) for one in offered if str(one["key"]).startswith(f"recorded-{model}-"))

    def number(self, name: str) -> int:
        """The identifier of the component with this elem_id."""
        found: int = self._named[name]
        return found


@dataclass
class Visitor:
    """One visitor.

    Attributes:
        address: from which he comes, for the server counts one proxy.
    """

    client: httpx.AsyncClient
    page: Page
    times: Times
    address: str = "198.51.100.1"
    browser: dict[str, Any] = field(default_factory=lambda: {"visitor": "", "job": "", "clock": 0})
    session: str = field(default_factory=lambda: secrets.token_hex(6))

    @property
    def headers(self) -> dict[str, str]:
        return {"x-forwarded-for": self.address, "accept-encoding": "gzip"}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """The page from its first byte until it is left."""
        await self.times.of("GET /", self._get())
        line = self.client.stream("GET", f"{API}heartbeat/{self.session}", headers=self.headers, timeout=None)
        async with line as heartbeat:
            await anext(heartbeat.aiter_bytes())
            for listener in self.page.heard("", "load"):
                await self.times.of("load", self.queued(listener))
            yield

    async def _get(self) -> None:
        (await self.client.get("", headers=self.headers)).raise_for_status()

    async def choose(self, name: str, event: str) -> None:
        """Chooses something: all listeners at once, as in a browser."""
        await self.times.of(
            f"choose {name}", asyncio.gather(*(self.at_once(one) for one in self.page.heard(name, event)))
        )

    async def at_once(self, listener: dict[str, Any]) -> None:
        """An event that bypasses the queue."""
        answer = await self.client.post(f"{API}run/predict", json=self._body(listener), headers=self.headers)
        if answer.status_code != 200:
            self.times.wrong.append(f"{listener['api_name']}: {answer.status_code} {answer.text[:200]}")

    async def queued(self, listener: dict[str, Any], **event: Any) -> dict[str, Any]:
        """An event that goes through the queue; its last message.

        Args:
            event: what the browser says of it.

        Raises:
            RuntimeError: with the sentence that the page would show.
        """
        joined = await self.client.post(
            f"{API}queue/join", json={**self._body(listener), "event_data": event or None}, headers=self.headers
        )
        joined.raise_for_status()
        address = f"{API}queue/data?session_hash={self.session}"
        async with self.client.stream("GET", address, headers=self.headers) as lines:
            async for line in lines.aiter_lines():
                message: dict[str, Any] = json.loads(line[5:]) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed":
                    if not message["success"]:
                        raise RuntimeError(str(message["output"].get("error")))
                    for part, value in zip(listener["outputs"], message["output"]["data"], strict=True):
                        if self.page.is_kept(part) and isinstance(value, dict) and "visitor" in value:
                            self.browser = value
                    return message
        raise RuntimeError("the line ended before the answer")

    def _body(self, listener: dict[str, Any]) -> dict[str, Any]:
        trigger = listener["targets"][0][0]
        data = self.page.sent(listener, self.browser)
        return {"data": data, "fn_index": listener["id"], "session_hash": self.session, "trigger_id": trigger}

    async def run(self, model: str, until: float, look: float = 0.5) -> dict[str, Any]:
        """Presses *Run it* below the recording of a model, and follows the run as live.js does.

        Args:
            until: on the performance counter: a run that still waits then is stopped. look: seconds between two polls.

        Returns:
            The last live value ("state", "error"), with "waited" and "took" in seconds, and as "queue" what it was told while it waited.

        Raises:
            RuntimeError: with the sentence of its refusal.
        """
        (begin,) = self.page.heard("live", "submit")
        (attach,) = self.page.takes("state", "live")[:1]
        (ended,) = self.page.heard("live", "select")
        begun = started = time.perf_counter()
        await self.times.of("press Run it", self.queued(begin, key=self.page.recording(model)))
        value = self.page.written(attach, await self.times.of("attach", self.queued(attach)), "live")
        drawn = Drawn(value["follow"])
        lines: list[tuple[float, float, str]] = []
        seen: tuple[float, float] | None = None
        while drawn.follow:
            asked = time.perf_counter()
            told = await self.times.of("poll", self._poll(drawn))
            if told["state"] == "queued":
                started = time.perf_counter()
                lines.append((asked, started, told["line"]))
                if started > until:
                    (stop, *_) = self.page.heard("stop", "click")
                    await self.at_once(stop)
            elif seen is None and told["elapsed"] is not None:
                # By the server's clock, rounded: a run that began at once is first looked at when the slow answer to *attach* has come. One
                # that ended before anybody looked began at any time since it was last seen waiting.
                latest = time.perf_counter() - told["elapsed"] + ROUNDED
                running = asked - told["elapsed"] - ROUNDED
                seen = (running if told["state"] in ACTIVE else min(latest, lines[-1][0] if lines else begun), latest)
            if told["state"] not in ACTIVE:
                break
            await asyncio.sleep(look)
        took = time.perf_counter() - started
        value = self.page.written(ended, await self.times.of("the result", self.queued(ended)), "live")
        return {**value, "waited": started - begun, "took": took, "queue": Waited(lines, seen)}

    async def _poll(self, drawn: Drawn) -> dict[str, Any]:
        body = {
            "data": drawn.have(),
            "component_id": self.page.number("live"),
            "fn_name": "poll",
            "session_hash": self.session,
        }
        answer = await self.client.post(f"{API}component_server", json=body, headers=self.headers)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        drawn.take(told)
        return told


@dataclass
class Drawn:
    """What a live view has drawn, as live.js tells it at every poll."""

    follow: str
    curves: dict[str, list[int] | None] = field(default_factory=lambda: {"loss": None, "accuracy": None})
    pictures: int | None = None
    images: bool = False

    def have(self) -> dict[str, Any]:
        """For the server."""
        return {"follow": self.follow, **self.curves, "picturesAt": self.pictures, "images": self.images}

    def take(self, told: dict[str, Any]) -> None:
        """Draws what is new."""
        view = told.get("view", {})
        for name in self.curves:
            if view.get(name, {}).get("i"):
                self.curves[name] = [view[name]["from"] + len(view[name]["i"]), view[name]["i"][-1]]
        self.pictures = view.get("picturesAt", self.pictures)
        self.images = self.images or "images" in told


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client for any number of visitors."""
    # The server closes a line after five idle seconds: one that is taken up just then would answer nothing.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=200, keepalive_expiry=2.0)
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, limits=limits) as client:
        yield client
