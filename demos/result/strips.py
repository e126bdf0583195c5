"""Parts of Compare for generators as HTML: models side by side, row by row. Everything foreign is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from demos.pictures.inline import data_uri
from demos.pictures.sheet_text import SIGNS, counts_text, name_of, sign_of, title_of, words_of, wrong_before
from demos.pictures.sheets import Strip, classes_of, first_line, mean_difference, strip
from demos.render import note, render
from demos.text import live as live_text
from demos.text import result as texts
from sfr_core.data.concepts import Role
from sfr_core.results import GeneratorReport

MODELS = ("before", "after", "retrained")
COLUMNS = 4
"""Samples in a line of one model; a class may have more lines than one."""
PAIR_COLUMNS = 8
DRAWING = 64
"""Pixels of a picture's side up to which it keeps its pixels; larger ones are shown smaller than they are, and smoothly."""
TOO = " too"
"""Ending of the kind of a mark that was wrong before the run, too."""
MANY = 4
"""So many rows to forget stand beside each other like the rest; fewer are drawn larger."""


def strips_html(
    reports: Mapping[str, GeneratorReport],
    names: Sequence[str],
    forgotten: Sequence[int],
    roles: Sequence[Role] = (),
    *,
    rows: Sequence[int] | None = None,
    undrawn: bool = False,
    judge: str = "",
) -> Markup:
    """Every class (with `roles`, prompt) a row, every model a strip of its first samples from one noise; forgotten rows framed.

    Args:
        rows: labels of the rows that are shown; default all.
        undrawn: there was too little memory to draw all of them.
        judge: how often the judge is wrong itself.
    """
    models = [who for who in MODELS if who in reports] or list(reports)
    if not models:
        return note(texts.UNDRAWN if undrawn else texts.NO_SAMPLES)
    first = reports[models[0]]
    text = texts.STRIPS_LEGEND_PROMPTS if roles else texts.STRIPS_LEGEND
    legend = (text if len(first.accepted) else texts.STRIPS_LEGEND_UNJUDGED).format(
        n=", ".join(_counts(first, forgotten, roles)), steps=first.sampler_steps, guidance=first.guidance
    )
    shown = classes_of(first, forgotten) if rows is None else rows
    drawn = [
        _row(label, {who: strip(reports[who], label, COLUMNS) for who in models}, names, label in forgotten, roles)
        for label in shown
    ]
    marks = [mark for row in drawn for one in row["strips"] for *_, signs in one["lines"] for mark in signs]
    too = any(kind.endswith(TOO) for kind, *_ in marks)
    return render(
        "strips.html",
        undrawn=texts.UNDRAWN if undrawn else "",
        legend=" ".join(
            filter(None, [legend, live_text.WRONG_BEFORE if too else "", judge if len(first.accepted) else ""])
        ),
        many=len(forgotten) >= MANY,
        smooth=first.images.shape[1] > DRAWING,
        models=len(models),
        columns=COLUMNS,
        rows=drawn,
    )


def _counts(report: GeneratorReport, forgotten: Sequence[int], roles: Sequence[Role]) -> list[str]:
    inside = sum(int(label) in forgotten for label in report.labels)
    mine = texts.N_CONCEPT if roles else texts.N_FORGOTTEN
    counted = ((mine, inside), (texts.N_OTHERS, len(report.labels) - inside))
    return [text.format(n=n) for text, n in counted if n]


def _row(
    label: int, strips: Mapping[str, Strip | None], names: Sequence[str], forgotten: bool, roles: Sequence[Role]
) -> dict[str, Any]:
    return {
        "label": label,
        "name": name_of(label, names),
        "role": texts.ROLES[roles[label]] if 0 <= label < len(roles) else texts.TO_FORGET if forgotten else "",
        "forgotten": forgotten,
        "strips": [
            _strip(who, one, names, roles, strips.get("before")) for who, one in strips.items() if one is not None
        ],
    }


def _strip(
    who: str, one: Strip, names: Sequence[str], roles: Sequence[Role], before: Strip | None = None
) -> dict[str, Any]:
    own = sum(a == one.label for a in one.accepted)
    count = live_text.SHEET["count"].format(right=own, all=one.n) if one.accepted else ""
    alt = f"{texts.MODELS[who]}, {counts_text(one.label, one.accepted, names, roles, n=one.n)}"
    return strip_values(who, one, count, alt, names, roles, before if who == "after" else None)


def strip_values(
    who: str,
    one: Strip,
    count: str,
    alt: str,
    names: Sequence[str],
    roles: Sequence[Role],
    before: Strip | None = None,
) -> dict[str, Any]:
    """A strip as the macro `strip` of strip.html shows it: lines of samples as pictures, with the judge's signs below.

    Args:
        who: the model. count: the judge's count in words. alt: the pictures in words. names, roles: of the run's classes or prompts.
        before: the same samples of the model before the run, to mark those that were wrong there, too.
    """
    means = words_of(roles)

    def sign(accepted: int, too: bool) -> tuple[str, str, str]:
        kind = sign_of(one.label, accepted)
        meaning = means[kind].format(name=name_of(accepted, names))
        return (
            (f"{kind}{TOO}", SIGNS[kind], means["tooSuffix"].format(meaning=meaning))
            if too
            else (kind, SIGNS[kind], meaning)
        )

    def signs(at: int, accepted: Sequence[int]) -> list[tuple[str, str, str]]:
        then = before.lines[at][1] if before is not None and at < len(before.lines) else ()
        return [sign(a, too) for a, too in zip(accepted, wrong_before(one.label, accepted, then), strict=True)]

    # The words stand once, with the first line; a second one only goes on.
    lines = [(uri, "" if at else alt, signs(at, accepted)) for at, (uri, accepted) in enumerate(one.lines)]
    return {"model": who, "title": texts.MODELS[who], "count": count, "lines": lines}


def pair_value(
    key: str,
    reports: Mapping[str, GeneratorReport],
    names: Sequence[str],
    forgotten: Sequence[int],
    roles: Sequence[Role] = (),
) -> dict[str, Any] | None:
    """What demos/static/pair.js compares; None where there are no two models' samples."""
    models = [who for who in MODELS if who in reports]
    if len(models) < 2:
        return None
    pairs = [(a, b) for i, a in enumerate(models) for b in models[i + 1 :]]
    return {
        "key": key,
        "models": [{"id": who, "title": texts.MODELS[who]} for who in models],
        "left": models[0],
        "right": models[1],
        "rows": [
            {
                "title": title_of(label, names, forgotten, roles),
                "forgotten": label in forgotten,
                "pictures": {who: data_uri(first_line(reports[who], label, PAIR_COLUMNS)) for who in models},
                "differences": {
                    "|".join(sorted((a, b))): mean_difference(reports[a], reports[b], label) for a, b in pairs
                },
            }
            for label in classes_of(reports[models[0]], forgotten)
        ],
    }
