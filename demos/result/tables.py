"""Parts of Compare and Runs as HTML: tables, the moment of a timeline, one picture large. Everything foreign is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from demos.html import details, note, table, unbroken
from demos.pictures.inline import data_uri
from demos.plots.curves import unit_of
from demos.plots.layers import LayerCount, total_share
from demos.records.metrics import MetricRow
from demos.records.predictions import Agreement, Found, Sample
from demos.records.record import Moment, RunRecord
from demos.records.verdict_words import Verdict
from demos.text import result as copy
from sfr_core.events import MaskReady, Prediction
from sfr_core.results import GeneratorRecord


def verdict_html(verdict: Verdict | None) -> str:
    """The sentence with its sign and word."""
    if verdict is None:
        return ""
    sign, word = copy.TONES[verdict.tone]
    return (
        f'<div class="cmp-verdict" role="status" style="--c:var(--pg-tone-{verdict.tone})">'
        f'<b class="tone">{sign} {escape(word)}</b> {escape(unbroken(verdict.text))}</div>'
    )


def metrics_html(record: RunRecord, rows: Sequence[MetricRow]) -> str:
    """before / after / retrained / gap, then the definitions."""
    if record.result is None:
        return note(copy.UNJUDGED_NUMBERS if record.unjudged else copy.NO_METRICS)
    after = record.result.after
    caption, missing = copy.METRICS_CAPTION, copy.NO_RETRAINED
    if isinstance(after, GeneratorRecord):
        n, missing = after.n_samples, copy.NO_RETRAINED_GENERATOR
        caption = copy.METRICS_CAPTION_GENERATOR.format(
            steps=after.sampler_steps, guidance=after.guidance, n=n, point=100 / max(1, n)
        )
    text = table(
        ("", "before", "after", "retrained", "gap", "unit", "good", "n"),
        [(r.title, r.before, r.after, r.retrained, r.gap, r.unit, r.good, r.n) for r in rows],
        caption=caption,
        text_columns=frozenset({5, 6}),
    )
    notes = []
    if record.result.retrained is None:
        notes.append(missing.replace("*", ""))
    if record.result.kl_floor is not None:
        notes.append(copy.KL_FLOOR.format(floor=record.result.kl_floor))
    meaning = "".join(f"<dt>{escape(r.title)}</dt><dd>{escape(r.sentence)}</dd>" for r in rows)
    return text + "".join(note(n) for n in notes) + details(copy.METRICS_DEFINITIONS, f"<dl>{meaning}</dl>")


def confusion_table(title: str, matrix: NDArray[np.int64], class_names: tuple[str, ...]) -> str:
    """A confusion matrix as a table, folded away."""
    rows = [(f"true {name}", *map(str, row)) for name, row in zip(class_names, matrix.tolist(), strict=True)]
    return details(
        f"{title}: {copy.TABLE[0].lower()}{copy.TABLE[1:]}",
        table(("", *class_names), rows, caption=f"{title}: rows are true classes, columns what the model says"),
    )


def classes_table(accuracies: dict[str, list[float]], class_names: tuple[str, ...], n: Sequence[int]) -> str:
    """Test accuracy of every class by model, with its change; folded away."""
    models = list(accuracies)
    head = ("class", *(f"{m} (%)" for m in models), *(f"{m} - before" for m in models[1:]), "n")
    rows = []
    for c, name in enumerate(class_names):
        values = [accuracies[m][c] for m in models]
        rows.append((name, *(f"{v:.1f}" for v in values), *(f"{v - values[0]:+.1f}" for v in values[1:]), str(n[c])))
    return details(copy.TABLE, table(head, rows, caption="Test accuracy by class, percent; changes in points"))


def layers_html(mask: MaskReady | None, counts: tuple[LayerCount, ...], threshold: float | None) -> str:
    """The layer list: name, shape, parameters, share selected; the sum on top."""
    if mask is None:
        return note(copy.NO_MASK)
    kept, size = sum(c.kept for c in counts), sum(c.size for c in counts)
    at = mask.threshold if threshold is None else threshold
    own = " (as in the run)" if threshold is None else f" (the run used {mask.threshold:.4g})"
    rows = "".join(
        f'<tr><th scope="row">{escape(c.name)}</th><td>{" × ".join(map(str, c.shape)) or "scalar"}</td><td>{c.size:,}</td>'
        f"<td>{c.kept:,}</td><td>{c.share:.1f} %</td></tr>"
        for c in counts
    )
    return (
        f'<p>Threshold γ = <b>{at:.4g}</b>{own}: <b data-total="{kept}">{kept:,}</b> of {size:,} parameters selected, '
        f"<b>{total_share(counts):.2f}\u00a0%</b>.</p>"
        '<div class="cmp-scroll" tabindex="0" role="region" aria-label="Saliency by layer" style="max-height:26rem;overflow-y:auto">'
        '<table class="cmp slim"><thead><tr><th scope="col">layer</th><th scope="col">shape</th><th scope="col">parameters</th>'
        f'<th scope="col">selected</th><th scope="col">share</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def agreement_html(rows: Sequence[Agreement]) -> str:
    """Agreement with the retrained model, before and after."""
    if not rows:
        return ""
    return table(
        ("", "before (%)", "after (%)", "n"),
        [(r.where, f"{r.before:.1f}", f"{r.after:.1f}", f"{r.n:,}") for r in rows],
        caption=f"{copy.AGREEMENT_TITLE}. {copy.AGREEMENT_HELP}",
    )


def found_html(found: Found, help_text: str, name: str) -> str:
    """How many such pictures there are, and how many of them are shown."""
    shown = f"; the {len(found.samples)} surest are shown" if found.total > len(found.samples) else ""
    return f'<p><b>{escape(name)}: {found.total:,}</b> of {found.out_of:,} <span class="cmp-muted">{escape(help_text)}{shown}.</span></p>'


def class_name(label: int, class_names: tuple[str, ...]) -> str:
    """The name of a class, or its number where the names are unknown."""
    return class_names[label] if 0 <= label < len(class_names) else f"class {label}"


def sample_html(record: RunRecord, sample: Sample) -> str:
    """One picture large, with its true label and every model's answer."""
    if record.dataset is None:
        return note(copy.NO_REPORTS)
    names = record.class_names
    pictures = record.dataset.train if sample.part == "train" else record.dataset.test
    true = class_name(sample.label, names)
    answers = [("before", sample.before, sample.before_confidence), ("after", sample.after, sample.after_confidence)]
    if sample.retrained is not None and sample.retrained_confidence is not None:
        answers.append(("retrained", sample.retrained, sample.retrained_confidence))
    rows = [
        (who, class_name(label, names), f"{100 * sure:.1f} %", "right" if label == sample.label else "wrong")
        for who, label, sure in answers
    ]
    where = "training" if sample.part == "train" else "test"
    return (
        f'<div class="cmp-large"><img src="{data_uri(pictures.images[sample.row])}" alt="{escape(true, quote=True)}, {where} picture {sample.row}">'
        f"<div><p><b>True label: {escape(true)}</b> <span class='cmp-muted'>({where} row {sample.row})</span></p>"
        + table(("model", "says", "confidence", ""), rows, caption="Answers", text_columns=frozenset({1, 3}))
        + "</div></div>"
    )


