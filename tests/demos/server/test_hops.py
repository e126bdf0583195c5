"""Plain values are read and written on the event loop; handlers and files are not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import MethodType
from typing import Any

import anyio
import gradio as gr
import pytest
from gradio import blocks

from demos.server import hops
from demos.server.sessions import Session
from tests import loops


def test_values_stay_and_handlers_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "anyio", blocks.anyio)
    hops.spare()
    seen: dict[str, int] = {}

    def told(what: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """The same method of the same component, which says on which thread it works."""

        def tells(self: Any, value: Any) -> Any:
            seen[what] = threading.get_ident()
            return method(value)

        return MethodType(tells, method.__self__)  # type: ignore[attr-defined]

    with gr.Blocks() as demo:
        box, file = gr.Textbox(), gr.File()

        def handler(text: str, path: str | None) -> str:
            seen["handler"] = threading.get_ident()
            return text.upper()

        box.change(handler, [box, file], box)
    monkeypatch.setattr(box, "preprocess", told("read", box.preprocess))
    monkeypatch.setattr(box, "postprocess", told("written", box.postprocess))
    monkeypatch.setattr(file, "preprocess", told("file", file.preprocess))
    (event,) = demo.fns.values()

    async def ask() -> Any:
        seen["loop"] = threading.get_ident()
        return await demo.process_api(event, ["a", None], state=Session(demo))

    assert loops.run(ask())["data"] == ["A"]
    here = seen.pop("loop")
    assert {what: thread == here for what, thread in seen.items()} == {
        "read": True,
        "file": False,
        "handler": False,
        "written": True,
    }


def test_nothing_but_gradios_events_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "anyio", blocks.anyio)
    before = anyio.to_thread.run_sync
    hops.spare()
    assert anyio.to_thread.run_sync is before
    assert blocks.anyio.to_thread.current_default_thread_limiter is anyio.to_thread.current_default_thread_limiter
    assert blocks.anyio.CapacityLimiter is anyio.CapacityLimiter
