"""Parts of Compare as HTML: tables, the moment of a timeline, one picture large. Everything foreign is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any, Literal

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from demos.pictures.inline import data_uri
from demos.pictures.sheet_text import name_of
from demos.plots.curves import unit_of
from demos.plots.layers import LayerCount, total_share
from demos.records.metrics import MetricRow, metric_rows, share_interval
from demos.records.predictions import Agreement, Found, Sample, class_accuracy, confusions, shown_confusions
from demos.records.record import Moment, RunRecord
from demos.records.summary import of_record
from demos.records.summary_text import Summary
from demos.records.what_now import Advice
from demos.render import folded_table, joined, note, render, table
from demos.text import result as texts
from demos.text import what_now
from sfr_core.data.concepts import SHOWN_BEFORE, Role
from sfr_core.events import MaskReady, Prediction
from sfr_core.results import GeneratorRecord


def summary_html(record: RunRecord) -> Markup:
    """The sentence, or why there is none; a generator's says on how few samples it stands."""
    if record.unjudged:
        return note(texts.UNJUDGED)
    found = of_record(record)
    if found is None:
        return note(texts.NO_METRICS)
    after = record.result.after if record.result else None
    if not isinstance(after, GeneratorRecord):
        return said_html(found, found.doubt)
    basis = texts.SUMMARY_BASIS_CONCEPT if record.of_concept else texts.SUMMARY_BASIS
    counts = {
        "forget": after.n_samples,
        "remain": after.n_remain,
        "words": after.n_paraphrase,
        "near": after.n_neighbours,
        "far": after.n_remain - after.n_neighbours,
    }
    basis = basis.format(**counts, steps=after.sampler_steps, guidance=after.guidance)
    return said_html(found, f"{basis} {found.doubt}".strip())


def said_html(summary: Summary, basis: str = "") -> Markup:
    """A sentence with its sign and word; `basis`: on how much it stands."""
    sign, word = texts.TONES[summary.tone]
    return render("summary.html", tone=summary.tone, sign=sign, word=word, text=summary.text, basis=basis)


def what_now_html(found: Sequence[Advice]) -> Markup:
    """The suggestions with their buttons, which are numbered over all findings; "" where there are none."""
    numbers = count()
    rows = [
        (what_now.WHY[one.finding], [(next(numbers), offer.words, offer.tab) for offer in one.offers]) for one in found
    ]
    return render("what_now.html", T=what_now, rows=rows) if rows else Markup()


def metrics_html(record: RunRecord) -> Markup:
    """before / after / retrained / gap, then the definitions."""
    if record.result is None:
        return note(texts.UNJUDGED_NUMBERS if record.unjudged else texts.NO_METRICS)
    after = record.result.after
    caption, missing = texts.METRICS_CAPTION, texts.NO_RETRAINED
    if isinstance(after, GeneratorRecord):
        n, missing = after.n_samples, texts.NO_RETRAINED_GENERATOR
        caption = texts.METRICS_CAPTION_GENERATOR.format(
            steps=after.sampler_steps, guidance=after.guidance, n=n, point=100 / max(1, n)
        )
    notes = []
    if record.result.retrained is None:
        notes.append(missing.replace("*", ""))
    if record.result.kl_floor is not None:
        notes.append(texts.KL_FLOOR.format(floor=record.result.kl_floor))
    rows = metric_rows(record)
    few = any(row.interval for row in rows)
    return render(
        "metrics.html",
        rows=rows,
        cells=[_cells(row, few) for row in rows],
        few=few,
        caption=caption,
        notes=notes,
        definitions=texts.METRICS_DEFINITIONS,
    )


def _cells(row: MetricRow, few: bool) -> tuple[str, ...]:
    """A row of the table of metrics, with the column of intervals where a few pictures were counted."""
    return (row.title, row.before, row.after, *([row.interval] if few else []), *row[4:-1])


