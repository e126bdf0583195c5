"""The early script: into the page's head, first, and nowhere else."""

from __future__ import annotations

import re

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from demos import static_files
from demos.frames import EarlyScript

PAGE = "<!doctype html><html><head><title>ä</title><script>x()</script></head><body></body></html>"


@pytest.fixture
def client() -> TestClient:
    def streamed(_: object) -> StreamingResponse:
        return StreamingResponse(iter(["<head>", "</head>"]), media_type="text/html")

    routes = [
        Route("/", lambda _: HTMLResponse(PAGE)),
        Route("/bare", lambda _: HTMLResponse("<p>no head</p>")),
        Route("/data", lambda _: JSONResponse({"a": "<head>"})),
        Route("/page.html", lambda _: HTMLResponse(PAGE)),
        Route("/streamed", streamed),
        Route("/", lambda _: HTMLResponse(PAGE), methods=["POST"]),
    ]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(EarlyScript, head="<script>early()</script>")]))


def test_it_comes_before_every_other_script_and_the_length_is_right(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.text == PAGE.replace("<head>", "<head><script>early()</script>")
    assert int(answer.headers["content-length"]) == len(answer.content)


@pytest.mark.parametrize("path", ["/bare", "/data", "/page.html", "/streamed"])
def test_other_answers_pass_untouched(client: TestClient, path: str) -> None:
    assert "early()" not in client.get(path).text
    assert client.get(path).status_code == 200


def test_only_pages_that_are_asked_for(client: TestClient) -> None:
    assert "early()" not in client.post("/").text


def test_the_shipped_script_knows_gradios_counter() -> None:
    """The regular expression meets the counter of the installed Gradio; when it no longer does, look at demos/frames.py."""
    assets = next(p for p in gr.__path__) + "/templates/frontend/assets"
    from pathlib import Path

    source = next(Path(assets).glob("statustracker-*.js")).read_text(encoding="utf-8")
    pattern = re.search(r"counts = \(call\) => /(.+)/\.test", static_files.read("frames.js"))
    assert pattern is not None
    counter = re.search(r"requestAnimationFrame|\(\(\)=>\{[^{}]*performance\.now\(\)[^{}]*\}\)", source[6000:])
    assert counter is not None
    assert re.search(pattern.group(1).replace(r"\/", "/"), counter.group(0))
