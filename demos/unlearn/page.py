"""Tab Unlearn: the form, the buttons, the live view that follows a job's log, and Compare below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demos.context import LAST, PRIVATE, QUEUED, QUICK, Lost, PageContext, call_off, say
from demos.guard import unforeseen
from demos.jobs.book import Job
from demos.jobs.estimate import Timing
from demos.links.address import linked, words_in
from demos.links.box import share_box
from demos.live import view as bridge
from demos.live.feed import GONE, Feed
from demos.render import form_alert, render
from demos.result import page as compare_page
from demos.static_files import mounting
from demos.text import links as link_texts
from demos.text import live as live_text
from demos.text import unlearn as copy
from demos.unlearn import cards, lost, recorded, reference
from demos.unlearn import form as form_page
from demos.unlearn import layout as form_layout
from demos.unlearn import options as form_values
from demos.unlearn import wiring as form_wiring
from demos.unlearn.form_settings import default_run
from sfr_core.errors import InputError, PlaygroundError
from sfr_core.plan import RunPlan
from sfr_core.zoo import shipped as zoo

TIMES_SECONDS = 2.0
"""Between two looks at the expected times while the models are timed."""
STAY_NEAR = "() => document.querySelector('#live [data-part=line]')?.focus({preventScroll: true})"
"""A button that is pressed once goes or is switched off: the focus moves to the line that tells what becomes of the run."""
SHOW_CHOICE = """() => {
  const choice = document.querySelector('#choice');
  const shown = choice && choice.offsetParent;
  if (shown) choice.scrollIntoView({behavior: 'smooth', block: 'nearest'});
  const waited = document.activeElement?.matches('#live [data-part=line]');
  if (waited) document.querySelector(shown ? '#keep' : '#unlearn')?.focus({preventScroll: true});
}"""
CLOCK = "(browser) => ({...browser, clock: -new Date().getTimezoneOffset()})"
"""The page tells times by the visitor's clock."""
SCROLL = (
    "() => { const live = document.querySelector('#live'); "
    "if (live && window.innerWidth < 760) live.scrollIntoView({behavior: 'smooth', block: 'start'}); }"
)


@dataclass(slots=True)
class Unlearn:
    """What app_builder connects: the live view and the job buttons."""

    form: form_page.Form
    feed: Feed
    live: gr.HTML
    expected: gr.HTML
    timing: Timing
    reference_note: gr.HTML
    retrain: gr.Button
    anyway: gr.Checkbox
    share: gr.HTML
    uploads: gr.Accordion
    run: gr.Button
    stop: gr.Button
    reset: gr.Button
    lost: gr.HTML
    choice: gr.Group
    choice_text: gr.Markdown
    keep: gr.Button
    rollback: gr.Button
    compare: compare_page.Result
    fill: compare_page.Fill
    first: recorded.Recordings
    recording: gr.State

    @property
    def about(self) -> list[Any]:
        """What is said of the run that the form describes (`about_updates`)."""
        return [self.expected, self.reference_note, self.retrain, self.anyway, self.share, self.uploads]

    @property
    def job_outputs(self) -> list[Any]:
        """Everything that follows the state of the shown job."""
        return [self.live, self.run, self.stop, self.lost, self.choice, self.choice_text, self.compare.shown]


