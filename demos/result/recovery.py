"""Can it be brought back? A recovery attack on the models of a text-to-image run whose weights are in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.context import PageContext
from demos.jobs import hardware
from demos.jobs.side_jobs import SideJob
from demos.panel import Panel, bar_html, ended_html, gone, session_of
from demos.pictures.blur import behind_blur
from demos.records.record import CONCEPT, RunRecord, judged
from demos.render import note, status
from demos.result import recovery_run as attack
from demos.result.recovery_run import drawn_html
from demos.text import result as copy
from demos.text import unlearn as page_copy
from sfr_core.configs.recovery import Attack

if TYPE_CHECKING:
    from sfr_core.metrics.recovery import Recovery


class Recover(Panel["Recovery"]):
    """The panel, and the attack that each visitor has under way; hidden where no concept was forgotten."""

    def __init__(self, ctx: PageContext, prefix: str, key: gr.State) -> None:
        super().__init__(ctx, f"{prefix}-recover", key)
        with gr.Column(visible=False, elem_id=f"{prefix}-recover") as self.box:
            gr.Markdown(f"### {copy.RECOVER_TITLE}\n{copy.RECOVER_HELP}")
            self.time = gr.HTML(elem_id=f"{prefix}-recover-time")
            self.before = gr.Checkbox(
                False,
                label=copy.RECOVER_BEFORE,
                info=copy.RECOVER_BEFORE_INFO,
                elem_id=f"{prefix}-recover-before",
                interactive=True,
            )
            self.buttons(copy.RECOVER_START, copy.RECOVER_STOP, variant="primary")
            self.drawn = gr.HTML(elem_id=f"{prefix}-recover-drawn")

    def updates_of(self, record: RunRecord, *, live: bool) -> dict[Any, Any]:
        """Ready to attack where the run's weights are in memory of this process; otherwise a sentence."""
        if not record.of_concept:
            return self.cleared()
        able = live and "after" in record.samples and not hardware.on_zerogpu()
        why = copy.RECOVER_NO_JUDGE if not judged(record.config.model) else gone()
        return {
            **self.cleared(),
            self.box: gr.update(visible=True),
            self.time: note(attack.time_text(record)) if able else "",
            self.start: gr.update(interactive=able),
            self.status: "" if able else note(why),
        }

    def cleared(self) -> dict[Any, Any]:
        """Hidden, nothing attacked."""
        off = dict.fromkeys((self.start, self.stop), gr.update(interactive=False))
        empty = dict.fromkeys((self.time, self.status, self.drawn), "")
        return {self.box: gr.update(visible=False), **off, self.before: gr.skip(), **empty}

    def wire(self, record_of: Callable[[Any, Any], RunRecord]) -> Any:
        """Connects the buttons; `record_of(browser, key)` checks whose run it is. Returns the listener that goes on answering."""
        self.stopped_by_its_button()
        return self.starts(
            self.start, record_of, lambda browser, key, _, before: self.begin(browser, key, before), progress_html, ended,
            [self.before], [self.time, self.drawn],
        )  # fmt: skip

    def begin(self, browser: Any, key: Any, before: Any) -> SideJob[Recovery]:
        """Starts an attack; an earlier one of the same visitor is stopped.

        Raises:
            InputError: the weights are gone.
        """
        session = session_of(self.ctx, browser, key)
        return self.put(browser, lambda: attack.start(self.ctx.book.slot, session, before=before is True))


def progress_html(job: SideJob[Recovery]) -> str:
    """A bar with the real steps, or that it waits."""
    text = copy.RECOVER_PROGRESS.format(model=job.model, done=job.done, total=job.steps)
    return bar_html(job, copy.RECOVER_TITLE, text)


def ended(record: RunRecord, job: SideJob[Recovery], _: Any) -> tuple[Any, str, Any, Any]:
    """How an attack ended: the button, the sentence, the time of the next one, and the pictures."""
    attack.learn(record.config.model, job)
    again = gr.Button(interactive=True)
    if job.state != "done":
        return again, ended_html(job, ""), gr.skip(), gr.skip()
    what = record.config.forget.strip().removeprefix(CONCEPT)
    took = page_copy.duration(job.seconds)
    rules = copy.RECOVER_RULES.replace("*", "").format(steps=Attack().steps, time=took)
    text = status(attack.sentence(record, job.outcomes, what)) + note(rules)
    drawn = drawn_html(job.outcomes, what, record.class_names, record.roles)
    return again, text, note(attack.time_text(record)), behind_blur(drawn, record.blurred)
