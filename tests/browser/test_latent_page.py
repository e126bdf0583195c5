"""The two models without training pictures in a real browser: what can be forgotten is chosen, the run watched, and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from conftest import open_part, stopped_within, visiting
from playwright.sync_api import APIResponse, Browser, Page, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
SLOW = 300_000
"""Milliseconds within which the short run must end, on cores that others use too."""
RECORDING = 300_000
"""Bytes; no other answer of the page is as large."""


@pytest.fixture
def page(tiny_url: str, chromium: Browser) -> Iterator[Page]:
    with visiting(tiny_url, chromium, 1280, 900, patience=60_000) as visit:
        yield visit.page


@pytest.fixture(scope="module")
def undecided(tiny_url: str, chromium: Browser) -> Iterator[Page]:
    """A visitor who only chooses and starts nothing, with the settings open."""
    with visiting(tiny_url, chromium, 1280, 900, patience=60_000) as visit:
        visit.page.locator("#advanced > summary").click()
        yield visit.page


@pytest.fixture
def choosing(undecided: Page) -> Page:
    """The same, before the first model, whatever an earlier test chose."""
    choose(undecided, "fashion-mnist-resnet", "Sneaker")
    return undecided


def choose(page: Page, model: str, chosen: str) -> None:
    """A model, with the settings that it brings."""
    page.locator(f"#model-picker input[value='{model}']").check()
    expect(page.locator(f"#class-picker input[value='{chosen}']")).to_be_checked()
    expect(page.locator("#class-picker input:checked")).to_have_count(1)


def short_run(page: Page) -> None:
    page.locator("#advanced > summary").click()
    for name, value in (("steps", 2), ("fisher_batches", 1), ("batch_size", 4), ("fisher_batch_size", 4)):
        box = page.locator(f"#set-{name} input[type=number]")
        box.fill(str(value))
        box.press("Tab")


SMALLEST = """() => {
    const boxes = [...document.querySelectorAll('#live [data-part=sheet], #live [data-part=pictures]')];
    window.smallest = Infinity;
    (function look() {
        window.smallest = Math.min(window.smallest, boxes[0].offsetHeight + boxes[1].offsetHeight);
        requestAnimationFrame(look);
    })();
}"""
"""Notes from now on the least height of the place of the pictures."""


def test_categories_of_a_transformer(page: Page) -> None:
    page.locator("#model-picker input[value='emoji-dit']").check()
    expect(page.locator("#class-picker .picker-card")).to_have_count(14)
    expect(page.locator("#data-source")).to_be_hidden()
    expect(page.locator("#forget-note")).to_contain_text("comes without training pictures")
    expect(page.locator("#live .sheet-row").first).to_be_visible()  # of the recorded run
    shown = page.locator("#live [data-part=sheet]").bounding_box()
    page.evaluate(SMALLEST)
    page.locator("#class-picker input[value='hearts']").check()
    expect(page.locator("#class-picker input:checked")).to_have_count(2)
    short_run(page)
    page.locator("#unlearn").click()
    expect(page.locator("#live .sheet-row.forget")).to_have_count(2, timeout=SLOW)
    expect(page.locator("#live [data-part=title]")).to_have_text("SFR-on redirected forgets flags, hearts")
    # While the first samples were being drawn, their place was as large as what stood there: the curves did not move.
    assert shown is not None
    assert page.evaluate("window.smallest") == pytest.approx(shown["height"], abs=1)
    page.wait_for_selector("#compare-verdict .cmp-verdict", timeout=SLOW)
    expect(page.locator("#compare-verdict")).to_contain_text("flags and hearts")
    open_part(page, "numbers")
    expect(page.locator("#compare-metrics table").first).to_be_visible()
    expect(page.locator("#compare-shares")).to_have_count(0)


@dataclass
class Held:
    """Answers to the page that wait until they are let go; what comes after that passes."""

    page: Page
    wanted: Callable[[APIResponse], bool]
    answers: list[tuple[Route, APIResponse]] = field(default_factory=list)
    holding: bool = True

    def pass_on(self, route: Route) -> None:
        answer = route.fetch()
        if self.holding and self.wanted(answer):
            self.answers.append((route, answer))
        else:
            route.fulfill(response=answer)

    def wait(self) -> None:
        """Until there is one."""
        while not self.answers:
            self.page.wait_for_timeout(50)

    def let_go(self) -> None:
        self.holding = False
        for route, answer in self.answers:
            route.fulfill(response=answer)


@contextmanager
def held_back(page: Page, wanted: Callable[[APIResponse], bool], asked: str = "**/gradio_api/run/**") -> Iterator[Held]:
    """Keeps the page waiting for the answers that are wanted."""
    held = Held(page, wanted)
    page.route(asked, held.pass_on)
    yield held
    page.unroute_all(behavior="ignoreErrors")


def test_a_class_with_a_preset_of_its_own_brings_it_and_leaves_the_rest(choosing: Page) -> None:
    page = choosing
    choose(page, "fashion-mnist-ddpm", "Trouser")
    warmup, alpha = page.locator("#set-lr_warmup input[type=number]"), page.locator("#set-alpha input[type=number]")
    expect(warmup).to_have_value("0")
    alpha.fill("2")
    alpha.press("Tab")
    page.locator("#class-picker input[value='Trouser']").uncheck()
    page.locator("#class-picker input[value='Bag']").check()
    expect(warmup).to_have_value("10")
    page.locator("#class-picker input[value='Dress']").check()
    expect(warmup).to_have_value("0")
    expect(alpha).to_have_value("2")


def test_classes_chosen_while_the_page_answers_stay_chosen(choosing: Page) -> None:
    page = choosing
    with held_back(page, lambda answer: "badge-time" in answer.text()) as held:
        page.locator("#model-picker input[value='emoji-dit']").check()
        expect(page.locator("#class-picker .picker-card")).to_have_count(14)
        held.wait()
        page.locator("#class-picker input[value='hearts']").check()
        held.let_go()
        page.wait_for_timeout(3000)  # for answers that would undo it
    expect(page.locator("#class-picker input:checked")).to_have_count(2)


def test_a_class_chosen_while_a_preset_is_filled_in_brings_its_own(choosing: Page) -> None:
    page = choosing
    choose(page, "fashion-mnist-ddpm", "Trouser")
    preset = page.locator("#set-preset select")
    page.locator("#class-picker input[value='Trouser']").uncheck()
    with held_back(page, lambda answer: "|sfr-on-redirected|quick|" in answer.text()) as held:
        preset.select_option("thorough")
        expect(page.locator("#set-steps input[type=number]")).to_have_value("150")
        preset.select_option("quick")
        held.wait()
        page.locator("#class-picker input[value='Bag']").check()
        page.wait_for_timeout(500)
        held.let_go()
        expect(page.locator("#set-steps input[type=number]")).to_have_value("50")
        expect(page.locator("#set-lr_warmup input[type=number]")).to_have_value("10")


def test_the_last_of_two_quick_choices_counts(choosing: Page) -> None:
    page = choosing
    with held_back(page, lambda answer: "emoji-dit|sfr-on" in answer.text()) as held:
        page.locator("#model-picker input[value='emoji-dit']").check()
        held.wait()
        page.locator("#model-picker input[value='fashion-mnist-ddpm']").check()
        held.let_go()
        expect(page.locator("#class-picker input:checked")).to_have_value("Trouser")
        expect(page.locator("#class-picker .picker-card")).to_have_count(10)


def test_a_run_has_the_settings_of_the_last_choice_before_they_are_shown(page: Page) -> None:
    steps, preset = page.locator("#set-steps input[type=number]"), page.locator("#set-preset select")
    page.locator("#advanced > summary").click()
    quick = steps.input_value()
    with held_back(page, lambda answer: "|sfr-on|thorough|" in answer.text()) as held:
        preset.select_option("thorough")
        held.wait()
        page.locator("#unlearn").click()
        expect(page.locator("#live [data-part=badge]")).to_have_text("Live run", timeout=SLOW)
        expect(steps).to_have_value(quick)
        page.reload()
    expect(preset).to_have_value("thorough", timeout=SLOW)  # the form says what runs
    expect(steps).not_to_have_value(quick)
    page.locator("#stop").click()
    page.wait_for_selector("#live [data-state=cancelled]", timeout=SLOW)


def test_a_recording_that_comes_late_leaves_a_run_alone(page: Page) -> None:
    with held_back(page, lambda answer: len(answer.body()) > RECORDING, "**/page-data/*") as held:
        page.locator("#model-picker input[value='fashion-mnist-ddpm']").check()
        expect(page.locator("#class-picker input:checked")).to_have_value("Trouser")  # the classes are this model's now
        page.locator("#class-picker input[value='Bag']").check()
        short_run(page)
        page.locator("#unlearn").click()
        title = page.locator("#live [data-part=title]")
        expect(title).to_have_text("SFR-on redirected forgets Trouser, Bag", timeout=SLOW)
        assert held.answers
        held.let_go()
        page.wait_for_timeout(1000)
        expect(title).to_have_text("SFR-on redirected forgets Trouser, Bag")
        page.wait_for_selector("#compare-verdict .cmp-verdict", timeout=SLOW)


def test_a_concept_and_what_is_drawn_instead(page: Page) -> None:
    page.locator("#model-picker input[value='emoji-sd']").check()
    cards = page.locator("#concept-picker")
    expect(cards.locator(".picker-group")).to_have_count(3)
    expect(cards.locator("input:checked")).to_have_value("cat")
    redirect = page.locator("#redirect").get_by_role("textbox")
    expect(redirect).to_have_value("an emoji")
    cards.locator("input[value='twitter style']").check()
    expect(redirect).to_have_value("an emoji in google style")
    cards.locator("input[value='cat']").check()
    expect(redirect).to_have_value("an emoji")
    short_run(page)
    redirect.fill("a cat")
    page.keyboard.press("Tab")  # over the drop-downs of the method, which must leave the settings alone
    page.locator("#unlearn").click()
    expect(page.get_by_text("'a cat' asks for the very concept.").first).to_be_visible()
    expect(redirect).to_have_value("a cat")
    expect(page.locator("#set-steps input[type=number]")).to_have_value("2")
    redirect.fill("a dog")
    page.locator("#unlearn").click()
    rows = page.locator("#live .sheet-row")
    expect(rows.first).to_contain_text("a cat (to forget)", timeout=SLOW)
    expect(page.locator("#live .sheet-row.forget")).to_have_count(3)
    expect(page.locator("#live")).to_contain_text("tiger (neighbour)")
    expect(page.locator("#live")).to_contain_text("Samples as prompted, %")
    expect(page.locator("#live [data-part=title]")).to_have_text(
        "SFR-on redirected forgets cat and draws “a dog” instead"
    )
    page.wait_for_selector("#compare-verdict .cmp-verdict", timeout=SLOW)
    expect(page.locator("#compare-verdict")).to_contain_text("its neighbours")
    names = page.locator("#compare-pictures .gen-row .name")
    expect(names).to_have_count(6)  # two prompts of the concept, two neighbours, two others
    expect(page.locator("#compare-pictures .gen-row.forget")).to_have_count(2)
    assert page.locator("#compare-box").bounding_box()["height"] <= 2500  # type: ignore[index]
    open_part(page, "numbers")
    expect(page.locator("#compare-shares")).to_contain_text("Does it still draw it?")
    open_part(page, "samples")
    expect(page.locator("#compare-strips .gen-row.forget")).to_have_count(9)
    expect(page.locator("#compare-pair tbody")).to_contain_text("a cat (to forget)")
    open_part(page, "bring-back")
    expect(page.locator("#compare-recover-time")).to_contain_text("Takes about")
    assert stopped_within(page, "#compare-recover-start", "#compare-recover-stop")
    expect(page.locator("#compare-recover-status")).to_contain_text("Stopped.", timeout=SLOW)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    open_part(page, "agreement")
    # A CLIP is not here, which is said with its size and licence before anything is clicked.
    expect(page.locator("#compare-clip-about")).to_contain_text(
        "from the Hugging Face Hub when you ask for it (1.7 GB)"
    )
    expect(page.locator("#compare-clip-about")).to_contain_text("Licence: its repository states none")
    expect(page.locator("#compare-clip-start")).to_be_disabled()
    page.locator("#compare-clip-size input[value='40']").check()
    expect(page.locator("#compare-clip-time")).to_contain_text("scores 320 pictures")
    page.locator("#compare-clip-fetch").click()
    expect(page.locator("#compare-clip-status")).to_contain_text("The Hub cannot be reached", timeout=SLOW)
    expect(page.locator("#compare-clip-fetch")).to_be_enabled()
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
