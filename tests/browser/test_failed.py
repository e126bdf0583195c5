"""An error behind a button is a sentence on the page, whether or not its event waits in Gradio's queue."""

from __future__ import annotations

import gradio as gr
from playwright.sync_api import Browser, expect
from starlette.middleware import Middleware

from demos import static_files
from demos.context import QUEUED, QUICK
from demos.frames import EarlyScript
from demos.guard import GuardedBlocks
from tests.browser.conftest import free_port


def test_every_button_that_fails_says_so(chromium: Browser) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    with GuardedBlocks(analytics_enabled=False) as demo:
        for name, options in (("quick", QUICK), ("queued", QUEUED)):
            gr.Button(name, elem_id=name).click(broken, None, gr.Textbox(), **options)
    head = Middleware(EarlyScript, head=static_files.early_head())
    demo.launch(server_port=free_port(), prevent_thread_lock=True, quiet=True, app_kwargs={"middleware": [head]})
    page = chromium.new_page()
    try:
        page.goto(demo.local_url)
        sentence = page.get_by_text("This failed unexpectedly (ZeroDivisionError).")
        page.click("#quick")
        expect(page.locator("#pg-failed[role=alert]")).to_contain_text("This failed unexpectedly (ZeroDivisionError).")
        page.click("#pg-failed")
        expect(sentence).to_have_count(0)
        page.click("#queued")
        expect(sentence).to_have_count(1)
        expect(page.locator("#pg-failed")).to_have_count(0)
    finally:
        page.close()
        demo.close()
