"""Tab Learn: opened by a link, used by keyboard and mouse, read by axe; the server is asked for nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect
from test_accessibility import findings

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
TITLE = ".learn [data-part=title]"


def listen(page: Page) -> list[str]:
    """What the page asks for from now on, but for the tab Unlearn, whose timer asks while this machine still times the models, and for the
    cards that an answer to it may name: those of the tiles with their new times."""
    timers = page.evaluate("() => window.gradio_config.components.filter((c) => c.type === 'timer').map((c) => c.id)")
    asked: list[str] = []
    answers = 0

    def noticed(request: Request) -> None:
        nonlocal answers
        if request.method == "POST" and request.post_data_json.get("trigger_id") in timers:
            answers += 1
        elif answers and "/page-data/" in request.url:
            answers -= 1
        else:
            asked.append(request.url)

    page.on("request", noticed)
    return asked


def rest(page: Page, asked: list[str]) -> None:
    """Waits until the page asks for nothing more, and forgets what it has asked for."""
    page.wait_for_selector("#unlearn:enabled", state="attached")
    known = -1
    while known != len(asked):
        known = len(asked)
        page.wait_for_timeout(1000)
    asked.clear()


def middle(page: Page) -> tuple[float, float]:
    """Of the ringed dot."""
    box = page.locator(".learn .handle .now").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, right: int, down: int) -> None:
    """By the mouse."""
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right, y + down, steps=3)
    page.mouse.up()


def touch(page: Page, right: int, down: int) -> None:
    """By a finger."""
    x, y = middle(page)
    hand = page.context.new_cdp_session(page)
    hand.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    for kind, share in (("touchStart", 0.0), ("touchMove", 0.5), ("touchMove", 1.0)):
        points = [{"x": x + share * right, "y": y + share * down}]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    hand.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    hand.send("Emulation.setTouchEmulationEnabled", {"enabled": False})


def number(page: Page, name: str) -> float:
    return float(page.get_by_label(name, exact=True).input_value())


def test_the_lesson_is_used_without_the_server(visit: Callable[..., Any]) -> None:
    page: Page = visit(reduced_motion="reduce", query="&tab=learn&step=2").page
    expect(page.locator(TITLE)).to_have_text("2. Ascent")
    asked = listen(page)
    rest(page, asked)
    slider = page.get_by_role("slider", name="Step")
    expect(slider).to_have_attribute("aria-valuetext", "34")  # its point is drawn before anything is touched
    slider.press("ArrowLeft")
    expect(page.get_by_label("Step", exact=True).nth(0)).to_have_value("33")
    assert re.search(r"tab=learn&step=2&t=33$", page.url)
    # All seven by the keyboard: the focus follows to the title of the next step.
    page.get_by_role("button", name="Back").press("Enter")
    for step in range(1, 8):
        expect(page.locator(TITLE)).to_have_text(re.compile(rf"^{step}\. "))
        expect(page.locator(TITLE)).to_be_focused()
        choice = page.locator(".learn [data-part=choices] button").first
        choice.press("Space")
        expect(page.locator(".learn [data-part=answer]")).not_to_be_empty()
        assert "{" not in page.locator(".learn").inner_text()
        if step < 7:
            page.get_by_role("button", name="Next step").press("Enter")
    page.get_by_role("slider", name="K, repairing").press("Home")
    expect(page.locator(".learn-numbers")).to_contain_text("0.915")  # K = 0 is ascent
    page.locator(".learn ol button").first.click()
    w1, w2 = number(page, "w1"), number(page, "w2")
    drag(page, 60, 40)
    assert number(page, "w1") > w1 + 0.3
    assert number(page, "w2") < w2 - 0.2
    w1 = number(page, "w1")
    touch(page, -40, 0)
    assert number(page, "w1") < w1 - 0.2
    page.get_by_role("slider", name="The model's weights").press("ArrowUp")
    page.get_by_role("button", name="retrained", exact=True).click()
    expect(page.locator(".learn-numbers")).to_contain_text("0 / 16")
    page.locator(".learn details").first.locator("summary").click()
    expect(page.locator(".learn tbody tr")).to_have_count(3)
    assert asked == []
    found = findings(page)
    page.set_viewport_size({"width": 390, "height": 800})
    page.evaluate("() => document.body.classList.add('dark')")
    page.locator(".learn ol button").nth(4).click()
    page.wait_for_timeout(400)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    found += findings(page)
    assert not found, "\n".join(found)
    # What the address says of the lesson goes with it.
    page.get_by_role("tab", name="Unlearn").click()
    assert "tab=" not in page.url
