"""Deleting the run that tab Unlearn shows leaves nothing behind that asks for it."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from conftest import open_part
from PIL import Image
from playwright.sync_api import Page, expect

from sfr_core.configs import RunConfig
from sfr_core.events import Evaluated, Preview, Sheet
from sfr_core.results import LiveRecord
from sfr_core.runs.files import event_line

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
SLOW = 150_000


def adult_run(folder: Path) -> list[Path]:
    """Run files of a Stable Diffusion of the Hub: one row of four gray samples, looked at once."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((16, 64, 3), 128, np.uint8)).save(buffer, "PNG")
    png = base64.b64encode(buffer.getvalue()).decode("ascii")
    sheet = Sheet(png=png, side=16, columns=4, labels=(0,) * 4, accepted=(0, 0, -1, -1), steps=20, guidance=7.5)
    config = folder / "config.json"
    model = "hub:CompVis/stable-diffusion-v1-4@133a221b8aa7292a167afc5127cb63fb5005638b"
    run = RunConfig(model=model, forget="concept:nudity", method="uce", settings={}, data="data-free")
    config.write_text(json.dumps(run.to_json()))
    events = folder / "events.jsonl"
    record = LiveRecord(forget=50.0, remain=0.0, n_forget=4, n_remain=0)
    lines = [event_line(Evaluated(i=0, when="live", record=record)), event_line(Preview(i=0, sheet=sheet))]
    events.write_text("\n".join(lines))
    return [config, events]


def blur(page: Page) -> str:
    script = "getComputedStyle(document.querySelector('#runs-compare-moment-sheet canvas')).filter"
    return str(page.evaluate(script))


def test_a_deleted_run_leaves_the_live_view_too(visit: Callable[..., Any], artifacts: Path, tmp_path: Path) -> None:
    page: Page = visit(reduced_motion="reduce", timezone_id="Pacific/Chatham").page
    badge = page.locator('#live [data-part="badge"]')
    expect(page.locator("#unlearn")).to_be_enabled(timeout=SLOW)
    page.locator("#unlearn").click()
    expect(badge).to_have_text("Live run", timeout=SLOW)
    page.get_by_role("tab", name="Runs").click()
    expect(page.locator("#runs-table")).to_contain_text("Sneaker", timeout=SLOW)
    # By the visitor's clock, 12 h 45 min or an hour more ahead of the server's.
    told = page.locator("#runs-table tbody th").first.inner_text()
    assert "UTC" not in told
    now = datetime.now(ZoneInfo("Pacific/Chatham"))
    clock = now.replace(**dict(zip(("hour", "minute", "second"), map(int, told.split(":")), strict=True)))
    assert abs((now - clock).total_seconds()) < 300
    # Names as everywhere on the page, and the list follows the run that is stopped here, without a Refresh.
    expect(page.locator("#runs-table")).to_contain_text("Fashion-MNIST classifier")
    page.locator("#runs-stop").click()
    expect(page.locator("#runs-table")).to_contain_text("cancelled", timeout=SLOW)
    expect(page.locator("#runs-delete")).to_be_enabled(timeout=SLOW)
    page.screenshot(path=artifacts / "runs-1280-light.png", full_page=True)
    page.locator("#runs-delete").click()
    expect(page.locator("#runs-question")).to_contain_text("SFR-on · Sneaker")
    page.locator("#runs-delete-no").click()
    expect(page.locator("#runs-delete-yes")).to_be_hidden()
    expect(page.locator("#runs-table")).to_contain_text("Sneaker")
    page.locator("#runs-delete").click()
    expect(page.locator("#runs-delete-no")).to_be_focused()
    page.locator("#runs-delete-yes").click()
    expect(page.locator("#runs-delete-yes")).to_be_hidden()
    expect(page.locator("#runs-message")).to_contain_text("deleted", timeout=SLOW)
    expect(page.locator("#runs-table")).not_to_contain_text("Sneaker")
    page.get_by_role("tab", name="Unlearn").click()
    expect(badge).to_have_text("Recorded run", timeout=SLOW)
    expect(page.locator("#choice")).to_be_hidden()
    expect(page.locator("#compare-box")).to_be_hidden()
    expect(page.locator("#unlearn")).to_be_enabled()
    assert page.locator(".toast-body").all_inner_texts() == []
    # Pictures of a model that may draw anything are blurred until the keyboard asks for them.
    page.get_by_role("tab", name="Runs").click()
    with page.expect_file_chooser() as chooser:
        page.locator("#runs-import").click()
    chooser.value.set_files(adult_run(tmp_path))
    open_part(page, "timeline", "runs-compare")
    expect(page.locator("#runs-compare-moment-sheet canvas")).to_be_visible(timeout=SLOW)
    assert blur(page) == "blur(22px)"
    page.locator("#runs-compare-blur").get_by_label("Show the pictures").focus()
    page.keyboard.press("Space")
    assert blur(page) == "none"


def test_the_tab_fits_a_phone(visit: Callable[..., Any]) -> None:
    page: Page = visit(390, 844, reduced_motion="reduce").page
    page.get_by_role("tab", name="Runs").click()
    expect(page.locator("#runs-open")).to_be_visible(timeout=SLOW)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    for name in ("refresh", "open", "delete", "import"):
        box = page.locator(f"#runs-{name}").bounding_box()
        assert box is not None
        assert box["height"] >= 34, name
