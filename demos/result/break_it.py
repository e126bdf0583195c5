"""Break it: the same run, same seed, with one part switched off, its curves laid over those of the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr

from demos import render
from demos.context import LAST, QUICK, PageContext
from demos.jobs.book import Job
from demos.plots.curves import QUANTITIES, curve, quantity_title, unit_of
from demos.records.record import RunRecord, from_job
from demos.text import result as copy
from sfr_core.configs import RunConfig
from sfr_core.events import Step
from sfr_core.results import GeneratorRecord

LOOK_SECONDS = 1.5


def broken_config(config: RunConfig, part: str) -> RunConfig:
    """The same run with one switch off.

    Raises:
        KeyError: the method has no such switch.
    """
    if part not in copy.BREAK_BUTTONS or config.settings[part] is not True:
        raise KeyError(part)
    return replace(config, settings={**config.settings, part: False})


def parts_of(config: RunConfig) -> tuple[str, ...]:
    """Switches of this run that are on."""
    return tuple(part for part in copy.BREAK_BUTTONS if config.settings.get(part) is True)


def quantity_choices(record: RunRecord) -> list[tuple[str, str]]:
    """Titles and ids of what can be drawn of a run."""
    return [(quantity_title(name, record), name) for name in QUANTITIES]


class BreakIt:
    """Buttons, and the overlay of the broken runs, which are found among the visitor's runs: no list of them can be lost on the way.

    `drawn` counts the ended ones that the overlay shows.
    """

    def __init__(self, ctx: PageContext, prefix: str, key: gr.State) -> None:
        self.ctx, self.key = ctx, key
        self.drawn = gr.State(0)
        self.timer = gr.Timer(LOOK_SECONDS, active=False)
        gr.Markdown(f"### {copy.BREAK_TITLE}\n{copy.BREAK_HELP}")
        with gr.Row():
            self.buttons = {
                part: gr.Button(label, size="sm", min_width=180, elem_id=f"{prefix}-break-{part}")
                for part, label in copy.BREAK_BUTTONS.items()
            }
        self.stop = gr.Button(
            copy.BREAK_STOP, size="sm", visible=False, elem_id=f"{prefix}-break-stop", elem_classes="cmp-small"
        )
        self.status = gr.HTML(elem_id=f"{prefix}-break-status")
        self.quantity = gr.Radio(
            list(QUANTITIES),
            value=QUANTITIES[0],
            label=copy.BREAK_QUANTITY,
            visible=False,
            elem_id=f"{prefix}-break-quantity",
            interactive=True,
        )
        self.plot = gr.Plot(show_label=False, visible=False, elem_id=f"{prefix}-break-plot", elem_classes="cmp-plot")
        self.table = gr.HTML(elem_id=f"{prefix}-break-table")

    def updates_of(self, record: RunRecord, *, live: bool) -> dict[Any, Any]:
        """Fresh for another run: only the switches that it has. The first tick brings back the runs that it was broken into before."""
        parts = parts_of(record.config) if live and record.steps else ()
        return {
            **self.cleared(),
            **{button: gr.update(visible=part in parts) for part, button in self.buttons.items()},
            self.timer: gr.Timer(active=bool(parts)),
            self.status: ""
            if parts
            else render.note(copy.BREAK_NO_STEP if live and not record.steps else copy.BREAK_NOT_HERE),
            self.quantity: gr.update(choices=quantity_choices(record), value=QUANTITIES[0], visible=False),
        }

    def cleared(self) -> dict[Any, Any]:
        """No broken runs."""
        return {
            **{button: gr.skip() for button in self.buttons.values()},
            self.drawn: 0,
            self.timer: gr.Timer(active=False),
            self.stop: gr.update(visible=False),
            self.status: "",
            self.quantity: gr.update(visible=False),
            self.plot: gr.update(value=None, visible=False),
            self.table: "",
        }

    def wire(self, record_of: Callable[[Any, Any], RunRecord]) -> None:
        """Connects buttons, timer and choice; `record_of(browser, key)` checks whose run it is."""
        run = [self.ctx.browser, self.key]
        for part, button in self.buttons.items():
            button.click(self._breaker(part, record_of), run, [self.timer, self.stop, self.status], **QUICK)

        def look(browser: Any, key: Any, drawn: int, quantity: str) -> tuple[Any, ...]:
            if not key:
                return gr.Timer(active=False), *(gr.skip() for _ in outputs[1:])
            base = record_of(browser, key)
            jobs = self.broken(browser, base.config)
            ended = comparable(jobs)
            shown: tuple[Any, ...] = (gr.skip(), gr.skip(), gr.skip())
            if len(ended) != drawn:
                shown = (
                    gr.update(visible=True),
                    *overlay(base, {part: from_job(j) for part, j in ended.items()}, quantity),
                )
                # Another part may have been switched off while the overlay was drawn.
                jobs = self.broken(browser, base.config)
            timer = gr.skip() if any(job.active for job in jobs.values()) else gr.Timer(active=False)
            return timer, stop_button(jobs), self._status(jobs), len(ended), *shown

        outputs = [self.timer, self.stop, self.status, self.drawn, self.quantity, self.plot, self.table]
        self.timer.tick(look, [*run, self.drawn, self.quantity], outputs, **QUICK)

        def stop(browser: Any, key: Any) -> tuple[Any, str]:
            jobs = self.broken(browser, record_of(browser, key).config)
            for job in jobs.values():
                self.ctx.book.stop(job.id)
            return stop_button(jobs), self._status(jobs)

        self.stop.click(stop, run, [self.stop, self.status], **QUICK)

        def choose(browser: Any, key: Any, quantity: str) -> tuple[Any, str]:
            base = record_of(browser, key)
            ended = comparable(self.broken(browser, base.config))
            return overlay(base, {part: from_job(job) for part, job in ended.items()}, quantity)

        self.quantity.input(choose, [*run, self.quantity], [self.plot, self.table], **LAST)

    def broken(self, browser: Any, config: RunConfig) -> dict[str, Job]:
        """The visitor's newest run of `config` without each of its parts, where there is one."""
        runs = self.ctx.book.runs(self.ctx.visitor(browser))
        found = {}
        for part in parts_of(config):
            wanted = broken_config(config, part)
            job = next((job for job in runs if job.config == wanted), None)
            if job is not None:
                self.ctx.book.touch(job.id)
                found[part] = job
        return found

    def _breaker(self, part: str, record_of: Callable[[Any, Any], RunRecord]) -> Callable[..., Any]:
        def start(browser: Any, key: Any) -> tuple[Any, ...]:
            config = record_of(browser, key).config
            already = self.broken(browser, config).get(part)
            if already is None or not (already.active or already.state == "finished"):
                try:
                    self.ctx.submit(browser, broken_config(config, part))
                except gr.Error as error:
                    return gr.skip(), gr.skip(), render.alert(str(error.message))
            jobs = self.broken(browser, config)
            return gr.Timer(active=True), stop_button(jobs), self._status(jobs)

        return start

    def _status(self, jobs: dict[str, Job]) -> str:
        return render.joined(
            render.note(f"{copy.BROKEN_NAMES[part]}: {self._state(job)}") for part, job in jobs.items()
        )

    def _state(self, job: Job) -> str:
        """Where a broken run is, in a few words."""
        step = next((e for e in reversed(job.log) if isinstance(e, Step)), None)
        at = f"step {step.i} of {step.total}" if step else ""
        if job.state == "queued":
            return f"waiting, place {self.ctx.book.place(job.id)} in the queue"
        if job.stopping:
            return "stopping"
        if job.state == "running":
            return at or "preparing"
        if job.state == "failed":
            return f"failed. {job.error or ''}"
        if job.state == "cancelled":
            return f"stopped at {at}" if at else "stopped before its first step"
        return job.state


