"""Downloads: made when asked for, in a fresh private folder whose name nobody can guess, and swept away later.

Gradio copies a returned file into its own cache, so ours only has to live until then. No path holds a visitor's text.
"""

from __future__ import annotations

import atexit
import csv
import io
import json
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from demos.records.metrics import metric_values
from demos.records.record import RunRecord
from demos.text import result as texts
from sfr_core.data.file_names import table_of
from sfr_core.errors import InputError
from sfr_core.events import Event, Finished
from sfr_core.results import RunResult
from sfr_core.runs.files import ROWS, event_line, write_weights
from sfr_core.zoo.shipped import shareable

if TYPE_CHECKING:
    from demos.jobs.book import Job

Kind = Literal["weights", "csv", "result", "report", "config", "events", "rows", "png", "svg"]
KEEP_SECONDS = 15 * 60.0
CSV_HEAD = ("metric", "before", "after", "retrained", "gap_to_retrained", "unit", "good", "n")


def metrics_csv(record: RunRecord) -> str:
    """The metrics table, numbers unrounded, empty where there is none.

    Raises:
        InputError: the run has no result.
    """
    if record.result is None:
        raise InputError(texts.NO_RESULT, hint=texts.NO_RESULT_HINT)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(CSV_HEAD)
    for row in metric_values(record):
        define = row.definition
        numbers = ("" if v is None else repr(v) for v in (row.before, row.after, row.retrained, row.gap))
        writer.writerow((define.key, *numbers, define.unit, define.good, "" if row.n is None else row.n))
    if record.result.kl_floor is not None:
        writer.writerow(("kl_floor", "", "", repr(record.result.kl_floor), "", "nats", "lower", ""))
    return buffer.getvalue()


def result_json(record: RunRecord) -> str:
    """result.json as docs/contracts.md has it.

    Raises:
        InputError: the run has no result.
    """
    if record.result is None:
        raise InputError(texts.NO_RESULT, hint=texts.NO_RESULT_HINT)
    return json.dumps(_shareable(record.result).to_json(), indent=1, ensure_ascii=False) + "\n"


def config_json(record: RunRecord) -> str:
    """config.json, which `python -m sfr_core run --config` repeats."""
    config = replace(record.used, model=shareable(record.config.model))
    return json.dumps(config.to_json(), indent=1, ensure_ascii=False) + "\n"


def events_jsonl(record: RunRecord) -> str:
    """events.jsonl: one event a line."""
    return "".join(event_line(_ended(event)) + "\n" for event in record.events)


def _ended(event: Event) -> Event:
    return replace(event, result=_shareable(event.result)) if isinstance(event, Finished) and event.result else event


def _shareable(result: RunResult) -> RunResult:
    """A visitor's model is named on the page by a secret; whoever is given a file must not learn it."""
    return replace(result, config={**result.config, "model": shareable(str(result.config["model"]))})


def rows_csv(record: RunRecord) -> str:
    """Which file each row is, where the pictures came from files.

    Raises:
        InputError: they did not.
    """
    table = None if record.dataset is None else table_of(record.dataset, record.forget_rows())
    if table is None:
        raise InputError(texts.NO_FILES)
    return table


def figures_zip(record: RunRecord, kind: Literal["png", "svg"]) -> bytes:
    """All figures of the run in one zip."""
    from demos.plots.files import figures, render

    drawn = figures(record)
    if not drawn:
        raise InputError(texts.NO_RESULT, hint=texts.NO_RESULT_HINT)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, figure in drawn.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.{kind}"), render(figure, kind))
    return buffer.getvalue()


def report(record: RunRecord) -> str:
    """The run on one page (report.py)."""
    from demos.result.report import report_html  # which draws figures

    return report_html(record, config_json(record))


TEXTS: dict[str, tuple[str, Callable[[RunRecord], str]]] = {
    "report": ("report.html", report),
    "csv": ("metrics.csv", metrics_csv),
    "result": ("result.json", result_json),
    "config": ("config.json", config_json),
    "events": ("events.jsonl", events_jsonl),
    "rows": (ROWS, rows_csv),
}


class Shelf:
    """Private folders for downloads under one root; each download gets its own, older ones are swept.

    Args:
        clock: seconds; tests move it by hand.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._root: Path | None = None
        self._made: list[tuple[float, Path]] = []

    def write(self, kind: Kind, record: RunRecord, job: Job | None) -> Path:
        """Writes one download and returns its path.

        Args:
            kind: what to write; the file name follows from it alone.
            record: the run.
            job: the live run, needed for weights; None for an imported one.

        Raises:
            InputError: the run has no such thing, or its weights are gone.
        """
        if kind in TEXTS:
            name, make = TEXTS[kind]
            content = make(record).encode(errors="backslashreplace")
        elif kind in ("png", "svg"):
            name, content = f"figures-{kind}.zip", figures_zip(record, kind)
        else:
            name, content = "after.safetensors", b""
            if job is None or job.session is None or job.session.after is None:
                raise InputError(texts.WEIGHTS_GONE, hint=texts.WEIGHTS_GONE_HINT)
        path = self._folder() / name
        if kind == "weights" and job is not None:
            write_weights(path, job.session)
        else:
            path.write_bytes(content)
        return path

    def _folder(self) -> Path:
        with self._lock:
            if self._root is None:
                self._root = Path(tempfile.mkdtemp(prefix="playground-"))
                atexit.register(shutil.rmtree, self._root, ignore_errors=True)
            now = self._clock()
            for made, folder in self._made:
                if now - made > KEEP_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
            self._made = [(made, folder) for made, folder in self._made if now - made <= KEEP_SECONDS]
            folder = Path(tempfile.mkdtemp(dir=self._root))
            self._made.append((now, folder))
            return folder
