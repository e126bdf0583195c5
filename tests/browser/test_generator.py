"""The whole job with a generator in a real browser: choose it, watch its samples, compare, draw more, save."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import open_part, stopped_within, visiting
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
SLOW = 300_000
"""Milliseconds within which the short run must end, on cores that others use too."""
MODEL = "fashion-mnist-ddpm"


@pytest.fixture(scope="module")
def page(tiny_url: str, chromium: Browser) -> Iterator[Page]:
    """A visitor whose run of two steps has just ended."""
    with visiting(tiny_url, chromium, 1280, 900, patience=60_000, accept_downloads=True) as visit:
        page = visit.page
        expect(page.locator("#forget-kind")).to_be_visible()
        page.locator(f"#model-picker input[value='{MODEL}']").check()
        expect(page.locator("#data-source")).to_be_visible()
        expect(page.locator("#forget-kind")).to_be_hidden()
        expect(page.locator("#class-picker input:checked")).to_have_value("Trouser")
        expect(page.locator("#reference-note")).to_contain_text("Compared with a model retrained without this class")
        page.locator("#advanced > summary").click()
        for name, value in (("steps", 2), ("fisher_batches", 1), ("batch_size", 8), ("fisher_batch_size", 8)):
            box = page.locator(f"#set-{name} input[type=number]")
            box.fill(str(value))
            box.press("Tab")
        page.locator("#unlearn").click()
        page.wait_for_selector("#compare-verdict .cmp-verdict", timeout=SLOW)
        yield page


def ink(page: Page, selector: str) -> list[int]:
    """Different gray values on each canvas: 1 on a blank one."""
    return page.evaluate(
        """(selector) => [...document.querySelectorAll(selector)].map((canvas) => {
            const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            return new Set(data.filter((_, at) => at % 4 === 0)).size;
        })""",
        selector,
    )


def test_every_class_is_a_row_of_drawn_samples_and_the_forgotten_one_stands_first(page: Page) -> None:
    rows = page.locator("#live .sheet-row")
    expect(rows).to_have_count(10)
    expect(rows.first).to_have_class(re.compile("forget"))
    expect(rows.first).to_contain_text("Trouser (to forget)")
    assert min(ink(page, "#live .sheet-row canvas")) > 20
    alt = rows.first.locator("canvas").get_attribute("aria-label") or ""
    assert re.match(r"Trouser, to be forgotten\. 4 samples: \d as Trouser", alt)
    signs = rows.first.locator("i").all_inner_texts()
    assert len(signs) == 4
    assert set(signs) <= {"✓", "≠", "✗"}
    assert f"{signs.count('✓')} of 4" in rows.first.locator(".sheet-count").inner_text()
    expect(page.locator("#live [data-part=pictures]")).to_be_hidden()
    expect(page.locator("#live")).to_contain_text("Recognised samples in % (n = 4 and 36)")


def test_the_verdict_says_on_what_it_stands(page: Page) -> None:
    text = page.locator("#compare-verdict").inner_text()
    assert (
        "There was nothing to forget of Trouser: the network hardly drew it before the run; samples recognised as"
        in text
    )
    assert "(retrained: " in text
    assert "100 samples of the forgotten classes and 99 of the others; 4 sampler steps, guidance 2" in text
    open_part(page, "numbers")
    expect(page.locator("#compare-metrics")).to_contain_text("not FID")


def test_only_the_parts_of_a_generator_are_shown(page: Page) -> None:
    expect(page.locator("#compare-classes")).to_have_count(0)
    expect(page.locator("#compare-pictures .gen-row")).to_have_count(5)
    open_part(page, "samples")
    rows = page.locator("#compare-strips .gen-row")
    expect(rows).to_have_count(10)
    expect(rows.first.locator("figure")).to_have_count(3)
    assert [f.get_attribute("data-model") for f in rows.first.locator("figure").all()] == [
        "before",
        "after",
        "retrained",
    ]


def test_the_timeline_moves_sheet_and_numbers_together(page: Page) -> None:
    open_part(page, "timeline")
    box = page.locator("#compare-moment input[type=number]")
    view, sheet = page.locator("#compare-moment-view"), page.locator("#compare-moment-sheet .sheet")
    expect(sheet.locator(".sheet-row")).to_have_count(10)
    seen = set()
    for position, step in ((1, "0 of 2"), (2, "1 of 2"), (3, "2 of 2")):
        box.fill(str(position))
        box.press("Enter")
        expect(view).to_contain_text(step)
        page.wait_for_timeout(300)
        seen.add(page.evaluate("document.querySelector('#compare-moment-sheet canvas').toDataURL()"))
    assert len(seen) == 3  # every recorded moment has its own pictures
    expect(view).to_contain_text("forgotten classes recognised")


def test_a_suggestion_fills_the_form_and_starts_nothing(page: Page) -> None:
    now = page.locator("#compare-now")
    expect(now.locator("h3")).to_have_text("What now?")
    another = now.locator("button").first  # the tiny network knows no class, so there is another to try
    expect(another).to_have_text("Forget another class: Pullover")
    another.click()
    expect(page.locator("#class-picker input:checked")).to_have_value("Pullover")
    expect(page.locator("#unlearn")).to_be_focused()
    expect(page.locator("#unlearn")).to_be_enabled()
    expect(page.locator("#compare-verdict .cmp-verdict")).to_be_visible()
    page.get_by_role("tab", name="Runs").click()
    page.locator("#runs-open").click()
    page.locator("#runs-compare-now button").last.click()  # the thorough preset, of the run as it was
    expect(page.get_by_role("tab", name="Unlearn")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#class-picker input:checked")).to_have_value("Trouser")


def test_the_pair_compares_one_class_in_each_row(page: Page) -> None:
    open_part(page, "samples")
    pair = page.locator("#compare-pair")
    rows = pair.locator("tbody tr")
    expect(rows).to_have_count(10)
    expect(rows.first).to_contain_text("Trouser (to forget)")
    first = page.locator("#compare-strips .gen-row").first
    assert [image.get_attribute("alt") for image in rows.first.locator("img").all()] == [
        "Trouser (to forget), drawn by Before",
        "Trouser (to forget), drawn by After",
    ]
    # Both pictures of a row are of the same size and in the same place, so that the line divides one sample.
    a, b = (rows.first.locator(f"img.{name}").bounding_box() for name in "ab")
    assert a == b
    expect(first).to_contain_text("Trouser")
    slider = pair.locator("input[type=range]")
    slider.focus()
    page.keyboard.press("End")
    assert "inset(0px 0px 0px 100%)" in rows.last.locator("img.b").evaluate("e => getComputedStyle(e).clipPath")
    pair.locator("[data-part=right]").select_option("retrained")
    expect(pair.locator("[data-part=caption]")).to_contain_text("right of it: Retrained")
    pair.locator("[data-part=difference]").check()
    assert rows.first.locator("img.b").evaluate("e => getComputedStyle(e).mixBlendMode") == "difference"
    expect(slider).to_be_hidden()
    numbers = [float(t) for t in pair.locator("tbody td.number").all_inner_texts()]
    assert len(numbers) == 10
    assert max(numbers) > 0
    pair.locator("[data-part=right]").select_option("before")
    expect(pair.locator("tbody td.number").first).to_have_text("0.0")


def test_samples_are_drawn_anew_with_other_settings(page: Page) -> None:
    open_part(page, "draw-more")
    page.locator("#compare-play-seed input").fill("5")
    page.locator("#compare-play-draw").click()
    drawn = page.locator("#compare-play-drawn .gen-row")
    expect(drawn).to_have_count(1, timeout=SLOW)
    expect(page.locator("#compare-play-status")).to_contain_text("16 samples a model, 20 steps, guidance 2, seed 5")
    expect(page.locator("#compare-play-draw")).to_be_enabled()
    first = drawn.locator("img").first.get_attribute("src")
    page.locator("#compare-play-seed input").fill("6")
    page.locator("#compare-play-draw").click()
    expect(page.locator("#compare-play-status")).to_contain_text("seed 6", timeout=SLOW)
    assert drawn.locator("img").first.get_attribute("src") != first


def test_what_is_saved_is_what_was_shown(page: Page, tmp_path: Path) -> None:
    open_part(page, "save")
    with page.expect_download() as waiting:
        page.locator("#compare-save-png").click()
    with zipfile.ZipFile(io.BytesIO(Path(waiting.value.path()).read_bytes())) as archive:
        assert set(archive.namelist()) == {"curves.png", "samples.png", "timeline.png", "saliency.png"}
    with page.expect_download() as waiting:
        page.locator("#compare-save-result").click()
    result = json.loads(Path(waiting.value.path()).read_text())
    open_part(page, "numbers")
    assert result["after"]["sampler_steps"] == 4
    cells = page.locator("#compare-metrics tbody tr").first.locator("td")
    expect(cells.nth(0)).to_have_text(f"{result['before']['FA']:.1f}")
    expect(cells.nth(1)).to_have_text(f"{result['after']['FA']:.1f}")


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False), (390, True)])
def test_a_generator_fits_the_screen(page: Page, artifacts: Path, width: int, dark: bool) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(f"document.body.classList.toggle('dark', {json.dumps(dark)})")
    page.wait_for_timeout(700)
    name = f"{width}-{'dark' if dark else 'light'}"
    page.locator("#live").screenshot(path=artifacts / f"generator-live-{name}.png")
    page.locator("#compare-box").screenshot(path=artifacts / f"generator-compare-{name}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate("document.body.classList.remove('dark')")


def test_the_list_of_runs_and_another_kind_of_model(page: Page) -> None:
    page.get_by_role("tab", name="Runs").click()
    expect(page.locator("#runs-table tbody tr")).to_have_count(1)
    expect(page.locator("#runs-table")).to_contain_text("Tiny generator")
    page.locator("#runs-open").click()
    expect(page.locator("#runs-compare-verdict")).to_be_visible(timeout=SLOW)
    page.wait_for_timeout(1000)  # Gradio (6.31) hears the parts of a result a moment after they are there
    open_part(page, "draw-more", "runs-compare")
    expect(page.locator("#runs-compare-play-draw")).to_be_enabled(timeout=SLOW)
    page.locator("#runs-compare-play-what").get_by_text("All", exact=True).click()
    page.locator("#runs-compare-play-steps input").click()
    page.get_by_role("option", name="100").click()
    # Whoever shows a run while pictures are being drawn gets none of them: they might be those of another run.
    assert stopped_within(page, "#runs-compare-play-draw", "#runs-compare-play-stop", "#runs-open")
    expect(page.locator("#runs-compare-play-draw")).to_have_count(0)  # drawn anew, and folded
    open_part(page, "draw-more", "runs-compare")
    expect(page.locator("#runs-compare-play-draw")).to_be_enabled(timeout=SLOW)
    expect(page.locator("#runs-compare-play-stop")).to_be_disabled()
    page.wait_for_timeout(3000)
    expect(page.locator("#runs-compare-play-status")).to_be_empty()
    expect(page.locator("#runs-compare-play-drawn .gen-row")).to_have_count(0)
    page.get_by_role("tab", name="Unlearn").click()
    page.locator("#model-picker input[value='fashion-mnist-resnet']").check()
    expect(page.locator("#data-source")).to_be_hidden()
    expect(page.locator("#forget-kind")).to_be_visible()
    expect(page.locator("#class-picker input:checked")).to_have_value("Sneaker")
