"""Do the pictures show what their prompts say? A CLIP's scores of a text-to-image run, before and after; hidden for other runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.context import LAST, PageContext
from demos.jobs import downloads as hub
from demos.jobs import hardware
from demos.jobs.side_jobs import SideJob
from demos.panel import Panel, bar_html, ended_html, gone, session_of
from demos.records.record import RunRecord
from demos.render import note
from demos.result import clip_run as clip_score
from demos.text import result as copy
from demos.text import unlearn as page_copy
from sfr_core.errors import InputError
from sfr_core.hub.clip import CLIP_BYTES, chosen_clip, clip_here, look_up_clip

if TYPE_CHECKING:
    from demos.result.clip_run import Scores


class ClipScore(Panel[Any]):
    """The panel, and the download or the scoring that each visitor has under way."""

    def __init__(self, ctx: PageContext, prefix: str, key: gr.State) -> None:
        super().__init__(ctx, f"{prefix}-clip", key)
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
            self.buttons(copy.CLIP_START, copy.CLIP_STOP)

    def more_buttons(self) -> None:
        """The one that fetches the CLIP."""
        self.fetch = self.button("fetch", copy.CLIP_FETCH.format(size=page_copy.size(CLIP_BYTES)), visible=False)

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

        def another(browser: Any, key: Any, n: Any) -> str:
            return note(clip_score.time_text(record_of(browser, key), n))

        self.stopped_by_its_button()
        self.size.input(another, [self.ctx.browser, self.key, self.size], self.time, **LAST)
        return [
            self.starts(
                self.fetch, record_of, lambda browser, key, _: self.begin_fetch(browser, key), fetch_progress_html,
                fetched, outputs=[self.start, self.about], looking=copy.CLIP_LOOKING,
            ),
            self.starts(
                self.start, record_of, lambda browser, key, _, n: self.begin(browser, key, n), progress_html, ended,
                [self.size],
            ),
        ]  # fmt: skip

    def begin_fetch(self, browser: Any, key: Any) -> SideJob[Path]:
        """Looks the CLIP up and starts its download.

        Raises:
            InputError: the run's weights are gone. HubError: as `look_up_clip`.
        """
        session_of(self.ctx, browser, key)
        found = look_up_clip(chosen_clip())
        return self.put(browser, lambda: clip_score.download(found))

    def begin(self, browser: Any, key: Any, n: Any) -> SideJob[Scores]:
        """Starts to score; an earlier job of the same visitor is stopped.

        Raises:
            InputError: the weights are gone, the CLIP is not here, or `n` is not offered.
        """
        session = session_of(self.ctx, browser, key)
        if not clip_here(chosen_clip()):
            raise InputError(copy.CLIP_NOT_HERE, hint=copy.CLIP_NOT_HERE_HINT)
        return self.put(browser, lambda: clip_score.start(self.ctx.book.slot, session, n))


def ended(_: RunRecord, job: SideJob[Scores], __: Any) -> tuple[Any, str]:
    """How it ended: sentence and table, or why there are none."""
    found = clip_score.found_html(job.outcomes, job.seconds) if job.state == "done" else ended_html(job, "")
    return gr.Button(interactive=True), found


def fetched(_: RunRecord, job: SideJob[Path]) -> tuple[Any, str, Any, str]:
    """How the download ended: its button, the status, the button that scores, and which CLIP that asks."""
    here = job.state == "done"
    return (
        gr.Button(visible=not here, interactive=True),
        note(copy.CLIP_FETCHED) if here else hub.unfinished_html(job),
        gr.Button(interactive=here),
        clip_score.about_html(),
    )


def progress_html(job: SideJob[Scores]) -> str:
    """A bar with the real steps, or that it waits."""
    who = copy.CLIP_WHO.get(job.model, "")
    return bar_html(job, copy.CLIP_TITLE, copy.CLIP_PROGRESS.format(who=who, done=job.done, total=job.steps))


def fetch_progress_html(job: SideJob[Path]) -> str:
    """A bar with the real bytes, or that it waits."""
    return hub.progress_html(job, copy.CLIP_TITLE)
