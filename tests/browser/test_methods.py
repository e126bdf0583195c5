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


def harms(page: Page) -> dict[str, float]:
    """Of the methods whose rows can be sorted, from the top: the first number below Harm."""
    below = page.locator(f"{TABLE} thead th").all_inner_texts()
    at = next(i for i, title in enumerate(below) if title.startswith("Harm"))
    rows = page.locator(f"{TABLE} tbody tr:not(.pinned)").all()
    cells = [row.locator("th, td").all_inner_texts() for row in rows]
    return {cell[0].split("\n")[0]: float(cell[at].split()[0]) for cell in cells}


def saved(page: Page, kind: str) -> tuple[str, str]:
    """Name and content of the table as a file."""
    with page.expect_download() as found:
        page.get_by_role("button", name=kind, exact=True).click()
    return found.value.suggested_filename, Path(found.value.path()).read_text(encoding="utf-8")


def test_recorded_tables_are_sorted_and_saved(visit: Callable[..., Any]) -> None:
    page: Page = visit(reduced_motion="reduce", query="&tab=compare&model=emoji-sd").page
    expect(page.locator(TABLE)).to_be_visible()
    expect(page.locator(".compare-badge").first).to_have_text("recorded")
    expect(page.locator(".compare [data-part=about]")).to_contain_text("python -m bench.generators --model emoji-sd")
    best, *_ = least_first = harms(page)
    assert list(least_first.values()) == sorted(least_first.values())
    assert len(least_first) >= 4
    harm = page.locator("th", has=page.get_by_role("button", name=re.compile("^Harm")))
    expect(harm).to_have_attribute("aria-sort", "ascending")
    harm.get_by_role("button").press("Enter")
    expect(harm).to_have_attribute("aria-sort", "descending")
    expect(harm.get_by_role("button")).to_be_focused()
    assert list(harms(page).values()) == sorted(least_first.values(), reverse=True)
    name, text = saved(page, "CSV")
    assert name == "methods-emoji-sd-concept.csv"
    assert text.startswith("row,runs,quantity,unit,mean")
    (mean,) = re.findall(rf"\n{best},[^,]+,Harm,points,([\d.]+),", text)
    assert round(float(mean), 1) == least_first[best]
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


def tick(page: Page, *methods: str) -> None:
    """Exactly these methods."""
    for box in page.locator("[data-part=race-methods] input").all():
        box.set_checked(box.get_attribute("value") in methods)


@pytest.mark.timeout(900)
def test_a_race_of_two_methods_is_followed_stopped_and_looked_at(visit: Callable[..., Any]) -> None:
    it = visit(reduced_motion="reduce", query="&tab=compare&model=fashion-mnist-resnet", patience=400_000)
    page: Page = it.page
    expect(page.locator(TABLE).first).to_be_visible()
    start, stop = page.locator("[data-part=race-start]"), page.locator("[data-part=race-stop]")
    tick(page, "gradient-ascent")
    expect(page.locator("[data-part=race-expected]")).to_contain_text("2 to 6 methods")
    expect(start).to_be_disabled()
    tick(page, "gradient-ascent", "random-label")
    expect(page.locator("[data-part=race-expected]")).to_contain_text("2 runs")
    page.locator("[data-part=race-forget]").select_option("class:Sneaker")
    start.click()
    line = page.locator("p[data-part=race-line]")
    expect(line).to_contain_text("Run 1 of 2")
    expect(start).to_be_disabled()
    # A reload in the middle: the race goes on and is shown again.
    page.reload()
    expect(line).to_contain_text("of 2")
    expect(page.locator("[data-part=race-table] tbody tr:not(.pinned)")).to_have_count(1)
    expect(line).to_contain_text("Run 2 of 2")
    stop.click()
    expect(line).to_contain_text("Stopped: 1 of 2 runs")
    expect(stop).to_be_disabled()
    expect(page.locator("[data-part=race-table]")).to_contain_text("1 stopped")
    with page.expect_download() as found:
        page.locator("[data-part=race-save] button", has_text="CSV").click()
    assert "Gradient ascent" in Path(found.value.path()).read_text(encoding="utf-8")
    with page.expect_download() as found:
        page.get_by_role("button", name="Save this figure as PNG").locator("visible=true").last.click()
    assert Path(found.value.path()).read_bytes().startswith(b"\x89PNG")
    found_by_axe = looked(page, "race")
    page.locator("button.open").first.click()
    expect(page.locator("#live [data-part=title]")).to_contain_text("forgets Sneaker")
    expect(page.locator("#compare-brief")).to_be_visible()
    assert not found_by_axe, "\n".join(found_by_axe)
