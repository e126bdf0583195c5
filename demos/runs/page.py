"""Tab Runs: this visitor's runs, what differs between two of them, run files to look at, and one run large."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Literal

import gradio as gr

from demos import render
from demos.context import LAST, PRIVATE, QUEUED, QUICK, PageContext, drawn_once, say
from demos.records.diff import config_differences, result_differences
from demos.records.imports import Imports, read_files
from demos.records.record import RunRecord, from_job
from demos.records.summary_text import subject
from demos.result import page as compare
from demos.text import result as copy
from demos.text import unlearn as page_copy
from sfr_core import catalog, presets
from sfr_core.errors import InputError, PlaygroundError
from sfr_core.results import GeneratorRecord
from sfr_core.zoo import shipped as zoo

HEAD = (
    "when",
    "model",
    "forget",
    "method",
    "preset",
    "state",
    "forget accuracy (FA) %",
    "remain accuracy (RA) or judge accuracy (JA) %",
    "test accuracy (TA) %",
    "time (s)",
)


def title_of(record: RunRecord, zone: tzinfo | None = None) -> str:
    """A run in a list: when, method, what was forgotten, and what tells it from its neighbours."""
    method = catalog.title_of(record.config.method)
    what = subject(record.spec, record.class_names, record.config.forget)
    return f"{when_of(record, zone)} · {method}{off_of(record)} · {what} · {preset_title(record)}, seed {record.config.seed}"


def off_of(record: RunRecord) -> str:
    """Parts of the method that its preset has and that were switched off: ", no mask"."""
    config = record.config
    usual: dict[str, Any] = {}
    with suppress(PlaygroundError):  # a model or preset that this program does not know
        usual = presets.resolve(config.model, config.method, config.preset, forget=config.forget)
    return "".join(
        f", {name}"
        for part, name in copy.BROKEN_NAMES.items()
        if config.settings.get(part) is False and usual.get(part) is not False
    )


def preset_title(record: RunRecord) -> str:
    """The preset's name on the page; what the file says where it is none of ours."""
    return page_copy.PRESETS.get(record.config.preset, record.config.preset)


def model_title(model_id: str) -> str:
    """The name on the model's card; its identifier where this program has no such model (any more)."""
    with suppress(PlaygroundError):
        return zoo.card(model_id).title
    return zoo.shareable(model_id)


def when_of(record: RunRecord, zone: tzinfo | None = None) -> str:
    """Time of submission by the visitor's clock, or that it came from a file."""
    if record.created is None:
        return f"imported {record.key[-4:]}"
    text = datetime.fromtimestamp(record.created, zone or UTC).strftime("%H:%M:%S")
    return text if zone else f"{text} UTC"


def time_of(record: RunRecord) -> str:
    """Seconds to the finished comparison, of a run that has not ended about how many."""
    if record.state in ("queued", "running"):
        return "–" if record.expected is None else copy.RUNS_EXPECTED.format(seconds=record.expected)
    return "–" if record.took is None else f"{record.took:.1f}"


def runs_table(records: list[RunRecord], zone: tzinfo | None = None) -> str:
    """All runs with their main numbers."""
    if not records:
        return render.note(copy.RUNS_EMPTY)
    rows = []
    for record in records:
        after = record.result.after if record.result else None
        if isinstance(after, GeneratorRecord):
            numbers = [f"{after.FA:.1f}", f"{after.JA_remain:.1f}", "–"]
        else:
            numbers = ["–"] * 3 if after is None else [f"{v:.1f}" for v in (after.FA, after.RA, after.TA)]
        rows.append(
            (
                when_of(record, zone),
                model_title(record.config.model),
                subject(record.spec, record.class_names, record.config.forget),
                catalog.title_of(record.config.method) + off_of(record),
                preset_title(record),
                record.state,
                *numbers,
                time_of(record),
            )
        )
    return render.table(HEAD, rows, caption=f"{copy.RUNS_HELP} {copy.RUNS_NUMBERS}", text_columns=TEXTS)


