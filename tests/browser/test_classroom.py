"""A class's view of the tab Unlearn: ?lesson=1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
HIDDEN = (
    "#other-models", "#hub", "#upload", "#settings", "#advanced", ".share", "#badges", "#tab-runs-button", "#live .plots", "#live .facts",
)  # fmt: skip
SHOWN = (
    "#model-picker",
    "#class-picker",
    "#unlearn",
    "#stop",
    "#tab-learn-button",
    "#live .ending .cmp-verdict",
    ".pg-lesson",
)


def test_a_class_sees_choice_pictures_and_result(visit: Callable[..., Any]) -> None:
    query = "&model=fashion-mnist-resnet&forget=class:Bag&lesson=1"
    page: Page = visit(390, reduced_motion="reduce", query=query).page
    expect(page.locator("#unlearn")).to_be_enabled()
    expect(page.locator("#class-picker input:checked")).to_have_attribute(
        "value", "Bag"
    )  # the link of a run, with one word more
    for part in SHOWN:
        expect(page.locator(part).first).to_be_visible()
    for part in HIDDEN:
        expect(page.locator(part).first).to_be_hidden()
    assert page.evaluate("window.Plotly") is None  # no class fetches what it does not see
    # What is folded below a result, once there is one.
    folded = "document.body.appendChild(Object.assign(document.createElement('p'), {className: 'cmp-folded', textContent: 'all numbers'}))"
    assert page.evaluate(f"getComputedStyle({folded}).display") == "none"
    page.get_by_role("link", name="Show the whole page").click()
    expect(page.locator("#settings")).to_be_visible()
    expect(page.locator(".pg-lesson")).to_be_hidden()
