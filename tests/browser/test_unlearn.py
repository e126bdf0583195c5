"""The main job as a visitor does it, in a real browser against the real program."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Server
from playwright.sync_api import Browser, Page, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
expect.set_options(timeout=30_000)
SLOW = 150_000
"""Milliseconds within which a short run must get on, on two cores that others use too."""


def part(page: Page, name: str) -> Any:
    return page.locator(f'#live [data-part="{name}"]')


def watch(page: Page, model: str) -> None:
    """Another model's first recorded run."""
    options = part(page, "which").locator("option")
    expect(options.nth(1)).to_be_attached()
    keys = options.evaluate_all("all => all.map((option) => option.value)")
    part(page, "which").select_option(next(key for key in keys if key.startswith(f"recorded-{model}-")))


def state(page: Page) -> str:
    return part(page, "root").get_attribute("data-state") or ""


def wait_for_state(page: Page, *names: str) -> None:
    wanted = ",".join(f'#live [data-part="root"][data-state="{name}"]' for name in names)
    page.wait_for_selector(wanted, timeout=SLOW)


def set_steps(page: Page, steps: int) -> None:
    """Through the generated controls, as a visitor would."""
    field = page.locator("#set-steps input[type=number]")
    if not field.is_visible():
        page.locator("#advanced > summary").click()
    for name, value in (("steps", steps), ("fisher_batches", 1)):
        box = page.locator(f"#set-{name} input[type=number]")
        box.fill(str(value))
        box.press("Tab")


def points(page: Page, plot: str = "loss") -> int:
    """Points that Plotly draws in the first curve of a plot."""
    return int(
        page.evaluate(f"""() => {{
        const plot = document.querySelector('#live [data-part="{plot}"]');
        return plot.data ? plot.data[0].x.length : 0; }}""")
    )


def wait_for_points(page: Page, n: int) -> None:
    page.wait_for_function(
        f"""() => {{ const p = document.querySelector('#live [data-part="loss"]');
        return p.data && p.data[0].x.length >= {n}; }}""",
        timeout=SLOW,
    )


def zoom(page: Page) -> list[float]:
    return list(page.evaluate("""() => document.querySelector('#live [data-part="loss"]').layout.xaxis.range"""))


def start(page: Page) -> None:
    expect(page.locator("#unlearn")).to_be_enabled(timeout=SLOW)
    page.locator("#unlearn").click()
    page.wait_for_selector('#live [data-mode="live"], .toast-body', timeout=SLOW)
    assert page.locator(".toast-body").all_inner_texts() == []
    expect(part(page, "badge")).to_have_text("Live run")


def test_first_look_plays_a_recorded_run(visit: Callable[..., Any]) -> None:
    page = visit().page
    expect(part(page, "title")).to_contain_text("flags")  # the one that is nicest to watch
    expect(part(page, "note")).to_contain_text("A real run of the Emoji diffusion transformer")
    watch(page, "fashion-mnist-resnet")
    expect(part(page, "title")).to_have_text("SFR-on forgets Sneaker")
    # From the start, so that nothing moves when the first look comes.
    expect(page.locator("#live .pictures figure").nth(5)).to_be_visible()
    expect(part(page, "badge")).to_have_text("Recorded run")
    expect(part(page, "run")).to_have_text("Run it live")
    expect(page.locator("h1")).to_have_text("Unlearning Playground: watch a model forget")
    expect(page.locator("#header")).to_contain_text("not a guarantee of deletion")
    expect(page.locator("#badge-hardware")).not_to_be_empty()
    expect(page.locator("#badge-time")).to_have_text(
        re.compile("not known yet|about .* to the finished comparison")
    )  # an earlier test may have run
    wait_for_points(page, 1)
    before = points(page)
    wait_for_points(page, before + 5)  # it plays by itself
    part(page, "play").click()
    expect(part(page, "play")).to_have_text("Play")
    page.wait_for_timeout(300)
    paused = points(page)
    page.wait_for_timeout(700)
    assert points(page) == paused
    expect(page.locator("#live .pictures figure").first).to_be_visible()
    alt = page.locator("#live .pictures figure img").first.get_attribute("alt") or ""
    part(page, "play").click()
    # It ends with its result: the sentence, and one class a row before, after and retrained.
    expect(part(page, "play")).to_have_text("Play again", timeout=40_000)
    ending = part(page, "ending")
    expect(ending.locator(".cmp-verdict")).to_contain_text("SFR-on forgot Sneaker")
    row = ending.locator(".gen-row.forget")
    expect(row).to_have_count(1)
    expect(row.locator("figcaption b")).to_have_text(["Before", "After", "Retrained"])
    expect(part(page, "badge")).to_have_text("Recorded run")
    expect(part(page, "run")).to_be_visible()
    part(page, "play").click()
    expect(ending).to_be_hidden()
    assert re.search(r"of class .+; the network predicts .+, \d+ % sure, (not )?recognised", alt)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.evaluate("window.scrollTo(0, 0)")
    button = page.locator("#unlearn").bounding_box()
    assert button is not None
    assert button["y"] + button["height"] <= 800  # choosing and pressing needs no scrolling


