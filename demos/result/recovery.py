"""Can it be brought back? A recovery attack on the models of a text-to-image run whose weights are in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.context import QUEUED, PageContext
from demos.jobs import hardware
from demos.jobs.side_jobs import Wish
from demos.panel import Wishes, bar_html, ended_html, followed, gone, session_of
from demos.pictures.blur import veiled
from demos.records.record import CONCEPT, RunRecord, judged
from demos.render import alert, note, status
from demos.result import recovery_run as attack
from demos.result.recovery_run import drawn_html
from demos.text import result as copy
from demos.text import unlearn as page_copy
from sfr_core.configs.recovery import Attack
from sfr_core.errors import PlaygroundError

if TYPE_CHECKING:
    from sfr_core.metrics.recovery import Recovery


class Recover:
    """The panel, and the attack that each visitor has under way; hidden where no concept was forgotten."""

    def __init__(self, ctx: PageContext, prefix: str, key: gr.State) -> None:
        self.ctx, self.key = ctx, key
        self.attacks: Wishes[Recovery] = Wishes.of(ctx, f"{prefix}-recover")
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
            with gr.Row():
                self.start = gr.Button(
                    copy.RECOVER_START,
                    variant="primary",
                    size="sm",
                    elem_id=f"{prefix}-recover-start",
                    elem_classes="cmp-small",
                )
                self.stop = gr.Button(
                    copy.RECOVER_STOP,
                    size="sm",
                    interactive=False,
                    elem_id=f"{prefix}-recover-stop",
                    elem_classes="cmp-small",
                )
            self.status = gr.HTML(elem_id=f"{prefix}-recover-status")
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
        outputs = [self.start, self.stop, self.status, self.time, self.drawn]

        def begin(browser: Any, key: Any, before: Any) -> Iterator[tuple[Any, ...]]:
            try:
                record = record_of(browser, key)
                wish = self.begin(browser, key, before)
            except PlaygroundError as error:
                yield gr.skip(), gr.skip(), alert(str(error)), gr.skip(), gr.skip()
                return
            for seen in followed(wish, progress_html, lambda: self.ctx.book.touch(str(key))):
                yield *seen, gr.skip(), gr.skip()
            attack.learn(record.config.model, wish)
            yield (gr.Button(interactive=True), gr.Button(interactive=False), *ended(record, wish))

        self.attacks.stopped_by(self.stop, self.ctx)
        return self.start.click(begin, [self.ctx.browser, self.key, self.before], outputs, **QUEUED)

    def begin(self, browser: Any, key: Any, before: Any) -> Wish[Recovery]:
        """Starts an attack; an earlier one of the same visitor is stopped.

        Raises:
            InputError: the weights are gone.
        """
        session = session_of(self.ctx, browser, key)
        visitor = self.ctx.visitor(browser)
        self.attacks.call_off(visitor)
        wish = attack.start(self.ctx.book.slot, session, before=before is True)
        self.attacks.put(visitor, wish)
        return wish


def progress_html(wish: Wish[Recovery]) -> str:
    """A bar with the real steps, or that it waits."""
    text = copy.RECOVER_PROGRESS.format(model=wish.model, done=wish.done, total=wish.steps)
    return bar_html(wish, copy.RECOVER_TITLE, text)


def ended(record: RunRecord, wish: Wish[Recovery]) -> tuple[str, Any, Any]:
    """How an attack ended: the sentence, the time of the next one, and the pictures."""
    if wish.state != "done":
        return ended_html(wish, ""), gr.skip(), gr.skip()
    what = record.config.forget.strip().removeprefix(CONCEPT)
    took = page_copy.duration(wish.seconds)
    rules = copy.RECOVER_RULES.replace("*", "").format(steps=Attack().steps, time=took)
    text = status(attack.sentence(record, wish.outcomes, what)) + note(rules)
    drawn = drawn_html(wish.outcomes, what, record.class_names, record.roles)
    return text, note(attack.time_text(record)), veiled(drawn, record.blurred)
