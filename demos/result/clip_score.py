"""Do the pictures show what their prompts say? A CLIP's scores of a text-to-image run, before and after; hidden for other runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.context import LAST, QUEUED, PageContext
from demos.jobs import downloads as hub
from demos.jobs import hardware
from demos.jobs.side_jobs import Wish
from demos.panel import Wishes, bar_html, ended_html, followed, gone, session_of
from demos.records.record import RunRecord
from demos.render import alert, note
from demos.result import clip_run as clip_score
from demos.text import result as copy
from demos.text import unlearn as page_copy
from sfr_core.errors import InputError, PlaygroundError
from sfr_core.hub.clip import CLIP_BYTES, chosen_clip, clip_here, look_up_clip

if TYPE_CHECKING:
    from demos.result.clip_run import Scores


class ClipScore:
    """The panel, and the download or the scoring that each visitor has under way."""

    def __init__(self, ctx: PageContext, prefix: str, key: gr.State) -> None:
        self.ctx, self.key = ctx, key
        self.asked: Wishes[Any] = Wishes.of(ctx, f"{prefix}-clip_score")
        with gr.Column(visible=False, elem_id=f"{prefix}-clip") as self.box:
            gr.Markdown(f"### {copy.CLIP_TITLE}\n{copy.CLIP_HELP}")
            self.about = gr.HTML(elem_id=f"{prefix}-clip-about")
            self.size = gr.Radio(
                list(clip_score.SIZES),
                value=clip_score.SIZE,
                label=copy.CLIP_SIZE,
                info=copy.CLIP_SIZE_INFO,
                elem_id=f"{prefix}-clip-size",
                interactive=True,
            )
            self.time = gr.HTML(elem_id=f"{prefix}-clip-time")
            with gr.Row():
                self.fetch = gr.Button(
                    copy.CLIP_FETCH.format(size=page_copy.size(CLIP_BYTES)),
                    size="sm",
                    visible=False,
                    elem_id=f"{prefix}-clip-fetch",
                    elem_classes="cmp-small",
                )
                self.start = gr.Button(
                    copy.CLIP_START, size="sm", elem_id=f"{prefix}-clip-start", elem_classes="cmp-small"
                )
                self.stop = gr.Button(
                    copy.CLIP_STOP,
                    size="sm",
                    interactive=False,
                    elem_id=f"{prefix}-clip-stop",
                    elem_classes="cmp-small",
                )
            self.status = gr.HTML(elem_id=f"{prefix}-clip-status")

    def updates_of(self, record: RunRecord, *, live: bool) -> dict[Any, Any]:
        """Ready to score, or to fetch the CLIP first, where the run's weights are in memory of this process; otherwise a sentence."""
        if not record.of_concept or "after" not in record.samples:
            return self.cleared()
        if not live or hardware.on_zerogpu():
            return {**self.cleared(), self.box: gr.update(visible=True), self.status: note(gone())}
        here = clip_here(chosen_clip())
        return {
            **self.cleared(),
            self.box: gr.update(visible=True),
            self.about: clip_score.about_html(),
            self.size: clip_score.SIZE,
            self.time: note(clip_score.time_text(record, clip_score.SIZE)),
            self.fetch: gr.update(visible=not here, interactive=True),
            self.start: gr.update(interactive=here),
        }

    def cleared(self) -> dict[Any, Any]:
        """Hidden, nothing scored."""
        return {
            self.box: gr.update(visible=False),
            self.size: gr.skip(),
            self.fetch: gr.update(visible=False),
            **dict.fromkeys((self.start, self.stop), gr.update(interactive=False)),
            **dict.fromkeys((self.about, self.time, self.status), ""),
        }

    def wire(self, record_of: Callable[[Any, Any], RunRecord]) -> list[Any]:
        """Connects the buttons; `record_of(browser, key)` checks whose run it is. Returns the listeners that go on answering."""
        run = [self.ctx.browser, self.key]

        def fetch(browser: Any, key: Any) -> Iterator[tuple[Any, ...]]:
            record_of(browser, key)
            yield gr.Button(interactive=False), gr.skip(), note(copy.CLIP_LOOKING), gr.skip(), gr.skip()
            try:
                wish = self.begin_fetch(browser, key)
            except PlaygroundError as error:
                yield gr.Button(interactive=True), gr.skip(), alert(str(error)), gr.skip(), gr.skip()
                return
            for seen in followed(wish, fetch_progress_html, lambda: self.ctx.book.touch(str(key))):
                yield *seen, gr.skip(), gr.skip()
            here = wish.state == "done"
            yield (
                gr.Button(visible=not here, interactive=True),
                gr.Button(interactive=False),
                note(copy.CLIP_FETCHED) if here else hub.unfinished_html(wish),
                gr.Button(interactive=here),
                clip_score.about_html(),
            )

        def begin(browser: Any, key: Any, n: Any) -> Iterator[tuple[Any, ...]]:
            try:
                record_of(browser, key)
                wish = self.begin(browser, key, n)
            except PlaygroundError as error:
                yield gr.skip(), gr.skip(), alert(str(error))
                return
            yield from followed(wish, progress_html, lambda: self.ctx.book.touch(str(key)))
            yield gr.Button(interactive=True), gr.Button(interactive=False), ended(wish)

        def another(browser: Any, key: Any, n: Any) -> str:
            return note(clip_score.time_text(record_of(browser, key), n))

        self.asked.stopped_by(self.stop, self.ctx)
        self.size.input(another, [*run, self.size], self.time, **LAST)
        status = [self.stop, self.status]
        return [
            self.fetch.click(fetch, run, [self.fetch, *status, self.start, self.about], **QUEUED),
            self.start.click(begin, [*run, self.size], [self.start, *status], **QUEUED),
        ]

    def begin_fetch(self, browser: Any, key: Any) -> Wish[Path]:
        """Looks the CLIP up and starts its download.

        Raises:
            InputError: the run's weights are gone. HubError: as `look_up_clip`.
        """
        session_of(self.ctx, browser, key)
        return self._put(browser, clip_score.download(look_up_clip(chosen_clip())))

    def begin(self, browser: Any, key: Any, n: Any) -> Wish[Scores]:
        """Starts to score; an earlier wish of the same visitor is stopped.

        Raises:
            InputError: the weights are gone, the CLIP is not here, or `n` is not offered.
        """
        session = session_of(self.ctx, browser, key)
        if not clip_here(chosen_clip()):
            raise InputError(copy.CLIP_NOT_HERE, hint=copy.CLIP_NOT_HERE_HINT)
        self.asked.call_off(self.ctx.visitor(browser))
        return self._put(browser, clip_score.start(self.ctx.book.slot, session, n))

    def _put(self, browser: Any, wish: Wish[Any]) -> Wish[Any]:
        visitor = self.ctx.visitor(browser)
        self.asked.call_off(visitor)
        self.asked.put(visitor, wish)
        return wish


def ended(wish: Wish[Scores]) -> str:
    """How it ended: sentence and table, or why there are none."""
    return clip_score.found_html(wish.outcomes, wish.seconds) if wish.state == "done" else ended_html(wish, "")


def progress_html(wish: Wish[Scores]) -> str:
    """A bar with the real steps, or that it waits."""
    who = copy.CLIP_WHO.get(wish.model, "")
    return bar_html(wish, copy.CLIP_TITLE, copy.CLIP_PROGRESS.format(who=who, done=wish.done, total=wish.steps))


def fetch_progress_html(wish: Wish[Path]) -> str:
    """A bar with the real bytes, or that it waits."""
    return hub.progress_html(wish, copy.CLIP_TITLE)