def test_a_recording_that_a_visitor_chose_stays_when_the_page_is_told_its_first_state(
    server: Server, chromium: Browser
) -> None:
    context = chromium.new_context()
    page = context.new_page()
    held: list[Route] = []
    page.route("**/queue/join**", lambda route: held.append(route))
    page.goto(server.url)
    expect(part(page, "title")).to_contain_text("flags", timeout=SLOW)
    watch(page, "fashion-mnist-resnet")
    expect(part(page, "title")).to_have_text("SFR-on forgets Sneaker", timeout=SLOW)
    expect(page.locator("#unlearn")).to_be_disabled()  # the server has not heard of this page yet
    assert held
    page.route("**/queue/join**", lambda route: route.continue_())
    for route in held:
        route.continue_()
    expect(page.locator("#unlearn")).to_be_enabled(timeout=SLOW)
    page.wait_for_timeout(500)
    expect(part(page, "title")).to_have_text("SFR-on forgets Sneaker")
    context.close()


def test_the_end_of_a_recording_suggests_what_the_form_then_holds(visit: Callable[..., Any]) -> None:
    page = visit(reduced_motion="reduce").page
    watch(page, "fashion-mnist-resnet")
    first, firmer, less = (part(page, "ending").locator(".now button").nth(n) for n in range(3))
    expect(first).to_have_text("The same with the preset Thorough")
    expect(firmer).to_have_text("Firmer repair: Learning rate (η) 0.02 → 0.04, Forgetting strength (α) 20 → 10")
    expect(less).to_have_text("Less forgetting: Forget every (K) 30 → 60")
    less.click()
    expect(page.locator("#model-picker input:checked")).to_have_value("fashion-mnist-resnet")
    expect(page.locator("#advanced > summary")).to_contain_text("1 changed")
    expect(page.locator("#unlearn")).to_be_focused()
    expect(part(page, "badge")).to_have_text("Recorded run")  # nothing started


def test_no_autoplay_for_those_who_want_less_motion_who_can_run_it_live(visit: Callable[..., Any]) -> None:
    page = visit(reduced_motion="reduce").page
    expect(part(page, "play")).to_have_text("Play again")
    watch(page, "fashion-mnist-resnet")
    expect(part(page, "ending")).to_contain_text("SFR-on forgot Sneaker")
    wait_for_points(page, 2)
    # The table beside the curve leaves out rows, but none of the few steps that forget.
    part(page, "numbers-loss").locator("summary").click()
    losses = part(page, "numbers-loss").locator("tbody td:nth-child(2)")
    expect(losses.nth(2)).to_be_visible()
    assert any(text != "–" for text in losses.all_inner_texts())
    # A number that may be empty begins so, and not as a 0 that its setting does not allow.
    page.locator("#advanced > summary").click()
    box = page.get_by_label("Fisher clip")
    expect(box).to_be_visible()
    expect(box).to_have_value("")
    part(page, "run").click()
    expect(part(page, "badge")).to_have_text("Live run", timeout=SLOW)
    wait_for_points(page, 1)
    page.locator("#stop").click()
    wait_for_state(page, "cancelled")
    # A recording can be seen after a run too, and the run comes back.
    expect(part(page, "back")).to_be_hidden()
    watch(page, "emoji-dit")
    expect(part(page, "title")).to_contain_text("flags")
    part(page, "back").click()
    expect(part(page, "badge")).to_have_text("Live run")
    expect(part(page, "line")).to_contain_text("Stopped")
    expect(part(page, "ending")).to_be_hidden()


