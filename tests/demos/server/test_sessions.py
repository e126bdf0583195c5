"""Sessions end with their pages: hand-moved clock, real Blocks."""

from __future__ import annotations

import asyncio

import gradio as gr
import pytest
from gradio.state_holder import SessionState
from starlette.types import Message, Receive, Scope, Send

from demos.server import sessions as module
from demos.server.sessions import RESTING, Presence, Session, Sessions
from tests import loops


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def blocks() -> gr.Blocks:
    with gr.Blocks() as demo:
        gr.State([1])
        gr.Textbox("a")
    return demo


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(blocks: gr.Blocks, clock: Clock) -> Sessions:
    made = Sessions(clock)
    made.set_blocks(blocks)
    made.capacity = 5
    return made


def test_a_session_has_all_that_gradios_own_has_but_the_settings_as_text(blocks: gr.Blocks) -> None:
    ours, theirs = Session(blocks), SessionState(blocks)
    assert vars(ours).keys() == vars(theirs).keys()
    state, box = (block._id for block in blocks.blocks.values() if isinstance(block, gr.State | gr.Textbox))
    for session in (ours, theirs):
        assert session[state] == [1]
        session[state] = [2]
        session[box] = gr.Textbox("b", render=False)
        session._update_config(box)
        session._update_value_in_config(box, "c")
        assert session[state] == [2]
        assert session[box].value == "b"
    assert blocks.blocks[box].value == "a"  # another visitor's
    assert theirs.config_values
    assert not list(ours.components)


def test_what_nobody_has_open_goes_after_half_an_hour(sessions: Sessions, clock: Clock) -> None:
    for name in ("open", "closed", "never"):
        if name != "never":
            sessions.came(name)
        sessions[name]
    clock.now = 60.0
    sessions.went("closed")
    clock.now = 1801.0
    sessions.delete_all_expired_state()
    assert list(sessions.session_data) == ["open", "closed"]
    clock.now = 1861.0
    sessions.delete_all_expired_state()
    assert list(sessions.session_data) == ["open"]


def test_only_the_last_ones_that_left_are_kept(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESTING", 2)
    sessions.came("open")
    sessions["open"]
    for name in "abc":
        sessions.came(name)
        sessions[name]
        sessions.went(name)
    assert list(sessions.session_data) == ["open", "b", "c"]
    sessions["b"]  # comes back after its line broke
    sessions["d"]
    assert list(sessions.session_data) == ["open", "b", "d"]
    assert sessions.dropped == 2
    assert RESTING == 100


def test_two_lines_of_one_page_count_as_one(sessions: Sessions, clock: Clock) -> None:
    sessions.came("a")
    sessions.came("a")
    sessions["a"]
    sessions.went("a")
    clock.now = 1e6
    sessions.delete_all_expired_state()
    assert "a" in sessions
    sessions.went("a")
    clock.now = 2e6
    sessions.delete_all_expired_state()
    assert "a" not in sessions


def test_the_longest_unused_goes_where_all_are_open(sessions: Sessions) -> None:
    for name in "abcdef":
        sessions.came(name)
        sessions[name]
    assert list(sessions.session_data) == list("bcdef")


def test_a_page_is_open_as_long_as_its_heartbeat(sessions: Sessions) -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(sessions._open.get("abc"))
        if scope["path"].endswith("abc"):
            raise asyncio.CancelledError

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    async def no(message: Message) -> None:
        pass

    async def ask(path: str) -> None:
        await Presence(app, sessions)({"type": "http", "path": path}, nothing, no)

    with pytest.raises(asyncio.CancelledError):
        loops.run(ask("/gradio_api/heartbeat/abc"))
    loops.run(ask("/gradio_api/queue/data"))
    assert seen == [1, None]
    assert not sessions._open