def build(
    ctx: PageContext,
    timing: Timing,
    first: recorded.Recordings,
    loaded: Callable[..., Any],
) -> Unlearn:
    """Draws the tab and wires it; `loaded` is the event of a page that has loaded."""
    model = first.first
    feed = Feed(ctx.book)

    async def poll(have: Any) -> dict[str, Any]:
        """Asked by live.js; on the event loop, because it takes about a millisecond and waits for nothing."""
        try:
            return feed.read(have)
        except Exception as error:  # no event, so the guard of the page's events does not see it
            unforeseen(error)
            return GONE

    recording = gr.State(first.opening)  # whose recorded run plays while no run is shown
    with gr.Row(elem_id="columns"):
        with gr.Column(scale=5, min_width=380, elem_id="setup"):
            form = form_layout.build(model)
            anyway = gr.Checkbox(label=copy.ANYWAY, info=copy.ANYWAY_INFO, visible=False, elem_id="anyway")
            with gr.Row(elem_id="actions"):
                # Enabled once the visitor has a token: a run of nobody could not be found again.
                run = gr.Button(copy.UNLEARN, variant="primary", interactive=False, elem_id="unlearn")
                stop = gr.Button(copy.STOP, interactive=False, elem_id="stop")
                reset = gr.Button(copy.RESET, elem_id="reset")
                expected = gr.HTML(reference.expected_html(None), elem_id="expected", min_width=0)
            reference_note = gr.HTML("", elem_id="reference-note")
            retrain = gr.Button(copy.RETRAIN_OFFER, size="sm", visible=False, elem_id="retrain-here")
            uploads = reference.upload_part(form, lambda: (page.about, lambda values: about_in_form(page, values)))
            share = share_box(form_values.first_model(), default_run)
        with gr.Column(scale=7, min_width=380, elem_id="live-column"):
            lost_note = gr.HTML("", visible=False, elem_id="lost")
            with gr.Group(visible=False, elem_id="choice") as choice:
                choice_text = gr.Markdown("", elem_id="choice-text")
                with gr.Row():
                    keep = gr.Button(copy.KEEP, elem_id="keep")
                    rollback = gr.Button(copy.ROLL_BACK, elem_id="rollback")
            view = gr.HTML(
                first.value(first.opening),
                html_template=render("live.html", T=live_text.LIVE),
                js_on_load=mounting("live"),
                apply_default_css=False,
                elem_id="live",
                server_functions=[poll],
                texts=live_text.LIVE,
                recordings=first.offered(),
            )
    fill = form_wiring.filling(form, ctx)
    page: Unlearn = Unlearn(
        form, feed, view, expected, timing, reference_note, retrain, anyway, share, uploads, run, stop, reset, lost_note, choice,
        choice_text, keep, rollback,
        compare_page.Result(ctx, fill=fill, keep=lambda *asked: _wire_moment(ctx, page, *asked)), fill, first, recording,
    )  # fmt: skip
    _wire_start(ctx, page)
    _wire_return(ctx, page, loaded)
    _wire_form(page, _wire_job(ctx, page))
    recorded.wire(ctx, form, first, view, recording)
    fill(view.edit, lambda browser, told: first.offered_run(told))
    return page


def about_updates(page: Unlearn, read: Callable[[], RunPlan]) -> dict[Any, Any]:
    """What is said of the run that `read` finds in the form."""
    return dict(zip(page.about, reference.describe(read), strict=True))


def about_in_form(page: Unlearn, values: Mapping[Any, Any]) -> dict[Any, Any]:
    """The same of the form with these values."""
    return about_updates(page, lambda: page.form.read(values))


def button_updates(page: Unlearn, job: Job) -> dict[Any, Any]:
    """Buttons for a job as it stands."""
    # On ZeroGPU the weights of a stopped run are gone.
    there = job.session is not None and job.session.after is not None
    choosing = job.state == "cancelled" and job.started is not None and not job.settled and there
    return {
        page.run: gr.Button(interactive=not job.active),
        page.stop: gr.Button(copy.STOPPING if job.stopping else copy.STOP, interactive=job.active and not job.stopping),
        page.choice: gr.update(visible=choosing),
        page.choice_text: copy.STOPPED_CHOICE.format(step=bridge.reduce_all(job.log).step) if choosing else "",
        page.lost: lost.note(None),
    }


def idle_updates(page: Unlearn, browser: Any, model: str) -> dict[Any, Any]:
    """Nothing runs: the recorded run of `model` plays again."""
    return {
        page.live: page.first.value(model),
        page.run: gr.Button(interactive=True),
        page.stop: gr.Button(copy.STOP, interactive=False),
        page.choice: gr.update(visible=False),
        page.choice_text: "",
        page.compare.shown: page.compare.show(browser),
    }