TEXTS = frozenset({1, 2, 3, 4, 5})


def diff_html(a: RunRecord | None, b: RunRecord | None, zone: tzinfo | None = None) -> str:
    """Only what differs, in config and in results."""
    if a is None or b is None or a.key == b.key:
        return render.note(copy.DIFF_PICK)
    lines = (*config_differences(a, b), *result_differences(a, b))
    if not lines:
        return render.note(copy.DIFF_NONE)
    rows = [(line.name, line.group, line.a, line.b, line.change) for line in lines]
    return render.table(
        ("", "where", "A", "B", "B − A"),
        rows,
        caption=f"A: {title_of(a, zone)}. B: {title_of(b, zone)}.",
        text_columns=TEXTS_DIFF,
    )


SHOW_COMPARE = """() => {
  const look = (left) => {  // it is drawn after the answer
    const box = document.querySelector('#runs-compare-box');
    if (box) box.scrollIntoView({behavior: 'smooth', block: 'start'});
    else if (left) setTimeout(look, 100, left - 1);
  };
  look(100);
}"""
TEXTS_DIFF = frozenset({1})
STOP_PATIENCE = 120.0
"""Seconds for which the list waits for the end of a stopped run."""


BUTTONS: tuple[tuple[str, str, Literal["primary", "secondary"]], ...] = (
    ("open", copy.OPEN, "primary"),
    ("stop", copy.STOP_RUN, "secondary"),
    ("delete", copy.DELETE, "secondary"),
)


def focus(part: str) -> str:
    """Script that moves the focus once the page has been drawn: what had it may be hidden or switched off by then."""
    return f"() => setTimeout(() => document.querySelector('#{part}')?.focus(), 120)"


REFRESH = "() => { document.querySelector('#runs-refresh')?.click(); }"


