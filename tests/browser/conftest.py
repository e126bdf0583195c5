"""A real server (`python app.py` in a process of its own) and a real Chromium that must never look beyond it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "artifacts"
QUIET = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--no-first-run",
    "--disable-features=OptimizationHints,MediaRouter,Translate",
]


@dataclass(frozen=True)
class Server:
    """Where the page is, and the process."""

    url: str
    process: subprocess.Popen[bytes]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def serving(command: list[str], folder: Path, *, within: float, port: int = 0) -> Iterator[Server]:
    """Runs `python COMMAND` until the end of the block, which begins when the page answers.

    Args:
        folder: for its log and gradio's files.
        within: seconds in which it must answer.
        port: of the page; 0 takes a free one.
    """
    port = port or free_port()
    log = folder / "log.txt"
    settings = {
        **os.environ,
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
        "UNLEARNING_CACHE": str(folder / "cache"),  # as visitors have it, but of this server alone
        "PYTHONUNBUFFERED": "1",
    }
    started = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=settings, stdout=out, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}/"
    try:
        while True:
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    assert answer.status == 200
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() - started < within, log.read_text()
                time.sleep(0.1)
        yield Server(url, process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(["app.py"], tmp_path_factory.mktemp("server"), within=90) as running:
        yield running


@pytest.fixture(scope="session")
def tiny_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of `tiny_page`: where no CLIP is and none can be fetched, whatever machine this is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hub")))
        patch.delenv("PLAYGROUND_CLIP", raising=False)
        command = ["-m", "tests.browser.tiny_page", str(tmp_path_factory.mktemp("models"))]
        with serving(command, tmp_path_factory.mktemp("tiny-page"), within=240) as running:
            yield running.url


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    installed = next((p for p in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(p).exists()), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed, args=QUIET)
        yield browser
        browser.close()


@dataclass
class Visit:
    """One visitor: a page in a browser context of its own, with what it asked for and complained about."""

    page: Page
    context: BrowserContext
    requests: list[str]
    errors: list[str]


@contextmanager
def visiting(
    url: str,
    chromium: Browser,
    width: int = 1280,
    height: int = 800,
    *,
    dark: bool = False,
    query: str = "",
    patience: float = 30_000,
    **options: Any,
) -> Iterator[Visit]:
    """A new visitor of the page; at the end nobody may have asked another machine or met a script error.

    Args:
        patience: milliseconds that anything asked of the page may take.
        options: of the browser context.
    """
    context = chromium.new_context(viewport={"width": width, "height": height}, **options)
    page = context.new_page()
    page.set_default_timeout(patience)
    expect.set_options(timeout=patience)
    it = Visit(page, context, [], [])
    context.on("request", lambda request: it.requests.append(request.url))
    page.on("pageerror", lambda error: it.errors.append(str(error)))
    try:
        page.goto(f"{url}?{'__theme=dark' if dark else '__theme=light'}{query}")
        # Not its being visible: a link may open another tab.
        page.wait_for_selector("#live [data-part=title]:not(:empty)", state="attached")
        yield it
    finally:
        context.close()
    assert [u for u in it.requests if urlparse(u).hostname not in {"127.0.0.1", None}] == []
    assert it.errors == []


@pytest.fixture
def visit(server: Server, chromium: Browser) -> Iterator[Callable[..., Visit]]:
    """Opens the page as a new visitor (see `visiting`), as often as it is called."""
    with ExitStack() as visits:

        def open_page(*size: int, **options: Any) -> Visit:
            return visits.enter_context(visiting(server.url, chromium, *size, **options))

        yield open_page


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Folder for screenshots (git-ignored)."""
    ARTIFACTS.mkdir(exist_ok=True)
    return ARTIFACTS


def stopped_within(page: Page, start: str, stop: str, instead: str = "") -> bool:
    """Clicks one button and, as soon as Stop can be clicked, that or what is clicked instead; False where it could not within a minute.

    All within the page: what is short is over before a busy machine has answered the test.
    """
    return bool(
        page.evaluate(
            """([start, stop, then]) => new Promise((done) => {
                document.querySelector(start).click();
                const began = Date.now();
                const looking = setInterval(() => {
                    const button = document.querySelector(stop);
                    const ready = button !== null && !button.disabled;
                    if (!ready && Date.now() - began < 60000) return;
                    clearInterval(looking);
                    done(ready);
                    if (ready) document.querySelector(then).click();
                }, 20);
            })""",
            [start, stop, instead or stop],
        )
    )


def open_part(page: Page, name: str, prefix: str = "compare") -> None:
    """Unfolds a part of a result, where it is folded; what it holds is drawn a moment later."""
    title = page.locator(f"#{prefix}-{name} > button.label-wrap")
    if "open" not in (title.get_attribute("class") or "").split():
        title.click()
