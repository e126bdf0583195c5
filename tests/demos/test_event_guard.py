"""Whatever raises behind any event of the page, the visitor gets a sentence and the log one entry."""

from __future__ import annotations

import copy as copies
import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from demos.app_builder import build_app
from demos.context import Refusal, say
from demos.guard import GuardedBlocks
from demos.text import unlearn as copy
from sfr_core.errors import ConfigError, InputError
from sfr_core.events import Finished
from tests import loops

UNFORESEEN = f"This failed unexpectedly (ZeroDivisionError). {copy.UNFORESEEN_ADVICE}"
SECRET = "what the visitor wrote"


def broken(*given: Any) -> None:
    raise ZeroDivisionError(SECRET)


def broken_later(*given: Any) -> Iterator[str]:
    yield "begun"
    raise ZeroDivisionError(SECRET)


async def broken_on_the_loop(*given: Any) -> None:
    raise ZeroDivisionError(SECRET)


def refused(*given: Any) -> None:
    raise ConfigError(f"{SECRET} is wrong.", hint="Write another.")


def press(demo: gr.Blocks, event: Any, data: list[Any], state: SessionState) -> Any:
    return loops.run(demo.process_api(event, data, state=state))


def drawn(demo: gr.Blocks, state: SessionState) -> list[Any]:
    """The events of all parts that are drawn when they are opened, drawn."""
    before = set(demo.fns)
    for event in list(demo.fns.values()):
        if event.renderable is None:
            continue
        for part in event.inputs:
            if isinstance(part, gr.State) and part.value is False:
                state[part._id] = True
        press(demo, event, [None for _ in event.inputs], state)
    return [event for key, event in state.blocks_config.fns.items() if key not in before]


@pytest.fixture(scope="module")
def demo() -> gr.Blocks:
    """The page; its runs end at once."""
    return build_app(backend=lambda job: iter([Finished(steps=0)])).demo


def test_no_event_of_the_page_ends_in_silence(demo: gr.Blocks, caplog: pytest.LogCaptureFixture) -> None:
    state = SessionState(demo)
    later = drawn(demo, state)
    assert len(later) > 10  # the folded parts of the form and the tab Runs
    events = [*demo.fns.values(), *later]
    buttons = [event for event in events if event.fn is not None and event.renderable is None]
    clicked = {trigger for event in buttons for _, trigger in event.targets}
    assert len(buttons) > 40
    assert {"click", "input", "change", "upload", "load"} <= clicked
    for event in buttons:
        pressed = copies.copy(event)
        pressed.fn, pressed.inputs, pressed.inputs_as_dict = broken, [], False
        caplog.clear()
        with pytest.raises(gr.Error) as caught:
            press(demo, pressed, [], state)
        assert caught.value.message == UNFORESEEN, event.name
        assert not caught.value.print_exception  # Gradio would log it once more
        assert len([record for record in caplog.records if record.exc_info]) == 1


@pytest.mark.parametrize("handler", [broken_later, broken_on_the_loop])
def test_generators_and_coroutines_too(handler: Any) -> None:
    with GuardedBlocks() as demo:
        shown = gr.Textbox()
        gr.Button().click(handler, None, shown)
    (event,) = demo.fns.values()

    def to_the_end() -> None:
        state = SessionState(demo)
        answer = press(demo, event, [], state)
        loops.run(demo.process_api(event, [], state=state, iterator=answer["iterator"]))

    with pytest.raises(Refusal, match="failed unexpectedly"):
        to_the_end()


@pytest.mark.parametrize(
    ("handler", "sentence", "kind"),
    [
        (refused, f"{SECRET} is wrong. Write another.", "ConfigError"),
        (lambda *given: (_ for _ in ()).throw(say(InputError(f"No {SECRET}."))), f"No {SECRET}.", "InputError"),
    ],
)
def test_a_refusal_is_one_line_without_what_was_sent(
    handler: Any, sentence: str, kind: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with GuardedBlocks() as demo:
        gr.Button().click(handler, None, gr.Textbox())
    (event,) = demo.fns.values()
    with pytest.raises(Refusal) as caught:
        press(demo, event, [], SessionState(demo))
    assert caught.value.message == sentence
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().endswith(f": {kind}")
    assert SECRET not in caplog.text
    assert "Traceback" not in caplog.text + capfd.readouterr().err


def test_what_a_component_does_not_take(caplog: pytest.LogCaptureFixture) -> None:
    with GuardedBlocks() as demo:
        field = gr.Dropdown(["a", "b"])
        field.input(lambda value: value, field, gr.Textbox())
    (event,) = demo.fns.values()
    for sent in ("x" * 10_000, {"a": 1}, 3.5):
        with pytest.raises(Refusal) as caught:
            press(demo, event, [sent], SessionState(demo))
        assert caught.value.message == f"{copy.NOT_TAKEN} {copy.NOT_TAKEN_HINT}"
    assert "x" * 20 not in caplog.text


@pytest.mark.parametrize("sent", [None, "x" * 10_000, {}], ids=["nothing", "long", "table"])
def test_whatever_a_browser_sends_was_foreseen(demo: gr.Blocks, sent: Any, caplog: pytest.LogCaptureFixture) -> None:
    state = SessionState(demo)
    for event in [*demo.fns.values(), *drawn(demo, state)]:
        if event.fn is None or event.renderable is not None:
            continue
        said = ""
        try:
            told, request = gr.EventData(None, sent), gr.Request(session_hash="s")
            loops.run(
                demo.process_api(event, [sent] * len(event.inputs), state=state, event_data=told, request=request)
            )
        except Refusal as error:
            said = error.message
        assert "failed unexpectedly" not in said, event.name
        assert "x" * 81 not in said, event.name
    assert "x" * 81 not in caplog.text
