"""Before, after and retrained side by side, a few rows that fit on one screen: a generator's samples, a classifier's answers."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup
from PIL import Image

from demos.pictures.judge_text import judge_note
from demos.pictures.sheets import classes_of
from demos.records.record import RunRecord
from demos.result.answers import FORGOTTEN, OTHERS, answers_html
from demos.result.strips import strips_html
from sfr_core.data.concepts import Role
from sfr_core.events import Preview, Sheet
from sfr_core.results import GeneratorReport

ROWS: dict[Role, int] = {"direct": 1, "paraphrase": 1, "neighbour": 2, "other": 2}
"""Rows of prompts, by role."""


def pictures_html(record: RunRecord, retrained: Preview | None = None) -> Markup:
    """The rows of a run that tell most; a sentence where its pictures are not here.

    Args:
        retrained: what the retrained model answered or drew in a recorded run.
    """
    if not record.generates:
        return answers_html(record, () if retrained is None else retrained.predictions)
    samples = record.samples or sampled(record)
    if retrained is not None and retrained.sheet is not None:
        samples = {**samples, "retrained": report_of(retrained.sheet)}
    labels = record.class_names, record.forgotten, record.roles
    rows = first_rows(samples, record.forgotten, record.roles)
    return strips_html(samples, *labels, rows=rows, undrawn=record.undrawn, judge=judge_note(record.config.model))


def first_rows(
    samples: Mapping[str, GeneratorReport], forgotten: Sequence[int], roles: Sequence[Role]
) -> tuple[int, ...]:
    """Labels of the rows that are shown at first: some to forget, some like them, some others."""
    present = classes_of(next(iter(samples.values())), forgotten) if samples else []
    if roles:
        return tuple(label for role, n in ROWS.items() for label in [c for c in present if roles[c] == role][:n])
    mine = [label for label in present if label in forgotten]
    others = [label for label in present if label not in forgotten]
    return (*mine[:FORGOTTEN], *others[:OTHERS])


def sampled(record: RunRecord) -> dict[str, GeneratorReport]:
    """The first and the last sheet that a run recorded, where its samples are no longer in memory."""
    sheets = [event.sheet for event in record.events if isinstance(event, Preview) and event.sheet is not None]
    return {"before": report_of(sheets[0]), "after": report_of(sheets[-1])} if len(sheets) > 1 else {}


def report_of(sheet: Sheet) -> GeneratorReport:
    """The samples of a sheet."""
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(sheet.png))).convert("RGB"))
    rows, side = len(sheet.labels) // sheet.columns, sheet.side
    tiles = pixels.reshape(rows, side, sheet.columns, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    return GeneratorReport(
        images=tiles,
        labels=np.array(sheet.labels, np.int64),
        accepted=np.array(sheet.accepted, np.int64),
        sampler_steps=sheet.steps,
        guidance=sheet.guidance,
    )