def moment_html(record: RunRecord, moment: Moment) -> str:
    """The numbers and the pictures of one recorded moment."""
    live, step = moment.live, moment.step
    total = record.planned_steps
    cells = [("step", f"{moment.i}" + (f" of {total}" if total else ""), "")]
    if live is not None:
        names = copy.LIVE_NAMES_GENERATOR if record.generates else copy.LIVE_NAMES
        forget, remain = copy.LIVE_NAMES_CONCEPT if record.of_concept else names
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
    numbers = "".join(
        f'<div><span class="cmp-muted">{escape(n)}</span><br><b>{escape(v)}</b> <span class="cmp-muted">{escape(u)}</span></div>'
        for n, v, u in cells
    )
    pictures = "".join(_prediction(record, p) for p in moment.predictions)
    grid = f'<div class="cmp-grid">{pictures}</div>' if pictures else ""
    return f'<div class="cmp-numbers" aria-live="polite">{numbers}</div>{grid}'


def _prediction(record: RunRecord, prediction: Prediction) -> str:
    names = record.class_names
    true, said = class_name(prediction.label, names), class_name(prediction.predicted, names)
    right = prediction.label == prediction.predicted
    image = ""
    if record.dataset is not None:
        pictures = record.dataset.train if prediction.source == "train" else record.dataset.test
        if 0 <= prediction.row < len(pictures):
            where = "training" if prediction.source == "train" else "test"
            uri = data_uri(pictures.images[prediction.row])
            image = f'<img src="{uri}" alt="{escape(true, quote=True)}, {where} picture {prediction.row}">'
    sign = "✓" if right else "✗"
    return (
        f'<figure class="{"right" if right else "wrong"}">{image}<figcaption>{sign} <b>{escape(said)}</b> '
        f'{100 * prediction.confidence:.0f}\u00a0%<br><span class="cmp-muted">true: {escape(true)}</span></figcaption></figure>'
    )
