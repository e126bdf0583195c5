"""A server that is killed, or ended, in the middle of a run and started again: what its visitor sees, and what is left of it."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ROOT, free_port, serving

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]
SLOW = 120_000
LOST = "The server was restarted and this run is lost; its settings are in the form."


def begin(page: Page) -> None:
    """Presses Unlearn and waits for the first steps."""
    expect(page.locator("#unlearn")).to_be_enabled(timeout=SLOW)
    page.locator("#unlearn").click()
    expect(page.locator("#stop")).to_be_enabled(timeout=SLOW)  # until then the recording plays, which has steps too
    expect(page.locator("#live [data-part=line]")).to_contain_text("Forgetting: step", timeout=SLOW)


def whole_files(cache: Path) -> set[str]:
    """Names of what is kept, all of which can be read."""
    for path in cache.glob("*.npz"):
        with np.load(path) as found:
            assert all(found[name].size for name in found.files)
    for path in cache.glob("*.json"):
        json.loads(path.read_text())
    return {path.name for path in cache.iterdir() if path.suffix in (".npz", ".json")}


def chosen(page: Page) -> Any:
    return page.locator("#class-picker .picker-card.chosen .picker-label")


def test_a_killed_server_loses_the_run_and_nothing_else(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, port = tmp_path / "cache", free_port()
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    cache.mkdir()
    entry = next((ROOT / "assets" / "known").glob("*.npz"))  # as if an earlier run had kept it
    shutil.copy(entry, cache)
    monkeypatch.setenv("UNLEARNING_CACHE", str(cache))
    monkeypatch.setenv("TMPDIR", str(temporary))
    page = chromium.new_page()
    with serving(["app.py"], tmp_path, within=180, port=port) as server:
        page.goto(server.url)
        expect(page.locator("#unlearn")).to_be_enabled(timeout=SLOW)
        page.locator("#class-picker .picker-card").nth(3).click()
        expect(chosen(page)).to_have_text(["Dress", "Sneaker"])
        begin(page)
        server.process.send_signal(signal.SIGKILL)
        assert server.process.wait(20) == -signal.SIGKILL
    kept = whole_files(cache)
    assert entry.name in kept
    with serving(["app.py"], tmp_path, within=180, port=port) as server:
        # The page was open all the time: it notices by itself.
        expect(page.locator("#lost")).to_contain_text(LOST, timeout=SLOW)
        expect(chosen(page)).to_have_text(["Dress", "Sneaker"])
        expect(page.locator("#unlearn")).to_be_enabled()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) in (0, -signal.SIGTERM)
    page.close()
    log = (tmp_path / "log.txt").read_text()
    assert "Traceback" not in log, log
    assert not [path for path in temporary.iterdir() if path.name.startswith("playground-")]
    assert kept <= whole_files(cache)