def test_a_reload_during_a_run_shows_no_other_pictures(visit: Callable[..., Any]) -> None:
    page = visit(reduced_motion="reduce").page
    set_steps(page, 4000)
    start(page)
    wait_for_points(page, 1)
    seen = (
        "window.seen = []; new MutationObserver(() => { const t = document.querySelector('#live [data-part=title]'); "
    )
    seen += "if (t && t.textContent !== window.seen.at(-1)) window.seen.push(t.textContent); })"
    page.add_init_script(seen + ".observe(document, {subtree: true, childList: true, characterData: true});")
    page.reload()
    expect(part(page, "badge")).to_have_text("Live run", timeout=SLOW)
    assert [text for text in page.evaluate("window.seen") if text] == [
        "Looking for your run …",
        "SFR-on forgets Sneaker",
    ]
    page.locator("#stop").click()
    wait_for_state(page, "cancelled")


def test_the_whole_job(visit: Callable[..., Any], artifacts: Path) -> None:
    visitor = visit()
    page: Page = visitor.page
    # Choose: another class and back, by their pictures; short run through the generated controls.
    sneaker = page.locator('#class-picker input[value="Sneaker"]')
    expect(sneaker).to_be_checked()
    page.locator('#class-picker label:has(input[value="Bag"])').click()
    expect(page.locator("#reference-note")).to_contain_text("No retrained model", timeout=SLOW)
    expect(page.locator("#retrain-here")).to_contain_text("Retrain it here")
    page.locator('#class-picker label:has(input[value="Bag"])').click()
    set_steps(page, 4000)  # it is stopped below, however fast the machine
    start(page)
    expect(page.locator("#unlearn")).to_be_disabled()
    # The curve moves; a zoom made by hand is still there after more updates, in the same plot node.
    wait_for_points(page, 3)
    box = page.evaluate("""() => {
        const plot = document.querySelector('#live [data-part="loss"]');
        plot.scrollIntoView({block: 'center'});
        const r = plot.querySelector('.nsewdrag').getBoundingClientRect();
        return {x: r.x, y: r.y, width: r.width, height: r.height}; }""")
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.25 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], y, steps=4)
    page.mouse.up()
    zoomed = zoom(page)
    page.evaluate(
        """() => { document.querySelector('#live [data-part="loss"] .plot-container').dataset.mark = 'same'; }"""
    )
    wait_for_points(page, points(page) + 3)
    assert zoom(page) == zoomed
    assert part(page, "loss").locator('.plot-container[data-mark="same"]').count() == 1
    expect(part(page, "machine")).to_contain_text(re.compile(r"core|GB|MB"))
    # Numbers beside the plot.
    part(page, "numbers-loss").locator("summary").click()
    rows = part(page, "numbers-loss").locator("tbody tr")
    expect(rows.nth(2)).to_be_visible()  # the browser tells of an opened <details> a moment after the click
    assert rows.count() >= 3
    page.screenshot(path=artifacts / "running-1280-light.png", full_page=True)

    # A reload finds the run; another visitor sees nothing of it.
    page.reload()
    expect(part(page, "badge")).to_have_text("Live run", timeout=SLOW)
    wait_for_points(page, 6)
    assert state(page) == "running"
    page.locator("#advanced > summary").click()
    expect(page.locator("#set-steps input[type=number]").first).to_have_value(
        "4000", timeout=SLOW
    )  # the form says what runs
    other = visit().page
    expect(part(other, "badge")).to_have_text("Recorded run")
    other.get_by_role("tab", name="Runs").click()
    expect(other.locator("#runs-table")).not_to_contain_text("Sneaker")

    # Stop: within one step, then roll back.
    seen = points(page)
    page.locator("#stop").click()
    wait_for_state(page, "cancelled")
    expect(part(page, "line")).to_contain_text("Stopped after step")
    assert points(page) >= seen
    expect(page.locator("#choice-text")).to_contain_text("Keep this partly unlearned network")
    page.screenshot(path=artifacts / "stopped-1280-light.png", full_page=True)
    page.locator("#rollback").click()
    expect(part(page, "line")).to_contain_text("Rolled back")
    expect(page.locator("#choice")).to_be_hidden()

    # Again, to the end: Compare opens below.
    set_steps(page, 8)
    start(page)
    wait_for_state(page, "finished")
    expect(part(page, "line")).to_have_text("Finished after 8 steps.")
    expect(page.locator("#compare-box")).to_be_visible(timeout=SLOW)
    expect(page.locator("#compare-verdict")).to_contain_text("Sneaker")
    assert points(page) == 8
    page.screenshot(path=artifacts / "finished-1280-light.png", full_page=True)

    # Reset brings the first look back and hides what was compared.
    page.locator("#reset").click()
    expect(part(page, "badge")).to_have_text("Recorded run")
    expect(page.locator("#compare-box")).to_be_hidden()


