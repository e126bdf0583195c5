"""Deleting the run that tab Unlearn shows leaves nothing behind that asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
SLOW = 150_000


def test_a_deleted_run_leaves_the_live_view_too(visit: Callable[..., Any], artifacts: Path) -> None:
    page: Page = visit(reduced_motion="reduce").page
    badge = page.locator('#live [data-part="badge"]')
    expect(page.locator("#unlearn")).to_be_enabled(timeout=SLOW)
    page.locator("#unlearn").click()
    expect(badge).to_have_text("Live run", timeout=SLOW)
    page.locator("#stop").click()
    page.wait_for_selector('#live [data-part="root"][data-state="cancelled"]', timeout=SLOW)
    page.get_by_role("tab", name="Runs").click()
    expect(page.locator("#runs-table")).to_contain_text("Sneaker", timeout=SLOW)
    page.screenshot(path=artifacts / "runs-1280-light.png", full_page=True)
    page.locator("#runs-delete").click()
    expect(page.locator("#runs-message")).to_contain_text("deleted", timeout=SLOW)
    expect(page.locator("#runs-table")).not_to_contain_text("Sneaker")
    page.get_by_role("tab", name="Unlearn").click()
    expect(badge).to_have_text("Recorded run", timeout=SLOW)
    expect(page.locator("#choice")).to_be_hidden()
    expect(page.locator("#compare-box")).to_be_hidden()
    expect(page.locator("#unlearn")).to_be_enabled()
    assert page.locator(".toast-body").all_inner_texts() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_tab_fits_a_phone(visit: Callable[..., Any], dark: bool) -> None:
    page: Page = visit(390, 844, dark=dark, reduced_motion="reduce").page
    page.get_by_role("tab", name="Runs").click()
    expect(page.locator("#runs-open")).to_be_visible(timeout=SLOW)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    for name in ("refresh", "open", "delete", "import"):
        box = page.locator(f"#runs-{name}").bounding_box()
        assert box is not None
        assert box["height"] >= 34, name
