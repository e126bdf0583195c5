"""The static edition, opened from disk where there is no network."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from test_accessibility import findings

from demos import edition

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_it_teaches_and_plays_from_disk_without_a_network(chromium: Browser, tmp_path: Path) -> None:
    edition.write(tmp_path)
    context = chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme="dark", reduced_motion="reduce")
    context.set_offline(True)
    page = context.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type in ("error", "warning") else None)
    page.goto(f"{(tmp_path / 'index.html').as_uri()}?tab=learn&step=2")
    expect(page.locator(".learn [data-part=title]")).to_have_text("2. Ascent")
    page.get_by_role("slider", name="Step").press("ArrowLeft")
    expect(page.get_by_label("Step", exact=True).nth(0)).to_have_value("33")
    assert page.url.endswith("&t=33")
    page.get_by_role("button", name="7 Fast and slow").click()
    page.get_by_role("button", name="Watch the recorded runs").click()
    live = page.locator("#live")
    expect(live.locator(".ending")).to_contain_text("forgot flags")
    live.locator("select").select_option("recorded-fashion-mnist-resnet-class:Sneaker")
    expect(live.locator("[data-part=title]")).to_have_text("SFR-on forgets Sneaker")
    expect(live.locator(".ending")).to_contain_text("retrained")
    live.locator(".main-svg").first.wait_for()
    expect(page.get_by_role("button", name="Run it live")).to_have_count(0)
    assert findings(page) == []
    page.get_by_role("tab", name="Recordings").press("ArrowRight")
    expect(page.get_by_role("heading", name="Results")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert "dark" in (page.locator("body").get_attribute("class") or "")
    assert [address for address in asked if not address.startswith(("file:", "data:"))] == []
    assert wrong == []
    (tmp_path / "recordings.js").unlink()  # somebody took the page alone with him
    page.goto(f"{(tmp_path / 'index.html').as_uri()}?tab=unlearn")
    expect(page.locator("#live")).to_contain_text("recordings.js must lie in the same folder")
    context.close()
