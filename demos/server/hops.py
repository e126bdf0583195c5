"""Values of plain components go to and from the page on the event loop itself.

Gradio (6.31) sends each of them through a thread: a choice in the form goes 17 times from the event loop to a thread and back, takes 7 ms of a core
in all, and behind a run, whose threads have the cores, each of the 34 waits for its own turn.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import anyio
import gradio as gr
from gradio import blocks

PLAIN = (
    gr.BrowserState,
    gr.Button,
    gr.Checkbox,
    gr.Dropdown,
    gr.HTML,
    gr.Markdown,
    gr.Number,
    gr.Radio,
    gr.Slider,
    gr.State,
    gr.Textbox,
    gr.Timer,
)
"""Components that read no file and draw nothing."""


async def run_sync(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """As `anyio.to_thread.run_sync`, but here where a plain component reads or writes its value."""
    if isinstance(getattr(function, "__self__", None), PLAIN):
        return function(*args)
    return await anyio.to_thread.run_sync(function, *args, **options)


def spare() -> None:
    """Lets Gradio's events do so, in this whole process."""
    names = {**vars(anyio), "to_thread": SimpleNamespace(**{**vars(anyio.to_thread), "run_sync": run_sync})}
    blocks.anyio = SimpleNamespace(**names)  # type: ignore[assignment, attr-defined]