def confusion_tables(record: RunRecord) -> Markup:
    """All matrices as tables, folded away, or why there are none."""
    shown = shown_confusions(record)
    if not shown.matrices:
        return note(texts.NO_REPORTS)
    found = [confusion_table(name.capitalize(), matrix, shown.names) for name, matrix in shown.matrices.items()]
    if shown.left_out:
        found.insert(0, note(texts.LEFT_OUT.format(shown=len(shown.names) - 1, left=shown.left_out)))
    return joined(found)


def confusion_table(title: str, matrix: NDArray[np.int64], class_names: tuple[str, ...]) -> Markup:
    """A confusion matrix as a table, folded away."""
    rows = [(f"true {name}", *map(str, row)) for name, row in zip(class_names, matrix.tolist(), strict=True)]
    caption = f"{title}: rows are true classes, columns what the model says"
    return folded_table(
        f"{title}: {texts.TABLE[0].lower()}{texts.TABLE[1:]}", ("", *class_names), rows, caption=caption
    )


def classes_table(record: RunRecord) -> str:
    """Test accuracy of every class by model, with its change; folded away. Empty without predictions."""
    matrices = confusions(record)
    if not {"before", "after"} <= matrices.keys():
        return ""
    models = list(matrices)
    accuracies = [class_accuracy(matrix) for matrix in matrices.values()]
    n = matrices["before"].sum(axis=1)
    head = ("class", *(f"{m} (%)" for m in models), *(f"{m} - before" for m in models[1:]), "n")
    rows = []
    for c in shown_confusions(record).changes:
        values = [accuracy[c] for accuracy in accuracies]
        changes = (f"{v - values[0]:+.1f}" for v in values[1:])
        rows.append((record.class_names[c], *(f"{v:.1f}" for v in values), *changes, str(n[c])))
    return folded_table(texts.TABLE, head, rows, caption="Test accuracy by class, percent; changes in points")


def layers_html(mask: MaskReady | None, counts: tuple[LayerCount, ...], threshold: float | None) -> Markup:
    """The layer list: name, shape, parameters, share selected; the sum on top."""
    if mask is None:
        return note(texts.NO_MASK)
    return render(
        "layers.html",
        layers=counts,
        kept=sum(layer.kept for layer in counts),
        size=sum(layer.size for layer in counts),
        share=total_share(counts),
        threshold=threshold,
        own=mask.threshold,
    )


def agreement_html(rows: Sequence[Agreement]) -> Markup:
    """Agreement with the retrained model, before and after."""
    if not rows:
        return Markup()
    return table(
        ("", "before (%)", "after (%)", "n"),
        [(r.where, f"{r.before:.1f}", f"{r.after:.1f}", f"{r.n:,}") for r in rows],
        caption=f"{texts.AGREEMENT_TITLE}. {texts.AGREEMENT_HELP}",
    )


def found_html(record: RunRecord, found: Found, kind: Literal["not", "over"]) -> Markup:
    """What the pictures of one gallery are, how many there are, and how many of them are shown."""
    if not record.reports:
        return note(texts.NO_REPORTS) if kind == "not" else Markup()
    name, said, beside = (
        (texts.NOT_FORGOTTEN, texts.NOT_FORGOTTEN_HELP, texts.NOT_FORGOTTEN_RETRAINED)
        if kind == "not"
        else (texts.OVER_FORGOTTEN, texts.OVER_FORGOTTEN_HELP, texts.OVER_FORGOTTEN_RETRAINED)
    )
    said = said.format(retrained=beside if "retrained" in record.reports else "")
    return render("found.html", found=found, help=said, name=name)


def sample_html(record: RunRecord, sample: Sample) -> Markup:
    """One picture large, with its true label and what every model predicts."""
    if record.dataset is None:
        return note(texts.NO_REPORTS)
    names = record.class_names
    predicted = [("before", sample.before, sample.before_confidence), ("after", sample.after, sample.after_confidence)]
    if sample.retrained is not None and sample.retrained_confidence is not None:
        predicted.append(("retrained", sample.retrained, sample.retrained_confidence))
    rows = [
        (who, name_of(label, names), f"{100 * sure:.1f} %", "right" if label == sample.label else "wrong")
        for who, label, sure in predicted
    ]
    picture = _picture(record, sample.part, sample.row)
    return render("sample.html", picture=picture, truth=name_of(sample.label, names), rows=rows)