@pytest.mark.timeout(600)
def test_keyboard_only(visit: Callable[..., Any]) -> None:
    page: Page = visit(reduced_motion="reduce").page

    def tab_to(selector: str) -> None:
        for _ in range(90):
            if page.evaluate("(s) => Boolean(document.activeElement && document.activeElement.matches(s))", selector):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"Tab never reached {selector}")

    page.keyboard.press("Tab")
    tab_to('#class-picker input[value="Bag"]')
    page.keyboard.press("Space")
    expect(page.locator('#class-picker input[value="Bag"]')).to_be_checked()
    page.keyboard.press("Space")
    expect(page.locator('#class-picker input[value="Bag"]')).not_to_be_checked()
    expect(page.locator("#unlearn")).to_be_enabled(timeout=SLOW)
    tab_to("#unlearn")
    page.keyboard.press("Enter")
    expect(part(page, "badge")).to_have_text("Live run", timeout=SLOW)
    wait_for_points(page, 1)  # before its first step there would be nothing to keep
    tab_to("#stop")
    page.keyboard.press("Enter")
    wait_for_state(page, "cancelled")
    # The focus stays near: first on the line that tells what happens, then on what there is to decide.
    expect(page.locator("#keep")).to_be_focused(timeout=SLOW)
    page.keyboard.press("Enter")
    # What is kept is measured as a finished run is.
    expect(page.locator("#compare-brief tr")).to_have_count(5, timeout=2 * SLOW)
    expect(page.locator("#compare-verdict")).to_contain_text("Stopped after step")
    expect(part(page, "line")).to_contain_text("Kept the network after step")


@pytest.mark.parametrize("model", ["fashion-mnist-resnet", "fashion-mnist-ddpm", "emoji-dit", "emoji-sd"])
def test_choosing_and_pressing_needs_no_scrolling(visit: Callable[..., Any], model: str) -> None:
    page: Page = visit(reduced_motion="reduce").page
    if model != "fashion-mnist-resnet":  # which is chosen as the page opens
        page.locator(f"#model-picker input[value='{model}']").check()
        chosen = "#concept-picker" if model == "emoji-sd" else "#class-picker"
        expect(page.locator(f"{chosen} input:checked")).not_to_have_value("Sneaker")
    expect(page.locator("#unlearn")).to_be_enabled(timeout=SLOW)
    page.wait_for_timeout(500)  # the rest of the form comes with it
    button = page.locator("#unlearn").bounding_box()
    assert button is not None
    assert button["y"] + button["height"] <= 800


def test_forgetting_single_pictures_and_shares(visit: Callable[..., Any]) -> None:
    page: Page = visit(reduced_motion="reduce").page
    kinds = page.locator("#forget-kind label:visible")
    expect(kinds).to_have_text(["Whole classes", "A random share", "Chosen pictures"])
    page.locator("#forget-kind").get_by_text("Chosen pictures").click()
    expect(page.locator("#sample-picker label").first).to_be_visible()
    expect(page.locator("#unlearn")).to_be_enabled(timeout=SLOW)
    expect(page.locator("#method-note")).to_contain_text("two random tenths", timeout=SLOW)  # its settings have arrived
    page.locator("#unlearn").click()
    expect(page.get_by_text("Click at least one training picture")).to_be_visible()
    page.locator("#sample-picker label").nth(2).click()
    expect(page.locator("#samples-note")).to_contain_text("1 chosen")
    page.locator("#samples-next").click()
    page.wait_for_timeout(500)
    page.locator("#sample-picker label").nth(1).click()
    expect(page.locator("#samples-note")).to_contain_text("2 chosen")  # those of the other page are still chosen
    expect(page.locator("#reference-note")).to_contain_text("No retrained model")
    page.locator("#forget-kind").get_by_text("A random share").click()
    expect(page.locator("#share")).to_be_visible()
    expect(page.locator("#sample-picker")).to_be_hidden()


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_screens(visit: Callable[..., Any], artifacts: Path, width: int, dark: bool) -> None:
    page: Page = visit(width, 800 if width > 600 else 844, dark=dark, reduced_motion="reduce").page
    wait_for_points(page, 2)
    assert page.evaluate("() => document.body.classList.contains('dark')") is dark
    for now in (dark, not dark):
        page.evaluate("(now) => document.body.classList.toggle('dark', now)", now)
        page.wait_for_timeout(400)  # colours fade into each other
        name = f"first-look-{width}-{'dark' if now else 'light'}.png"
        page.screenshot(path=artifacts / name)
        page.screenshot(path=artifacts / f"full-{name}", full_page=True)
    # Nothing is wider than the screen, and the first look is on it.
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    box = part(page, "run").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 844
