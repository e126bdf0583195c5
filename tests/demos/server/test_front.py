"""The page is made once for each address under which it is asked for."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from demos.server.front import KEPT, Front
from tests import loops

MADE: list[str] = []


@pytest.fixture
def app() -> Starlette:
    MADE.clear()

    async def page(request: Request) -> Response:
        MADE.append(request.headers["host"])
        await asyncio.sleep(0.01)
        status = 500 if "broken" in request.headers["host"] else 200
        return PlainTextResponse(f"{request.headers['host']} {len(MADE)}", status, headers={"x-a": "b"})

    routes = [Route("/{path:path}", page, methods=["GET", "POST"])]
    return Starlette(routes=routes, middleware=[Middleware(Front)])


async def ask(app: Starlette, n: int = 1, path: str = "/", host: str = "a", **headers: str) -> list[httpx.Response]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://a") as client:
        given = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return list(await asyncio.gather(*(client.get(path, headers=given) for _ in range(n))))


def test_fifty_at_once_get_one_page(app: Starlette) -> None:
    answers = loops.run(ask(app, 50))
    assert {(answer.status_code, answer.text, answer.headers["x-a"]) for answer in answers} == {(200, "a 1", "b")}
    assert MADE == ["a"]


async def different(app: Starlette) -> None:
    for _ in range(2):
        await ask(app)
        await ask(app, host="b")
        await ask(app, x_forwarded_proto="https")
        await ask(app, x_forwarded_host="c")
        await ask(app, accept_encoding="identity")


def test_what_the_page_depends_on_makes_another(app: Starlette) -> None:
    loops.run(different(app))
    assert len(MADE) == 5


async def never(app: Starlette) -> None:
    for path in ("/?deep_link=x", "/config"):
        await ask(app, 2, path)
    await ask(app, 2, host="broken")


def test_nothing_else_is_kept(app: Starlette) -> None:
    loops.run(never(app))
    assert len(MADE) == 6


async def many(app: Starlette) -> None:
    for n in range(KEPT + 1):
        await ask(app, host=f"h{n}")
    await ask(app, host=f"h{KEPT}")
    await ask(app, host="h0")


def test_only_a_few_are_kept(app: Starlette) -> None:
    loops.run(many(app))
    assert len(MADE) == KEPT + 2
