"""A visitor brings a classifier: both files go up, its card is chosen, its classes can be forgotten."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.core.own_files import write_own

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
NAME = "torchvision:shufflenet_v2_x0_5"
SLOW = 60_000


def test_own_classifier(visit: Callable[..., Any], tmp_path: Path) -> None:
    files = write_own(tmp_path, f"{NAME}?size=32")
    data = shutil.make_archive(str(tmp_path / "squares"), "zip", files.data)
    page = visit().page
    cards = page.locator("#model-picker .picker-card")
    shipped = cards.count()
    page.locator("#upload > button").click()
    page.locator("#upload-open").click()
    expect(page.locator(".toast-body")).to_contain_text("No pictures are chosen")
    page.locator(".toast-close").first.click()
    page.locator("#upload-data input[type=file]").set_input_files(data)
    page.locator("#upload-weights input[type=file]").set_input_files(str(files.weights))
    expect(page.locator("#upload-data")).to_contain_text("squares")
    expect(page.locator("#upload-weights")).to_contain_text("mine")
    box = page.locator("#upload-architecture input")
    box.fill(NAME)
    box.press("Enter")
    size = page.locator("#upload-size input")
    size.fill("32")
    size.press("Tab")
    page.locator("#upload-open").click()
    expect(page.locator("#upload-note")).to_contain_text("3 classes, 24 training and 6 test pictures", timeout=SLOW)
    expect(page.locator("#upload-note")).to_contain_text("It recognises 33 % of its training pictures (24 looked at)")
    expect(cards).to_have_count(shipped + 1)
    expect(page.locator("#model-picker .picker-card.chosen")).to_contain_text(f"mine ({NAME})")
    classes = page.locator("#class-picker .picker-card")
    expect(classes).to_have_count(3)
    expect(classes.locator(".picker-label")).to_have_text(["blue", "green", "red"])
    assert page.evaluate(
        """() => [...document.querySelectorAll('#class-picker img')].every(i => i.complete && i.naturalWidth > 0)"""
    )
    expect(page.locator("#badge-time")).to_contain_text("time not known yet")
    expect(page.locator("#retrain-here")).to_contain_text("time unknown")
    expect(page.locator("#reference-note")).to_contain_text("No retrained model")
    page.locator("#reference-upload > button").click()
    page.locator("#reference-file input[type=file]").set_input_files(str(files.weights))
    there = (
        "Compared with mine.safetensors, which you retrained without this class. The retrained network recognises 33 %"
    )
    expect(page.locator("#reference-note")).to_contain_text(there, timeout=SLOW)
    expect(page.locator("#retrain-here")).to_be_hidden()
    classes.nth(1).click()
    expect(page.locator("#reference-note")).to_contain_text("No retrained model")
    classes.nth(1).click()
    expect(page.locator("#reference-note")).to_contain_text(there)
    page.locator("#reference-remove").click()
    expect(page.locator("#reference-file-note")).to_contain_text("Removed.")
    expect(page.locator("#retrain-here")).to_be_visible()
    expect(page.locator("#reference-note")).to_contain_text("No retrained model")
    page.locator("#unlearn").click()
    expect(page.locator(".toast-body")).to_contain_text("hardly recognises its own training pictures")
    page.locator(".toast-close").first.click()
    expect(page.locator("#anyway input")).not_to_be_checked()
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    # Back to the shipped model and its classes; the visitor's card stays.
    cards.first.click()
    expect(classes).not_to_have_count(3)
    expect(page.locator("#anyway")).to_be_hidden()
    expect(page.locator("#reference-upload")).to_be_hidden()
    expect(cards).to_have_count(shipped + 1)
