"""The moving picture of the README: the page plays the recorded run of a model and is photographed meanwhile.

    python -m bench.moving_picture [--model emoji-dit] [--out docs/run.webp]

Nothing is drawn for it: it is the page in Chromium, and the run is the one in `assets/recorded`.
"""

from __future__ import annotations

import argparse
import io
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageChops

from bench.page import CHROMIUM, free_port

if TYPE_CHECKING:
    from playwright.sync_api import Page

OUT = Path(__file__).parents[1] / "docs" / "run.webp"
SIZE = (1200, 940)
"""Of the window, pixels."""
EVERY, LAST = 0.3, 3.0
"""Seconds between two photographs, and that the last one stands before all begins again."""
QUALITY = 60
LIMIT = 3_000_000
"""Bytes: more than a README should load."""


@dataclass(slots=True)
class Frame:
    """A photograph and how long it stands, seconds."""

    picture: Image.Image
    seconds: float


def photographs(page: Page, model: str) -> list[Frame]:
    """Plays the recorded run of `model` from its start to its end; a photograph that shows nothing new is left out."""
    page.locator(f"#model-picker input[value='{model}']").check()
    page.wait_for_timeout(5000)  # its form and its recording come, and curves are drawn
    play = page.locator("#live [data-part=play]")
    again = play.inner_text()  # whoever asks for reduced motion sees the end of the run, and may play it
    play.click()
    frames: list[Frame] = []
    begun = time.perf_counter()
    while frames == [] or play.inner_text() != again:
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        now = time.perf_counter()
        if frames:
            frames[-1].seconds += now - begun
        begun = now
        if not frames or ImageChops.difference(picture, frames[-1].picture).getbbox():
            frames.append(Frame(picture, 0.0))
        page.wait_for_timeout(1000 * EVERY)
    page.wait_for_timeout(2000)  # the curves of the end
    return [*frames, Frame(Image.open(io.BytesIO(page.screenshot())).convert("RGB"), LAST)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="emoji-dit", help="whose recorded run is played")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    from playwright.sync_api import sync_playwright

    from demos.app_builder import build_app

    port = free_port()
    build_app().launch(prevent_thread_lock=True, server_port=port, quiet=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=args.chromium, args=CHROMIUM)
        width, height = SIZE
        page = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_selector("#unlearn:enabled")
        frames = photographs(page, args.model)
        browser.close()
    first, *others = (frame.picture for frame in frames)
    seconds = [max(frame.seconds, EVERY) for frame in frames]
    first.save(
        args.out, save_all=True, append_images=others, duration=[round(1000 * s) for s in seconds], loop=0,
        quality=QUALITY, method=6, minimize_size=True,
    )  # fmt: skip
    size = args.out.stat().st_size
    print(f"{args.out}: {len(frames)} photographs, {sum(seconds):.0f} s, {size / 1e6:.2f} MB")
    if size >= LIMIT:
        raise SystemExit(f"That is more than {LIMIT / 1e6:.0f} MB: raise EVERY or lower QUALITY.")


if __name__ == "__main__":
    main()
