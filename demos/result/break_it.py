"""Break it: the same run, same seed, with one part switched off, its curves laid over those of the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from demos import render
from demos.context import LAST, QUICK
from demos.jobs.book import Job
from demos.panel import ShownRun
from demos.plots.curves import QUANTITIES, curve, quantity_title, unit_of
from demos.records.record import RunRecord, from_job
from demos.text import result as texts
from sfr_core.configs import RunConfig
from sfr_core.events import Step
from sfr_core.results import GeneratorRecord

LOOK_SECONDS = 1.5


def broken_config(config: RunConfig, part: str) -> RunConfig:
    """The same run with one switch off.

    Raises:
        KeyError: the method has no such switch.
    """
    if part not in texts.BREAK_BUTTONS or config.settings[part] is not True:
        raise KeyError(part)
    return replace(config, settings={**config.settings, part: False})


def parts_of(config: RunConfig) -> tuple[str, ...]:
    """Switches of this run that are on."""
    return tuple(part for part in texts.BREAK_BUTTONS if config.settings.get(part) is True)


class BreakIt:
    """Buttons, and the overlay of the broken runs, which are found among the visitor's runs: no list of them can be lost on the way."""

    def __init__(self, run: ShownRun, record: RunRecord) -> None:
        self.run, self.ctx = run, run.ctx
        gr.Markdown(texts.BREAK_HELP)
        parts = () if record.imported or not record.steps else parts_of(record.config)
        if parts:
            self._parts(parts, record)
        else:
            no_step = not record.imported and not record.steps
            gr.HTML(
                render.note(texts.BREAK_NO_STEP if no_step else texts.BREAK_NOT_HERE),
                elem_id=f"{run.prefix}-break-status",
            )

    def _parts(self, parts: Sequence[str], record: RunRecord) -> None:
        name = f"{self.run.prefix}-break"
        drawn = gr.State(0)  # ended runs that the overlay shows
        timer = gr.Timer(LOOK_SECONDS)  # its first tick brings back the runs that this one was broken into before
        with gr.Row():
            buttons = {
                part: gr.Button(texts.BREAK_BUTTONS[part], size="sm", min_width=180, elem_id=f"{name}-{part}")
                for part in parts
            }
        stop = gr.Button(texts.BREAK_STOP, size="sm", visible=False, elem_id=f"{name}-stop", elem_classes="cmp-small")
        status = gr.HTML(elem_id=f"{name}-status")
        quantity = gr.Radio(
            [(quantity_title(name, record), name) for name in QUANTITIES],
            value=QUANTITIES[0],
            label=texts.BREAK_QUANTITY,
            visible=False,
            elem_id=f"{name}-quantity",
            interactive=True,
        )
        plot = gr.Plot(show_label=False, visible=False, elem_id=f"{name}-plot", elem_classes="cmp-plot")
        table = gr.HTML(elem_id=f"{name}-table")
        browser = self.ctx.browser
        for part, button in buttons.items():
            button.click(self._breaker(part), browser, [timer, stop, status], **QUICK)
        shown = [timer, stop, status, drawn, quantity, plot, table]
        timer.tick(self._look, [browser, drawn, quantity], shown, **QUICK)
        stop.click(self._stop, browser, [stop, status], **QUICK)
        quantity.input(self._choose, [browser, quantity], [plot, table], **LAST)

    def _look(self, browser: Any, drawn: int, quantity: str) -> tuple[Any, ...]:
        """How the broken runs stand; the overlay where another one has ended."""
        base = self.run.record(browser)
        jobs = self.broken(browser, base.config)
        ended = comparable(jobs)
        shown: tuple[Any, ...] = (gr.skip(), gr.skip(), gr.skip())
        if len(ended) != drawn:
            shown = (gr.update(visible=True), *overlay(base, records_of(ended), quantity))
            # Another part may have been switched off while the overlay was drawn.
            jobs = self.broken(browser, base.config)
        timer = gr.skip() if any(job.active for job in jobs.values()) else gr.Timer(active=False)
        return timer, stop_button(jobs), self._status(jobs), len(ended), *shown

    def _stop(self, browser: Any) -> tuple[Any, str]:
        jobs = self.broken(browser, self.run.record(browser).config)
        for job in jobs.values():
            self.ctx.book.stop(job.id)
        return stop_button(jobs), self._status(jobs)

    def _choose(self, browser: Any, quantity: str) -> tuple[Any, str]:
        base = self.run.record(browser)
        return overlay(base, records_of(comparable(self.broken(browser, base.config))), quantity)

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

    def _breaker(self, part: str) -> Callable[..., Any]:
        def start(browser: Any) -> tuple[Any, ...]:
            config = self.run.record(browser).config
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
            render.note(f"{texts.BROKEN_NAMES[part]}: {self._state(job)}") for part, job in jobs.items()
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


def records_of(jobs: dict[str, Job]) -> dict[str, RunRecord]:
    """The runs as they stand."""
    return {part: from_job(job) for part, job in jobs.items()}


def stop_button(jobs: dict[str, Job]) -> Any:
    """Shown while a broken run waits or runs; pressed once, it waits for the step that is under way."""
    active = [job for job in jobs.values() if job.active]
    return gr.update(visible=bool(active), interactive=any(not job.stopping for job in active))


def overlay(base: RunRecord, broken: dict[str, RunRecord], quantity: str) -> tuple[Any, str]:
    """The curves of the base run and the broken ones over each other, and where each of them ended as a table."""
    from demos.plots.curves import overlay_figure

    runs = [(texts.BASE_RUN, base), *((texts.BROKEN_NAMES[part], record) for part, record in broken.items())]
    chosen = next((q for q in QUANTITIES if q == quantity), QUANTITIES[0])
    rows = []
    for name, record in runs:
        ends = [curve(record, q).y for q in QUANTITIES]
        rows.append((name, *_full(record), *(f"{y[-1]:.4g}" if y else "–" for y in ends)))
    generates = base.generates
    last = (f"{quantity_title(q, base)}, last ({unit_of(q, base)})" for q in QUANTITIES)
    n = next((f"n = {e.record.n_forget} and {e.record.n_remain}" for e in base.live()), "none")  # type: ignore[union-attr]
    numbers = texts.BREAK_HEAD_GENERATOR if generates else texts.BREAK_HEAD
    head = ("run", *(texts.BREAK_HEAD_CONCEPT if base.of_concept else numbers), *last)
    caption = (texts.BREAK_CAPTION_GENERATOR if generates else texts.BREAK_CAPTION).format(n=n)
    figure = gr.update(value=overlay_figure(runs, chosen), visible=True)
    return figure, render.table(head, rows, caption=caption)


def _full(record: RunRecord) -> tuple[str, str]:
    """The two main numbers of the evaluation after a run."""
    after = None if record.result is None else record.result.after
    if after is None:
        return "–", "–"
    return f"{after.FA:.1f}", f"{after.JA_remain if isinstance(after, GeneratorRecord) else after.RA:.1f}"