def comparable(jobs: dict[str, Job]) -> dict[str, Job]:
    """Ended runs that made a step; a stopped one shows how far it came."""
    ended = {part: job for part, job in jobs.items() if not job.active}
    return {part: job for part, job in ended.items() if any(isinstance(event, Step) for event in job.log)}


def stop_button(jobs: dict[str, Job]) -> Any:
    """Shown while a broken run waits or runs; pressed once, it waits for the step that is under way."""
    active = [job for job in jobs.values() if job.active]
    return gr.update(visible=bool(active), interactive=any(not job.stopping for job in active))


def overlay(base: RunRecord, broken: dict[str, RunRecord], quantity: str) -> tuple[Any, str]:
    """The curves of the base run and the broken ones over each other, and where each of them ended as a table."""
    from demos.plots.curves import overlay_figure

    runs = [(copy.BASE_RUN, base), *((copy.BROKEN_NAMES[part], record) for part, record in broken.items())]
    chosen = next((q for q in QUANTITIES if q == quantity), QUANTITIES[0])
    rows = []
    for name, record in runs:
        ends = [curve(record, q).y for q in QUANTITIES]
        rows.append((name, *_full(record), *(f"{y[-1]:.4g}" if y else "–" for y in ends)))
    generates = base.generates
    last = (f"{quantity_title(q, base)}, last ({unit_of(q, base)})" for q in QUANTITIES)
    n = next((f"n = {e.record.n_forget} and {e.record.n_remain}" for e in base.live()), "none")  # type: ignore[union-attr]
    numbers = copy.BREAK_HEAD_GENERATOR if generates else copy.BREAK_HEAD
    head = ("run", *(copy.BREAK_HEAD_CONCEPT if base.of_concept else numbers), *last)
    caption = (copy.BREAK_CAPTION_GENERATOR if generates else copy.BREAK_CAPTION).format(n=n)
    figure = gr.update(value=overlay_figure(runs, chosen), visible=True)
    return figure, render.table(head, rows, caption=caption)


def _full(record: RunRecord) -> tuple[str, str]:
    """The two main numbers of the evaluation after a run."""
    after = None if record.result is None else record.result.after
    if after is None:
        return "–", "–"
    return f"{after.FA:.1f}", f"{after.JA_remain if isinstance(after, GeneratorRecord) else after.RA:.1f}"
