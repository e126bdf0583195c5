"""A page to draw results on."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr
import pytest

from demos.context import PageContext
from sfr_core.hub.clip import SWITCH
from tests.demos.shown_runs import context


@pytest.fixture
def ctx(monkeypatch: pytest.MonkeyPatch) -> Iterator[PageContext]:
    """A page of the visitor's own machine, on which the test may draw."""
    for name in ("PLAYGROUND_PUBLIC", "SPACE_ID", "SPACES_ZERO_GPU", SWITCH):
        monkeypatch.delenv(name, raising=False)
    with gr.Blocks():
        yield context()
