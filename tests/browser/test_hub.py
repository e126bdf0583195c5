"""A model of the Hub in a real browser, from a Hub on this machine: looked up, downloaded, a concept written, forgotten, blurred."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import open_part, serving, visiting
from playwright.sync_api import Browser, Page, expect

from tests.core.hub_stub import COMMIT, StubHub, StubRepo, stub_hub
from tests.core.tiny_dit import dit_folder
from tests.core.tiny_sd import tiny_pipeline

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
SLOW = 300_000


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StubHub]:
    folder = tmp_path_factory.mktemp("pipelines") / "sd"
    tiny_pipeline().save_pretrained(folder)
    many = folder.with_name("many")
    dit_folder(many, num_embeds_ada_norm=60)
    index = json.loads((many / "model_index.json").read_text())
    (many / "model_index.json").write_text(json.dumps({**index, "id2label": {str(i): f"thing {i}" for i in range(60)}}))
    with stub_hub() as served:
        served.repos = {"tiny/sd": StubRepo(folder, licence="creativeml-openrail-m"), "tiny/many": StubRepo(many)}
        yield served


@pytest.fixture(scope="module")
def url(hub: StubHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0"}.items():
            patch.setenv(name, value)
        for name in ("HF_HUB_CACHE", "HF_ASSETS_CACHE", "HUGGINGFACE_HUB_CACHE"):
            patch.delenv(name, raising=False)
        with serving(["app.py"], tmp_path_factory.mktemp("hub-page"), within=240) as running:
            yield running.url


@pytest.fixture
def page(url: str, chromium: Browser) -> Iterator[Page]:
    with visiting(url, chromium, 1280, 900, patience=60_000) as visit:
        yield visit.page


def look_up(page: Page, name: str) -> None:
    box = page.locator("#hub-name input")
    box.fill(name)
    box.press("Enter")
    page.locator("#hub-look").click()


def test_a_model_of_the_hub_is_opened_and_forgets_what_is_written(page: Page, artifacts: Path) -> None:
    page.locator("#hub > button").click()
    expect(page.locator("#hub-open")).to_be_hidden()
    look_up(page, "hub:tiny/none")
    expect(page.locator(".toast-body")).to_contain_text("There is no model tiny/none on the Hub", timeout=SLOW)
    page.locator(".toast-close").first.click()
    look_up(page, "tiny/sd")
    facts = page.locator("#hub-facts")
    expect(facts).to_contain_text("creativeml-openrail-m", timeout=SLOW)
    expect(facts).to_contain_text(COMMIT[:12])
    expect(facts).to_contain_text("Memory for forgetting")
    cards = page.locator("#model-picker .picker-card")
    shipped = cards.count()
    page.locator("#hub-open").click()
    expect(page.locator("#hub-status")).to_contain_text("tiny/sd is open", timeout=SLOW)
    expect(cards).to_have_count(shipped + 1)
    expect(page.locator("#model-picker .picker-about")).to_contain_text("from the Hugging Face Hub")
    expect(page.locator("#live")).to_contain_text("Samples as prompted, %")  # not a classifier's accuracy
    page.screenshot(path=artifacts / "hub-1280.png", full_page=True)
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.screenshot(path=artifacts / "hub-390.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.locator("#concept-own").get_by_role("textbox").fill("a red cat")
    page.locator("#redirect").get_by_role("textbox").fill("a tree")
    page.locator("#advanced > summary").click()
    for name, value in (("steps", 2), ("fisher_batches", 1), ("batch_size", 4), ("fisher_batch_size", 4)):
        box = page.locator(f"#set-{name} input[type=number]")
        box.fill(str(value))
        box.press("Tab")
    page.locator("#unlearn").click()
    expect(page.locator("#live [data-part=title]")).to_have_text("SFR-on forgets a red cat and draws “a tree” instead")
    expect(page.locator("#live .sheet-row.forget")).not_to_have_count(0, timeout=SLOW)
    expect(page.locator("#compare-verdict")).to_contain_text("This model has no judge", timeout=SLOW)
    # What an unknown model draws is shown to those who ask for it.
    strips = page.locator("#compare-pictures .blurred .gen-strip img")
    assert strips.count() > 0
    expect(page.locator(".blur-switch").first).to_be_visible()
    blur = "element => getComputedStyle(element).filter"
    assert "blur" in strips.first.evaluate(blur)
    page.screenshot(path=artifacts / "hub-run-1280.png", full_page=True)
    page.locator("#compare-blur .blur-switch input").check()
    assert strips.first.evaluate(blur) == "none"
    open_part(page, "draw-more")
    expect(page.locator("#compare-play-draw")).to_be_enabled()


def test_among_many_classes_one_is_found_by_its_name(page: Page) -> None:
    page.locator("#hub > button").click()
    look_up(page, "tiny/many")
    page.locator("#hub-open").click(timeout=SLOW)
    expect(page.locator("#hub-status")).to_contain_text("tiny/many is open", timeout=SLOW)
    cards = page.locator("#class-picker .picker-card")
    expect(cards).to_have_count(60)
    page.get_by_label("Find a class").fill("THING 4")
    # thing 4, 40 to 49, and what is chosen already.
    expect(cards.locator("visible=true")).to_have_count(12)
    page.locator("#class-picker input[value='thing 47']").check()
    page.get_by_label("Find a class").fill("")
    expect(cards.locator("visible=true")).to_have_count(60)
    assert page.locator("#class-picker input:checked").count() == 2