class Runs:
    """What the tab does; its components are drawn when it is first opened.

    Args:
        ctx: the page.
        tab: holds the tab.
        fill: see compare.Result.
    """

    def __init__(self, ctx: PageContext, tab: gr.Tab, fill: compare.Fill | None = None) -> None:
        self.ctx, self.imports = ctx, Imports()
        # Not by listeners of what is drawn: those would stand in place of the ones outside of it (`drawn_once`).
        for event in (tab.select, ctx.job.change):
            event(None, js=REFRESH, **PRIVATE)
        drawn_once(tab.select, self._draw, [ctx.browser])
        self.compare = compare.Result(ctx, prefix="runs-compare", imports=self.imports, fill=fill)

    def _draw(self, browser: Any) -> None:
        table, first, second, diff, *able = self.listed(browser, None, None)
        gr.Markdown(f"## {copy.RUNS_TITLE}")
        self.table = gr.HTML(table, elem_id="runs-table")
        self.refresh = gr.Button("Refresh", size="sm", elem_id="runs-refresh", elem_classes="cmp-small")
        with gr.Row():
            self.a, self.b = (
                gr.Dropdown(
                    shown["choices"],
                    value=shown.get("value"),
                    label=label,
                    elem_id=f"runs-{part}",
                    min_width=300,
                    interactive=True,
                )
                for part, label, shown in (("a", copy.PICK_A, first), ("b", copy.PICK_B, second))
            )
        with gr.Row():
            self.open, self.stop, self.delete = (
                gr.Button(label, variant=variant, size="sm", interactive=shown["interactive"], elem_id=f"runs-{part}")
                for (part, label, variant), shown in zip(BUTTONS, able, strict=True)
            )
        with gr.Group(visible=False, elem_id="runs-sure") as self.sure:
            self.question = gr.Markdown("", elem_id="runs-question")
            with gr.Row():
                self.yes = gr.Button(copy.DELETE_YES, variant="stop", size="sm", elem_id="runs-delete-yes")
                self.no = gr.Button(copy.DELETE_NO, size="sm", elem_id="runs-delete-no")
        gr.Markdown(f"### {copy.DIFF_TITLE}")
        self.diff = gr.HTML(diff, elem_id="runs-diff")
        gr.Markdown(f"### {copy.IMPORT_TITLE}\n{copy.IMPORT_HELP}")
        self.upload = gr.UploadButton(
            copy.IMPORT_BUTTON,
            file_count="multiple",
            file_types=[".json", ".jsonl", ".zip"],
            size="sm",
            elem_id="runs-import",
            elem_classes="cmp-small",
        )
        self.message = gr.HTML(elem_id="runs-message")
        self._wire()

    @property
    def lists(self) -> list[Any]:
        """What `listed` updates."""
        return [self.table, self.a, self.b, self.diff, self.open, self.stop, self.delete]

    def records(self, browser: Any) -> list[RunRecord]:
        """This visitor's runs and imports, newest first."""
        visitor = self.ctx.visitor(browser)
        return [from_job(job) for job in self.ctx.book.runs(visitor)] + self.imports.of(visitor) if visitor else []

    def listed(self, browser: Any, a: Any, b: Any, first: str = "") -> list[Any]:
        """Values for table, A, B, the differences and the buttons; a choice that still exists stays, `first` goes to A."""
        records = {record.key: record for record in self.records(browser)}
        keys = list(records)
        new_a = first or (a if a in records else (keys[0] if keys else None))
        new_b = b if b in records and b != new_a else next((key for key in keys if key != new_a), None)
        return self._lists(records, (a, new_a), (b, new_b), self.ctx.zone(browser))

    def after_deletion(self, browser: Any, b: Any) -> list[Any]:
        """The same with nothing at A: the next press of Delete must not take a run that nobody chose."""
        records = {record.key: record for record in self.records(browser)}
        return self._lists(records, ("", None), (b, b if b in records else None), self.ctx.zone(browser))

    def _lists(
        self, records: Mapping[str, RunRecord], a: tuple[Any, Any], b: tuple[Any, Any], zone: tzinfo | None
    ) -> list[Any]:
        choices = [(title_of(record, zone), key) for key, record in records.items()]
        # No value where it stays: the visitor may have chosen another run meanwhile.
        shown = [gr.update(choices=choices, **({} if new == old else {"value": new})) for old, new in (a, b)]
        return [
            runs_table(list(records.values()), zone),
            *shown,
            diff_html(records.get(a[1] or ""), records.get(b[1] or ""), zone),
            *self._able(records.get(a[1] or "")),
        ]

    def _able(self, a: RunRecord | None) -> list[Any]:
        """Show, Stop and Delete for the run at A."""
        active = a is not None and a.state in ("queued", "running")
        return [gr.update(interactive=able) for able in (a is not None, active, a is not None and not active)]

    def _wire(self) -> None:
        ctx, pick = self.ctx, [self.ctx.browser, self.a, self.b]
        lists, buttons = self.lists, [self.open, self.stop, self.delete]
        self.refresh.click(self.listed, pick, lists, **LAST)

        def choose(browser: Any, a: Any, b: Any) -> list[Any]:
            records = {record.key: record for record in self.records(browser)}
            return [diff_html(records.get(a), records.get(b), ctx.zone(browser)), *self._able(records.get(a))]

        gr.on([self.a.input, self.b.input], choose, pick, [self.diff, *buttons], **LAST)

        def halt(browser: Any, a: Any, b: Any) -> list[Any]:
            """Also a run that the page no longer shows: a broken one, or one of another tab."""
            job = ctx.job_of(browser, a)
            if job is None:
                return [*self.listed(browser, a, b), render.alert(f"{copy.NOT_YOURS} {copy.NOT_YOURS_HINT}")]
            ctx.book.stop(job.id)
            return [*self.listed(browser, a, b), render.note(copy.STOP_ASKED)]

        async def ended(browser: Any, a: Any, b: Any) -> list[Any]:
            """The list once the run has ended, or after a while: a step on a slow machine may take longer."""
            until = time.monotonic() + STOP_PATIENCE
            while (job := ctx.job_of(browser, a)) is not None and job.active and time.monotonic() < until:
                await asyncio.sleep(0.2)
            message = gr.skip() if job is not None and job.active else ""
            return [*self.listed(browser, a, b), message]

        stopped = self.stop.click(halt, pick, [*lists, self.message], **QUICK)
        stopped.then(ended, pick, [*lists, self.message], **QUICK)

        def look(browser: Any, key: Any) -> str:
            if key not in {record.key for record in self.records(browser)}:
                raise say(InputError(copy.NOT_YOURS, hint=copy.NOT_YOURS_HINT))
            return self.compare.show(browser, key)

        self.open.click(look, [ctx.browser, self.a], self.compare.shown, trigger_mode="always_last", **QUEUED).then(
            None, js=SHOW_COMPARE, **PRIVATE
        )

        def ask(browser: Any, key: Any) -> tuple[Any, str]:
            record = next((one for one in self.records(browser) if one.key == key), None)
            question = "" if record is None else copy.DELETE_SURE.format(title=title_of(record, ctx.zone(browser)))
            return gr.update(visible=record is not None), question

        closed = gr.update(visible=False), ""
        asked = self.delete.click(ask, [ctx.browser, self.a], [self.sure, self.question], **QUICK)
        asked.then(None, js=focus("runs-delete-no"), **PRIVATE)
        # Not a run that was chosen after the question.
        gr.on([self.a.input, self.no.click], lambda: closed, None, [self.sure, self.question], **QUICK)
        self.no.click(None, js=focus("runs-delete"), **PRIVATE)

        changed = [*lists, self.message, self.compare.shown]
        page = [ctx.browser, ctx.job]

        def failed(error: PlaygroundError) -> list[Any]:
            return [render.alert(str(error)) if part is self.message else gr.skip() for part in changed]

        def drop(browser: Any, a: Any, b: Any, shown: Any, job_id: Any) -> list[Any]:
            try:
                if not isinstance(a, str):
                    raise InputError(copy.NOT_YOURS, hint=copy.NOT_YOURS_HINT)
                if not self.imports.drop(ctx.visitor(browser), a):
                    ctx.book.delete(ctx.visitor(browser), a)
            except PlaygroundError as error:
                return [*failed(error), gr.skip(), gr.skip()]
            compared = self.compare.show(browser) if self.compare.shows(shown, a) else gr.skip()
            # Where Unlearn shows this run, it goes there too: nothing must be left that asks for a run that is gone.
            shows = ctx.show(browser, None) if job_id == a else (gr.skip(), gr.skip())
            return [*self.after_deletion(browser, b), render.note(copy.DELETED), compared, *shows]

        # Queued, because the browser hears of a changed gr.State only through the queue.
        dropped = self.yes.click(drop, [*pick, self.compare.shown, ctx.job], [*changed, *page], **QUEUED)
        dropped.then(lambda: closed, None, [self.sure, self.question], **QUICK).then(
            None, js=focus("runs-refresh"), **PRIVATE
        )

        def take(files: list[str] | None, browser: Any, a: Any, b: Any) -> list[Any]:
            visitor = ctx.visitor(browser)
            try:
                if not visitor or not files:
                    raise InputError(copy.NOT_YOURS, hint=copy.NOT_YOURS_HINT)
                record = self.imports.add(visitor, read_files([Path(name) for name in files]))
            except PlaygroundError as error:
                return failed(error)
            message = render.note(copy.IMPORTED.format(title=title_of(record, ctx.zone(browser))))
            return [*self.listed(browser, a, b, record.key), message, self.compare.show(browser, record.key)]

        self.upload.upload(take, [self.upload, *pick], changed, **QUEUED)
