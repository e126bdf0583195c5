"""The moving picture of the README: the page plays the recorded run of a model and is photographed meanwhile.

    python -m bench.moving_picture [--model emoji-dit] [--out docs/run.webp]

Nothing is drawn for it: it is the page in Chromium, and the run is the one in `assets/recorded`.
"""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from bench.processes import Server, chromium
from recipes.command import parser_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

OUT = Path(__file__).parents[1] / "docs" / "run.webp"
WINDOW = {"width": 1200, "height": 940}
EVERY, LAST = 0.3, 3.0
"""Seconds between two photographs, and that the last one stands before all begins again."""
QUALITY = 60
LIMIT = 3_000_000
"""Bytes: more than a README should load."""


def photographs(page: Page, model: str) -> list[tuple[Image.Image, float]]:
    """Plays the recorded run of `model` from its start to its end; each photograph with the seconds that it stands."""
    page.locator(f"#model-picker input[value='{model}']").check()
    page.wait_for_timeout(5000)  # its form and its recording come, and curves are drawn
    play = page.locator("#live [data-part=play]")
    again = play.inner_text()  # whoever asks for reduced motion sees the end of the run, and may play it
    play.click()
    taken = []
    while not taken or play.inner_text() != again:
        begun = time.perf_counter()
        picture = photograph(page)
        page.wait_for_timeout(1000 * EVERY)
        taken.append((picture, time.perf_counter() - begun))
    page.wait_for_timeout(2000)  # the curves of the end
    return [*taken, (photograph(page), LAST)]


def photograph(page: Page) -> Image.Image:
    """What a visitor sees now."""
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--model", default="emoji-dit", help="whose recorded run is played")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    with Server("page") as server, chromium(args.chromium) as browser:
        page = browser.new_page(viewport=WINDOW, reduced_motion="reduce")
        page.goto(server.url)
        page.wait_for_selector("#unlearn:enabled")
        taken = photographs(page, args.model)
    (first, _), *others = taken
    durations = [round(1000 * seconds) for _, seconds in taken]
    following = [picture for picture, _ in others]
    first.save(args.out, save_all=True, append_images=following, duration=durations, loop=0, quality=QUALITY, method=6)
    size = args.out.stat().st_size
    print(f"{args.out}: {len(taken)} photographs, {sum(durations) / 1000:.0f} s, {size / 1e6:.2f} MB")
    if size >= LIMIT:
        raise SystemExit(f"That is more than {LIMIT / 1e6:.0f} MB: raise EVERY or lower QUALITY.")


if __name__ == "__main__":
    main()