def _wire_job(ctx: PageContext, page: Unlearn) -> Any:
    """Live view, buttons and Compare follow the shown job. Returns the listener to its end."""

    def attach(browser: Any, job_id: Any, recording: str) -> dict[Any, Any]:
        """The shown job as it stands; from there on live.js follows it by its own polls."""
        job = ctx.job_of(browser, job_id)
        if job is None:
            note = lost.note(ctx.lost(browser), filled=True)  # the page was open all the time, and so was its form
            return {**idle_updates(page, browser, recording), page.lost: note}
        value = page.feed.attach(job)
        compared = page.compare.show(browser, "" if value["follow"] else comparable(job))
        buttons = button_updates(page, job)
        return {page.live: value, **buttons, page.compare.shown: compared, page.recording: job.config.model}

    inputs, outputs = [ctx.browser, ctx.job], page.job_outputs
    attached, shown = [*inputs, page.recording], [*outputs, page.recording]
    ctx.job.change(attach, attached, shown, trigger_mode="multiple", **QUEUED)
    # live.js met the end of the run, or a handle that this server no longer knows.
    ended = page.live.select(attach, attached, shown, trigger_mode="always_last", **QUEUED)
    ended.then(None, js=SHOW_CHOICE, **PRIVATE)

    def stop_it(browser: Any, job_id: Any) -> Any:
        job = ctx.job_of(browser, job_id)
        if job is None:
            return gr.skip()
        ctx.book.stop(job.id)
        return gr.Button(copy.STOPPING if job.active else copy.STOP, interactive=False)

    # Not queued and no `cancels`: it only sets the token that the loop asks between two steps.
    page.stop.click(stop_it, inputs, page.stop, **QUICK)
    for button in (page.stop, page.keep, page.rollback):
        button.click(None, js=STAY_NEAR, **PRIVATE)

    def settle(act: Callable[[str], None]) -> Callable[[Any, Any], dict[Any, Any]]:
        # The other button may have been quicker.
        once = lambda job: None if job.settled else act(job.id)  # noqa: E731
        return lambda browser, job_id: settled(ctx, page, browser, job_id, once)

    page.keep.click(settle(ctx.book.keep), inputs, outputs, **QUEUED)
    page.rollback.click(settle(ctx.book.rollback), inputs, outputs, **QUEUED)

    def reset_it(browser: Any, job_id: Any) -> tuple[Any, ...]:
        job = ctx.job_of(browser, job_id)
        if job is not None and job.active:
            ctx.book.stop(job.id)
        elif job is not None:
            ctx.book.free(job.id)
        return ctx.show(browser, None)

    call_off(page.reset.click, [ended])  # or the run that has just ended comes back
    page.reset.click(reset_it, inputs, inputs, **QUEUED)
    return ended


def settled(ctx: PageContext, page: Unlearn, browser: Any, job_id: Any, act: Callable[[Job], Any]) -> dict[Any, Any]:
    """The page after something was done to the weights of an ended run.

    Raises:
        gr.Error: it is not this visitor's, or it could not be done.
    """
    job = ctx.job_of(browser, job_id)
    if job is None:
        raise say(InputError(copy.NOT_YOURS))
    try:
        act(job)
    except PlaygroundError as error:
        raise say(error) from None
    compared = page.compare.show(browser, "" if job.active else comparable(job))
    return {page.live: page.feed.attach(job), **button_updates(page, job), page.compare.shown: compared}


def _wire_moment(ctx: PageContext, page: Unlearn, event: Callable[..., Any], key: str, step: int) -> None:
    """An event of a result keeps a moment of its run; the live view then follows the evaluation."""

    def keep(browser: Any) -> dict[Any, Any]:
        return settled(ctx, page, browser, key, lambda job: ctx.book.keep_moment(job.id, step))

    event(keep, ctx.browser, page.job_outputs, **QUEUED)
    event(None, js=STAY_NEAR, **PRIVATE)


def comparable(job: Job) -> str:
    """Id of an ended job; "" where there is nothing to compare."""
    return "" if job.state == "failed" or job.settled == "rolled back" or job.started is None else job.id


def _wire_start(ctx: PageContext, page: Unlearn) -> None:
    shown = [ctx.browser, ctx.job]

    def running(browser: Any, job_id: Any) -> bool:
        """A run is shown and has not ended: a second click came before the button was off."""
        job = ctx.job_of(browser, job_id)
        return job is not None and job.active

    def begin(values: Mapping[Any, Any]) -> tuple[Any, ...]:
        if running(values[ctx.browser], values[ctx.job]):
            return gr.skip(), gr.skip()
        try:
            planned = page.form.read(values)
            reference.check_known(planned, anyway=values[page.anyway] is True)
        except PlaygroundError as error:
            raise say(error) from None
        return ctx.show(values[ctx.browser], ctx.submit(values[ctx.browser], planned))

    asked: set[gr.blocks.Block] = {*shown, *page.form.inputs}
    page.run.click(begin, {*asked, page.anyway}, shown, **QUEUED).success(None, js=SCROLL, **PRIVATE)

    def begin_retraining(values: Mapping[Any, Any]) -> tuple[Any, ...]:
        try:
            if running(values[ctx.browser], values[ctx.job]):
                raise InputError(copy.RUN_FIRST, hint=copy.RUN_FIRST_HINT)
            planned = reference.retraining(page.form.read(values))
        except PlaygroundError as error:
            raise say(error) from None
        return ctx.show(values[ctx.browser], ctx.submit(values[ctx.browser], planned))

    page.retrain.click(begin_retraining, asked, shown, **QUEUED)

    def begin_recorded(browser: Any, job_id: Any, model: Any, event: gr.EventData) -> dict[Any, Any]:
        found = page.first.named(event._data.get("key") if isinstance(event._data, Mapping) else None)
        if found is None or running(browser, job_id):
            return {ctx.job: gr.skip()}
        planned = found.run
        filled = page.form.fill(planned, form_values.opened_ids(model))  # first, so that nothing runs that is not shown
        browser, job_id = ctx.show(browser, ctx.submit(browser, planned))
        return {ctx.browser: browser, ctx.job: job_id, **filled}

    inputs = [*shown, page.form.model]
    page.form.filled.append(page.live.submit(begin_recorded, inputs, [*shown, *page.form.outputs], **QUEUED))


