"""Parts of Compare for generators as HTML: models side by side, row by row. Everything foreign is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from demos.html import note
from demos.pictures.inline import data_uri
from demos.pictures.sheet_text import SIGNS, counts_text, name_of, sign_of, title_of, words_of
from demos.pictures.sheets import Strip, classes_of, flow, mean_difference, strip
from demos.text import live as live_text
from demos.text import result as words
from sfr_core.data.concepts import Role
from sfr_core.results import GeneratorReport

MODELS = ("before", "after", "retrained")
COLUMNS = 4
"""Samples in a line of one model; a class may have more lines than one."""
PAIR_COLUMNS = 8
DRAWING = 64
"""Pixels of a picture's side up to which it keeps its pixels; larger ones are shown smaller than they are, and smoothly."""
MANY = 4
"""So many rows to forget stand beside each other like the rest; fewer are drawn larger."""


def strips_html(
    reports: Mapping[str, GeneratorReport],
    names: Sequence[str],
    forgotten: Sequence[int],
    roles: Sequence[Role] = (),
    *,
    undrawn: bool = False,
) -> str:
    """Every class (with `roles`, prompt) a row, every model a strip of its first samples from one noise; forgotten rows framed.

    `undrawn`: there was too little memory to draw all of them.
    """
    models = [who for who in MODELS if who in reports] or list(reports)
    if not models:
        return note(words.UNDRAWN if undrawn else words.NO_SAMPLES)
    rows = [
        _row(label, {who: strip(reports[who], label, COLUMNS) for who in models}, names, label in forgotten, roles)
        for label in classes_of(reports[models[0]], forgotten)
    ]
    first = reports[models[0]]
    smooth = " smooth" if first.images.shape[1] > DRAWING else ""
    text = words.STRIPS_LEGEND_PROMPTS if roles else words.STRIPS_LEGEND
    legend = (text if len(first.accepted) else words.STRIPS_LEGEND_UNJUDGED).format(
        n=", ".join(_counts(first, forgotten, roles)), steps=first.sampler_steps, guidance=first.guidance
    )
    return (
        f"{note(words.UNDRAWN) if undrawn else ''}"
        f'<p class="gen-legend">{escape(legend)}</p>'
        f'<div class="gen-rows{" many" if len(forgotten) >= MANY else ""}{smooth}" style="--models:{len(models)}">{"".join(rows)}</div>'
    )


def _counts(report: GeneratorReport, forgotten: Sequence[int], roles: Sequence[Role]) -> list[str]:
    inside = sum(int(label) in forgotten for label in report.labels)
    mine = words.N_CONCEPT if roles else words.N_FORGOTTEN
    counted = ((mine, inside), (words.N_OTHERS, len(report.labels) - inside))
    return [text.format(n=n) for text, n in counted if n]


def _row(
    label: int, strips: Mapping[str, Strip | None], names: Sequence[str], forgotten: bool, roles: Sequence[Role]
) -> str:
    name = name_of(label, names)
    figures = "".join(_figure(who, one, names, roles) for who, one in strips.items() if one is not None)
    said = words.ROLES[roles[label]] if 0 <= label < len(roles) else words.TO_FORGET if forgotten else ""
    mark = f"<small>{escape(said)}</small>" if said else ""
    return (
        f'<div class="gen-row{" forget" if forgotten else ""}" data-class="{label}">'
        f'<div class="name">{escape(name)}{mark}</div><div class="gen-strips">{figures}</div></div>'
    )


def _figure(who: str, one: Strip, names: Sequence[str], roles: Sequence[Role]) -> str:
    own = sum(a == one.label for a in one.accepted)
    alt = f"{words.MODELS[who]}, {counts_text(one.label, one.accepted, names, roles, n=one.n)}"
    counted = live_text.SHEET["count"].format(right=own, all=one.n) if one.accepted else ""
    # The words stand once, with the first line; a second one only goes on.
    lines = "".join(
        line_html(uri, accepted, one.label, names, "" if at else alt, words_of(roles))
        for at, (uri, accepted) in enumerate(one.lines)
    )
    return (
        f'<figure class="gen-strip" data-model="{escape(who, quote=True)}"><figcaption><b>{escape(words.MODELS[who])}</b> '
        f"<span>{escape(counted)}</span></figcaption>"
        f"{lines}</figure>"
    )


def line_html(
    uri: str, accepted: Sequence[int], label: int, names: Sequence[str], alt: str, signs_mean: Mapping[str, str]
) -> str:
    """A line of samples as one picture with the judge's signs below.

    Args:
        uri: the picture. accepted: label that each sample is accepted as. label: what was asked for. names: of the labels.
        alt: the picture in words. signs_mean: what the signs mean, by name.
    """
    kinds = [sign_of(label, a) for a in accepted]
    signs = "".join(
        f'<i class="{kind}" title="{escape(signs_mean[kind].format(name=name_of(a, names)), quote=True)}">{SIGNS[kind]}</i>'
        for kind, a in zip(kinds, accepted, strict=True)
    )
    return f'<img src="{uri}" alt="{escape(alt, quote=True)}"><div class="signs" aria-hidden="true">{signs}</div>'


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
    first = reports[models[0]]
    classes = classes_of(first, forgotten)
    sheets = {who: flow(reports[who], classes, PAIR_COLUMNS) for who in models}
    height, width = sheets[models[0]].shape[:2]
    pairs = [(a, b) for i, a in enumerate(models) for b in models[i + 1 :]]
    return {
        "key": key,
        "models": [{"id": who, "title": words.MODELS[who], "uri": data_uri(sheets[who])} for who in models],
        "left": models[0],
        "right": models[1],
        "first": name_of(classes[0], names),
        "words": words.PAIR_PROMPTS if roles else {},
        "width": width,
        "height": height,
        "rows": [
            {
                "title": title_of(label, names, forgotten, roles),
                "forgotten": label in forgotten,
                "differences": {
                    "|".join(sorted((a, b))): mean_difference(reports[a], reports[b], label) for a, b in pairs
                },
            }
            for label in classes
        ],
    }


def pair_html() -> str:
    """The still part of the comparison of a pair, its words filled in."""
    return (
        '<div class="pair-controls">'
        f'<label>{words.PAIR["left"]}<select data-part="left"></select></label>'
        f'<label>{words.PAIR["right"]}<select data-part="right"></select></label>'
        f'<label><input type="checkbox" data-part="difference"> {words.PAIR["difference"]}</label></div>'
        '<div class="pair"><div><div class="pair-stage" data-part="stage"><img data-part="a"><img data-part="b">'
        '<span data-part="line"></span></div>'
        f'<label class="pair-slide" data-part="slide"><span class="sr">{words.PAIR["slider"]}</span>'
        '<input type="range" min="0" max="100" value="50" data-part="at"></label>'
        '<p class="cmp-muted" data-part="caption"></p></div>'
        f'<table><caption class="cmp-muted">{words.PAIR["numbers"]}</caption><thead><tr><th scope="col"></th>'
        f'<th scope="col">{words.PAIR["head"]}</th></tr></thead><tbody data-part="numbers"></tbody></table></div>'
    )
