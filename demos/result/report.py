"""A run on one page of HTML that needs no server: summary, pictures, numbers, figures, settings, versions."""

from __future__ import annotations

import base64
from dataclasses import replace

from markupsafe import Markup

from demos.plots.files import figures
from demos.plots.files import render as drawn
from demos.records.brief import lines
from demos.records.record import RunRecord
from demos.render import render
from demos.result import tables
from demos.result.pictures import pictures_html
from demos.static_files import read
from demos.text import links as texts
from sfr_core import catalog
from sfr_core.zoo.shipped import shareable

STYLES = ("tokens.css", "plain.css", "result.css", "generator.css")


def report_html(record: RunRecord, config: str) -> str:
    """The page as text.

    Args:
        config: the run's config.json, as whoever gets the report may read it.
    """
    result, run = record.result, replace(record.config, model=shareable(record.config.model))
    what = run.forget.partition(":")[2]
    # Pictures that the page shows only to those who ask for them are nobody's to find in a file.
    pictures = Markup() if record.blurred else pictures_html(record)
    shown = {} if record.blurred else figures(record)
    versions = {} if result is None else result.versions
    return render(
        "report.html",
        T=texts.REPORT,
        css=Markup("\n".join(map(read, STYLES))),
        title=texts.REPORT_TITLE.format(method=catalog.title_of(run.method), what=what),
        about=texts.REPORT_ABOUT.format(
            model=run.model, device=texts.REPORT_UNKNOWN if result is None else result.device
        ),
        summary=tables.summary_html(record),
        pictures=pictures,
        rows=lines(record),
        metrics=tables.metrics_html(record),
        figures=[(name, _inline(drawn(figure, "svg"))) for name, figure in shown.items() if name != "samples"],
        config=config,
        versions=sorted(versions.items()),
    )


def _inline(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()