def _wire_return(ctx: PageContext, page: Unlearn, loaded: Callable[..., Any]) -> None:
    """A new visitor gets a token; one who returns finds the run that the page showed, and the form describes it.

    One event for all: each takes the browser as long as a tenth of the page.
    """
    form = page.form
    begins = {part: part.value for part in form.inputs}

    def come_back(browser: Any, request: gr.Request) -> dict[Any, Any]:
        job, gone = ctx.last_job(browser), ctx.lost(browser)
        try:
            run = linked(words_in(request), page.first.opening, default_run)
        except PlaygroundError as error:
            refused = form_alert(link_texts.REFUSED.format(error=error))
            return {**come_back_to(browser, job, gone), page.lost: gr.update(value=refused, visible=True)}
        return come_back_to(browser, job, gone) if run is None else opened_by(browser, job, run)

    def opened_by(browser: Any, job: Job | None, run: RunPlan) -> dict[Any, Any]:
        """The form holds the run of the address; a run under way stays on screen."""
        running = job if job is not None and job.active else None
        known, job_id = ctx.show(browser, running)
        shown = {ctx.browser: known, ctx.job: job_id, page.run: gr.Button(interactive=running is None)}
        if running is None:
            shown |= {page.live: {**page.first.value(run.config.model), "settled": True}, page.lost: lost.note(None)}
        return {**shown, page.recording: run.config.model, **form.fill(run), **about_updates(page, lambda: run)}

    def come_back_to(browser: Any, job: Job | None, gone: Lost | None) -> dict[Any, Any]:
        known, job_id = ctx.show(browser, job, gone)
        shown = {ctx.browser: known, ctx.job: job_id, page.run: gr.Button(interactive=job is None or not job.active)}
        if job is not None:
            run, model = job.plan, job.config.model
            opened = (model,) if model.startswith((zoo.OWN, zoo.HUB)) else ()
            with suppress(PlaygroundError):  # a visitor's model that is closed by now: its run can still be seen
                filled = {page.recording: model, **form.fill(run, opened)}
                return {**shown, **filled, **about_updates(page, lambda: run)}
        else:
            found = None if gone is None else lost.settings_of(form, gone)
            opening = page.first.opening if found is None else found[0].config.model
            # No run of the visitor's comes.
            shown |= {
                page.live: {**page.first.value(opening), "settled": True},
                page.lost: lost.note(gone, filled=found is not None),
            }
            if found is not None:
                run, filled = found
                return {**shown, page.recording: opening, **filled, **about_updates(page, lambda: run)}
        return {**shown, **about_in_form(page, begins)}

    outputs = [ctx.browser, ctx.job, page.run, page.live, page.lost, page.recording, *page.about]
    loaded(come_back, ctx.browser, [*outputs, *form.outputs], js=CLOCK, **QUEUED)


def _wire_form(page: Unlearn, ended: Any) -> None:
    """Expected time and retrained model follow the form, and the run that has `ended`: the next one is expected to take as long."""

    form = page.form

    def describe(values: Mapping[Any, Any]) -> dict[Any, Any]:
        return {**about_in_form(page, values), **form.offered(values)}

    chosen = [part.input for part in (form.samples, form.concepts, form.classes, form.kind, form.settings)]
    others: list[Any] = [form.share, form.share_seed, form.samples_note, form.concept_own]
    form.describing = (describe, form.inputs, [*page.about, form.settings, form.redirect_note])
    gr.on([*chosen, *(part.change for part in (*others, form.data, form.opened))], *form.describing, **LAST)
    # Not by a change: halfway the form is in part the old one, which the server refuses.
    for listener in form.filled:
        listener.then(*form.describing, **LAST)

    def time_again(models: Any) -> tuple[Any, Any]:
        return cards.with_times(models), gr.Timer(active=page.timing.going)

    # The models are timed in the background while the page is open already. The form is described by a request of its own, with what is
    # chosen when the times have come: they take a while, and what was chosen meanwhile would get the time of what was chosen before.
    timer = gr.Timer(TIMES_SECONDS)
    for event in (timer.tick, ended.then):
        event(time_again, form.model, [form.model, timer], **LAST).then(*form.describing, **LAST)