def _picture(record: RunRecord, part: str, row: int) -> dict[str, Any]:
    """A picture of a run's data and where it stands there; no address for one that is not there."""
    where, uri = "training" if part == "train" else "test", ""
    if record.dataset is not None:
        pictures = record.dataset.train if part == "train" else record.dataset.test
        uri = data_uri(pictures.images[row]) if 0 <= row < len(pictures) else ""
    return {"uri": uri, "where": where, "row": row}


def moment_html(record: RunRecord, moment: Moment) -> Markup:
    """The numbers and the pictures of one recorded moment."""
    live, step, total = moment.live, moment.step, record.planned_steps
    cells = [("step", f"{moment.i}" + (f" of {total}" if total else ""), "")]
    if live is not None:
        names = texts.LIVE_NAMES_GENERATOR if record.generates else texts.LIVE_NAMES
        forget, remain = texts.LIVE_NAMES_CONCEPT if record.of_concept else names
        cells.append((forget, f"{live.forget:.1f} %", f"n = {live.n_forget}"))
        cells.append((remain, f"{live.remain:.1f} %", f"n = {live.n_remain}"))
    if step is not None:
        for name, value, unit in (
            ("forget loss", step.forget_loss, unit_of("forget loss", record)),
            ("remain loss", step.remain_loss, unit_of("remain loss", record)),
            ("forgetting strength α", step.alpha, ""),
        ):
            if value is not None:
                cells.append((name, f"{value:.4g}", unit))
    return render("moment.html", numbers=cells, predictions=[_prediction(record, p) for p in moment.predictions])


def _prediction(record: RunRecord, prediction: Prediction) -> dict[str, Any]:
    return {
        "picture": _picture(record, prediction.source, prediction.row),
        "right": prediction.label == prediction.predicted,
        "truth": name_of(prediction.label, record.class_names),
        "said": name_of(prediction.predicted, record.class_names),
        "percent": 100 * prediction.confidence,
    }


Shares = dict[Role, tuple[float | None, int]]


def shares(record: GeneratorRecord) -> Shares:
    """Percent of the samples that show what was asked for, and how many samples, by the role of their prompts."""
    return {
        "direct": (record.FA, record.n_samples),
        "paraphrase": (record.FA_paraphrase, record.n_paraphrase),
        "neighbour": (record.JA_neighbours, record.n_neighbours),
        "other": (record.JA_others, record.n_remain - record.n_neighbours),
    }


def shares_html(record: RunRecord) -> str:
    """The table of shares before and after; empty for a run that forgets no concept or measured nothing."""
    result = record.result
    if not record.of_concept or result is None:
        return ""
    if not isinstance(result.before, GeneratorRecord) or not isinstance(result.after, GeneratorRecord):
        return ""
    before, after = shares(result.before), shares(result.after)
    rows = []
    for role, title in texts.SHARES_ROWS.items():
        (old, _), (new, n) = before[role], after[role]
        if old is not None and new is not None:
            rows.append((title, f"{old:.1f}", f"{new:.1f}", share_interval(new, n), f"{new - old:+.1f}", f"{n:,}"))
    return render(
        "shares.html",
        T=texts,
        rows=rows,
        unmeasured=after["paraphrase"][0] is None,
        prompts=_prompts(record),
        prompts_caption=texts.SHARES_PROMPTS_CAPTION.format(least=100 * SHOWN_BEFORE),
    )


def _prompts(record: RunRecord) -> list[tuple[str, str, str]]:
    """What the model before showed for each prompt, as long as it is known."""
    rows = []
    for label, share in sorted(record.shown_before.items()):
        role = record.roles[label] if label < len(record.roles) else "other"
        said = texts.ROLES[role] or texts.SHARES_ROWS[role].lower()
        if role == "paraphrase":
            said = f"{said}; {texts.SHARES_COUNTED[share >= SHOWN_BEFORE]}"
        rows.append((name_of(label, record.class_names), said, f"{100 * share:.0f}"))
    return rows
