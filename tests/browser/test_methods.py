"""Tab Compare methods: opened by a link, sorted by keyboard and mouse, saved, read by axe."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from test_accessibility import looked

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
TABLE = ".compare table.ranking"


def names(page: Page) -> list[str]:
    """Of the rows that can be sorted, from the top."""
    rows = page.locator(f"{TABLE} tbody tr:not(.pinned) th")
    return [text.split("\n")[0] for text in rows.all_inner_texts()]


def saved(page: Page, kind: str) -> tuple[str, str]:
    """Name and content of the table as a file."""
    with page.expect_download() as found:
        page.get_by_role("button", name=kind, exact=True).click()
    return found.value.suggested_filename, Path(found.value.path()).read_text(encoding="utf-8")


def test_recorded_tables_are_sorted_and_saved(visit: Callable[..., Any]) -> None:
    page: Page = visit(reduced_motion="reduce", query="&tab=compare&model=emoji-sd").page
    expect(page.locator(TABLE)).to_be_visible()
    expect(page.locator(".compare-badge")).to_have_text("recorded")
    expect(page.locator(".compare [data-part=about]")).to_contain_text("python -m bench.generators --model emoji-sd")
    assert names(page)[:2] == ["UCE", "SFR-on redirected"]
    harm = page.locator("th", has=page.get_by_role("button", name=re.compile("^Harm")))
    expect(harm).to_have_attribute("aria-sort", "ascending")
    harm.get_by_role("button").press("Enter")
    expect(harm).to_have_attribute("aria-sort", "descending")
    expect(harm.get_by_role("button")).to_be_focused()
    assert names(page)[-1] == "UCE"
    name, text = saved(page, "CSV")
    assert name == "methods-emoji-sd-concept.csv"
    assert text.startswith("row,runs,quantity,unit,mean")
    assert "\nUCE,9,Harm,points,3." in text
    name, text = saved(page, "LaTeX")
    assert name.endswith(".tex")
    assert "\\begin{tabular}" in text
    expect(page.locator(".compare [data-part=saved]")).to_have_text(f"Saved: {name}")

    page.get_by_role("combobox", name="Model").select_option("fashion-mnist-resnet")
    expect(page.locator(".compare [data-part=said]")).to_contain_text("mean gap")
    page.get_by_role("combobox", name="Forgotten").select_option("random")
    expect(page.locator(f"{TABLE} tr.pinned")).to_have_count(2)
    expect(page.locator(f"{TABLE} tr.ours")).to_contain_text("SFR-on")
    assert page.get_by_role("combobox", name="Over").locator("option").first.inner_text() == "all 5 draws"
    page.locator(".compare summary").first.click()
    found = looked(page, "methods")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert not found, "\n".join(found)
