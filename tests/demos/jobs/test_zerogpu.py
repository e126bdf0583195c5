"""What a shared GPU says reaches the visitor, and its processes end with the server. `spaces` itself does nothing off such a Space."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from demos.jobs import zerogpu
from demos.jobs.book import JobBook
from demos.jobs.zerogpu import said_by_space, told
from sfr_core.configs import RunConfig
from sfr_core.errors import Diverged, RunError
from sfr_core.plan import plan

ROOT = Path(__file__).resolve().parents[3]
LATER = "Try again later, choose fewer steps, or run this program on your own machine."
RUN = plan(
    RunConfig(model="fashion-mnist-resnet", forget="class:Bag", method="finetune", settings={"epochs": 1}, device="cpu")
)


@pytest.mark.parametrize(
    ("title", "message", "sentence", "hint"),
    [
        (
            "ZeroGPU quota exceeded",
            "You have exceeded your free ZeroGPU quota (90s requested vs. 30s left). Try again in 3:21:10. ",
            "You have exceeded your free ZeroGPU quota (90s requested vs. 30s left).",
            "Come back in about 3 h 21 min.",
        ),
        (
            "ZeroGPU quota exceeded",
            "You have exceeded your ZeroGPU quota (90s requested vs. 0s left). Try again in 1 day, 0:00:05.5. Authenticate with a token",
            "You have exceeded your ZeroGPU quota (90s requested vs. 0s left). Authenticate with a token.",
            "Come back in about 24 h 0 min.",
        ),
        ("ZeroGPU quota exceeded", "You have exceeded your ZeroGPU runs limit. ", "You have exceeded your ZeroGPU runs limit.", LATER),
        ("ZeroGPU queue timeout", '<a href="x">No GPU was</a> available', "No GPU was available.", LATER),
        ("ZeroGPU worker error", "GPU task aborted", "GPU task aborted.", LATER),
    ],
)  # fmt: skip
def test_the_space_says_when_to_come_back(title: str, message: str, sentence: str, hint: str) -> None:
    def refused() -> Iterator[Any]:
        yield from ()
        raise gr.Error(message, title=title, print_exception=False)  # what `spaces.zero.gradio.error` makes

    with pytest.raises(RunError) as caught:
        list(told(refused()))
    assert caught.value.message == f"This Space's shared GPU did not make the run ({title}): {sentence}"
    assert caught.value.hint == hint


def test_other_errors_stay_what_they_are() -> None:
    assert said_by_space(ValueError("x")) is None

    def broken() -> Iterator[Any]:
        yield "event", None
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(told(broken()))


def test_a_sentence_of_the_run_there_reaches_the_visitor(monkeypatch: pytest.MonkeyPatch) -> None:
    def diverged(*given: Any) -> Iterator[Any]:
        yield from ()
        raise Diverged("The loss became NaN.", hint="Take a smaller step.")

    monkeypatch.setattr(zerogpu, "run_alone", diverged)
    monkeypatch.setattr(zerogpu, "opened_here", lambda job: None)
    book = JobBook(zerogpu.run_there)
    job = book.submit("a" * 32, RUN)
    end = time.monotonic() + 20
    while job.active and time.monotonic() < end:
        time.sleep(0.01)
    assert job.error == "The loss became NaN. Take a smaller step."


def test_a_fork_ends_when_its_server_is_killed() -> None:
    """The server's process waits; its fork says its number, then waits for work that never comes."""
    code = """
import os, signal
from demos.jobs import zerogpu
zerogpu.LOOK_SECONDS = 0.05
if os.fork() == 0:
    assert os.getpid() != zerogpu.SERVER
    zerogpu.end_with_server()
    print(os.getpid(), flush=True)
while True:
    signal.pause()
"""
    server = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    fork = int(server.stdout.readline())
    os.kill(fork, 0)  # it is there
    server.send_signal(signal.SIGKILL)
    rest, _ = server.communicate(timeout=30)  # until nobody holds the other end: the fork has ended
    assert rest == ""
