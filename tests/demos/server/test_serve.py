"""A tiny page on Gradio's real server behind all of the middleware."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from fastapi.exceptions import RequestValidationError
from gradio_client import Client, handle_file

from demos.server.guard import HEADERS, unreadable
from demos.server.serve import Server
from demos.server.settings import Settings
from demos.server.uploads import AGE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def page(folder: Path) -> Iterator[tuple[str, Server]]:
    """Its address and its server; an old part of an upload lies in its folder at the start."""
    part = folder / "tmp1a2b3c4d"
    part.write_text("x")
    os.utime(part, (time.time() - AGE - 60,) * 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        server = Server(Settings(public=True))

        def size(path: Any) -> int:
            return Path(path).stat().st_size

        with gr.Blocks(analytics_enabled=False) as demo:
            gr.State("")
            gr.File().upload(size, gr.File(), gr.Number(), api_name="size")
        _, url, _ = demo.launch(
            prevent_thread_lock=True,
            quiet=True,
            ssr_mode=False,
            app_kwargs={
                "middleware": server.middleware(),
                "lifespan": server.lifespan,
                "exception_handlers": {RequestValidationError: unreadable},
            },
        )
        yield url, server
        demo.close()


def test_everything_passes_and_has_its_headers(page: tuple[str, Server], tmp_path: Path) -> None:
    url, server = page
    for path in ("", "config", "gradio_api/info", "theme.css", "nothing"):
        assert HEADERS.items() <= dict(httpx.get(url + path).headers).items()
    file = tmp_path / "a.bin"
    file.write_bytes(b"x" * 2_000_000)
    assert Client(url, verbose=False).predict(handle_file(file), api_name="/size") == 2_000_000
    assert httpx.get(url, headers={"host": "evil.example.org"}).status_code == 421
    assert len(server.sessions.session_data) == 1


def test_what_lay_there_from_before_is_swept_at_the_start(page: tuple[str, Server], folder: Path) -> None:
    until = time.monotonic() + 10
    while (folder / "tmp1a2b3c4d").exists():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_bad_requests_get_a_sentence_and_one_line_in_the_log(
    page: tuple[str, Server], caplog: pytest.LogCaptureFixture
) -> None:
    url, _ = page
    sent = "secret" * 1000
    with caplog.at_level(logging.INFO):
        wrong = httpx.post(url + "gradio_api/queue/join", json={"data": sent})
        unknown = httpx.post(url + "gradio_api/queue/join", json={"data": [sent], "fn_index": 999, "session_hash": "a"})
    assert wrong.status_code == 422
    assert "body.data" in wrong.json()["detail"]
    assert unknown.status_code == 500
    assert unknown.json()["detail"].startswith("The server failed at this request.")
    assert HEADERS.items() <= dict(unknown.headers).items()
    assert "secret" not in wrong.text + unknown.text + caplog.text
    lines = [record for record in caplog.records if record.name == "demos.server.guard"]
    assert [record.levelname for record in lines] == ["ERROR"]
    assert "KeyError" in lines[0].message
    assert "\n" not in lines[0].message
