"""axe-core over the page, wide and narrow, in the light and in the dark: at first look, during a run, at the result, in the other tabs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
SLOW = 300_000
SERIOUS = ("serious", "critical")
GRADIOS: dict[str, tuple[str, ...]] = {}
"""Findings on parts that Gradio (6.31) makes and that cannot be mended from outside, by rule: parts of the element's HTML, each with its reason."""


def findings(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """What axe finds of a serious or critical kind, one line an element; only by some rules where they are named."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}  # what passes need not be described: half of the time
    if rules:
        options["runOnly"] = list(rules)
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {node['html'][:160]} ({node['failureSummary'][:200]})"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
        if not any(part in node["html"] for part in GRADIOS.get(one["id"], ()))
    ]


def looked(page: Page, where: str) -> list[str]:
    """The findings in both widths and both lights. In the dark only colours differ, and all rules take three times as long as theirs."""
    out = []
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        for dark in (False, True):
            page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", dark)
            page.wait_for_timeout(100)  # drawn once
            found = findings(page, ["color-contrast"] if dark else ())
            out += [f"{where}, {width}, {'dark' if dark else 'light'}: {one}" for one in found]
    page.set_viewport_size({"width": 1280, "height": 800})
    page.evaluate("() => document.body.classList.remove('dark')")
    return out


def test_no_serious_finding(visit: Callable[..., Any]) -> None:
    page: Page = visit(reduced_motion="reduce").page
    page.add_style_tag(content="* { transition: none !important; }")  # else colours fade, and a mixture is measured
    expect(page.locator("#live [data-part=ending]")).to_be_visible()
    expect(page.locator("#unlearn")).to_be_enabled(timeout=SLOW)
    found = looked(page, "first look")
    page.locator("#advanced > summary").click()
    for name, value in (("steps", 3000), ("fisher_batches", 1)):
        box = page.locator(f"#set-{name} input[type=number]")
        box.fill(str(value))
        box.press("Tab")
    found += looked(page, "settings")
    page.locator("#unlearn").click()
    page.wait_for_selector("#live [data-state=running]", timeout=SLOW)
    expect(page.locator("#live [data-part=line]")).to_contain_text("step", timeout=SLOW)
    found += looked(page, "during a run")
    # On a phone Stop is on screen wherever the page has been scrolled to.
    page.set_viewport_size({"width": 390, "height": 800})
    page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    expect(page.locator("#stop")).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.locator("#stop").click()
    expect(page.locator("#keep")).to_be_visible(timeout=SLOW)
    found += looked(page, "stopped")
    page.locator("#keep").click()
    page.wait_for_selector("#compare-brief", timeout=SLOW)
    found += looked(page, "result")
    page.get_by_role("tab", name="Runs").click()
    expect(page.locator("#runs-open")).to_be_visible(timeout=SLOW)
    page.locator("#runs-delete").click()
    expect(page.locator("#runs-delete-yes")).to_be_visible()
    found += looked(page, "runs")
    page.get_by_role("tab", name="Compare methods").click()
    expect(page.locator(".compare table.ranking").first).to_be_visible(timeout=SLOW)
    expect(page.locator("[data-part=race-start]")).to_be_enabled(timeout=SLOW)
    found += looked(page, "methods")
    assert not found, "\n".join(found)
