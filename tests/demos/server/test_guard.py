"""Settings by environment, headers of every answer, names of a public server, and addresses that are switched off."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from demos.server.guard import Guard, closed, host_name
from demos.server.settings import Settings
from sfr_core.errors import InputError

PUBLIC = Settings(public=True, hosts=("play.example.org",))


def client(settings: Settings, address: str = "203.0.113.7") -> TestClient:
    def text(request: Request) -> Response:
        return PlainTextResponse("here")

    app = Starlette(
        routes=[Route("/{path:path}", text, methods=["GET", "POST"])], middleware=[Middleware(Guard, settings=settings)]
    )
    return TestClient(app, client=(address, 50000))


@pytest.mark.parametrize("path", ["/", "/gradio_api/deep_link"])
def test_every_answer_says_who_may_frame_it_and_that_types_are_not_guessed(path: str) -> None:
    headers = client(Settings()).get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["frame-ancestors"].split() == ["'self'", "https://huggingface.co", "https://*.hf.space"]
    assert policy["object-src"] == "'none'"
    assert policy["base-uri"] == "'self'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("settings", "address", "host", "status"),
    [
        (PUBLIC, "203.0.113.7", "play.example.org", 200),
        (PUBLIC, "203.0.113.7", "PLAY.example.org:443", 200),
        (PUBLIC, "203.0.113.7", "evil.example.org", 421),
        (PUBLIC, "203.0.113.7", "127.0.0.1", 421),  # only this machine names itself so
        (PUBLIC, "127.0.0.1", "127.0.0.1:7860", 200),
        (PUBLIC, "127.0.0.1", "evil.example.org", 421),
        (Settings(public=True), "203.0.113.7", "play.example.org", 421),
        (Settings(), "203.0.113.7", "evil.example.org", 200),
    ],
)
def test_a_public_server_answers_under_its_names_only(settings: Settings, address: str, host: str, status: int) -> None:
    answer = client(settings, address).get("/", headers={"host": host})
    assert answer.status_code == status
    assert status == 200 or "PLAYGROUND_HOSTS" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("host", "name"), [("A.example:80", "a.example"), ("[::1]:7860", "::1"), ("", ""), ("b:x", "b:x")]
)
def test_a_hosts_name_is_read_without_its_port(host: str, name: str) -> None:
    assert host_name(host) == name


def test_what_the_page_does_not_need_is_switched_off() -> None:
    off = [
        "deep_link",
        "process_recording",
        "proxy=https://a.hf.space/",
        "vibe-edit/",
        "run-history/connect",
        "dev/reload",
    ]
    assert all(closed(f"/gradio_api/{path}") for path in off)
    assert all(closed(f"/under/a/proxy/gradio_api/{path}") for path in off)
    assert closed("/monitoring/summary")
    needed = [
        "queue/join",
        "upload",
        "heartbeat/a",
        "component_server",
        "file=a",
        "info",
        "startup-events",
        "call/result",
    ]
    assert not any(closed(f"/gradio_api/{path}") for path in needed)
    assert not closed("/")
    assert client(Settings()).get("/gradio_api/%64eep_link?session_hash=a").status_code == 404


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PLAYGROUND_PUBLIC", "PLAYGROUND_HOSTS", "PLAYGROUND_PROXIES", "SPACE_ID", "SPACE_HOST"):
        monkeypatch.delenv(name, raising=False)
    assert Settings.of_environment() == Settings()
    monkeypatch.setenv("PLAYGROUND_PUBLIC", "1")
    monkeypatch.setenv("PLAYGROUND_HOSTS", "A.example, b.example,")
    monkeypatch.setenv("PLAYGROUND_PROXIES", "2")
    assert Settings.of_environment() == Settings(True, ("a.example", "b.example"), 2)


def test_a_space_knows_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PLAYGROUND_PUBLIC", "PLAYGROUND_HOSTS", "PLAYGROUND_PROXIES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SPACE_ID", "someone/playground")
    monkeypatch.setenv("SPACE_HOST", "someone-playground.hf.space")
    assert Settings.of_environment() == Settings(True, ("someone-playground.hf.space",), 1)


@pytest.mark.parametrize("said", ["-1", "many", "10", "²"])
def test_a_wrong_number_of_proxies_is_refused_with_what_to_give(said: Any) -> None:
    with pytest.raises(InputError, match="PLAYGROUND_PROXIES must be a number from 0 to 9"):
        Settings.of_environment({"PLAYGROUND_PROXIES": said})
