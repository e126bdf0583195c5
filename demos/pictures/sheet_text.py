"""What the judge said of samples, in signs and words; the rows are classes or, where they have roles, prompts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from demos.text.live import SHEET, SHEET_PROMPTS, SHEET_UNJUDGED, WRONG_BEFORE
from sfr_core.data.concepts import Role
from sfr_core.events import Sheet

NONE = -1
"""What stands in `accepted` where the judge accepts no class."""
SIGNS = {"own": "✓", "other": "≠", "none": "✗"}
"""Accepted as what was asked for, as something else, as nothing that is listed."""
ROW_TITLES: dict[Role, str] = {
    "direct": SHEET["toForget"],
    "paraphrase": SHEET["toForgetWords"],
    "neighbour": SHEET["neighbour"],
    "other": "{name}",
}


def sign_of(label: int, accepted: int) -> str:
    """Key of SIGNS for one sample."""
    return "own" if accepted == label else "none" if accepted == NONE else "other"


def wrong_before(label: int, accepted: Sequence[int], before: Sequence[int]) -> list[bool]:
    """Of each sample of a row, whether it is not what was asked for now and was not before the run; False where that is not known."""
    if len(before) != len(accepted):
        return [False] * len(accepted)
    return [now != label and then != label for now, then in zip(accepted, before, strict=True)]


def name_of(label: int, names: Sequence[str]) -> str:
    """The name of a class, or its number where the names are unknown."""
    return names[label] if 0 <= label < len(names) else f"class {label}"


def title_of(label: int, names: Sequence[str], forgotten: Sequence[int], roles: Sequence[Role] = ()) -> str:
    """The name of a row with what shall become of it: "Trouser (to forget)"."""
    name = name_of(label, names)
    if 0 <= label < len(roles):  # a foreign sheet may have more rows than this program's prompts
        return ROW_TITLES[roles[label]].format(name=name)
    return SHEET["toForget"].format(name=name) if label in forgotten else name


def words_of(roles: Sequence[Role]) -> dict[str, str]:
    """What the signs mean."""
    return {**SHEET, **SHEET_PROMPTS} if roles else SHEET


def counts_text(
    label: int, accepted: Sequence[int], names: Sequence[str], roles: Sequence[Role] = (), *, n: int = 0
) -> str:
    """What the judge made of the samples of one row: "5 samples: 3 as Trouser, 1 as Dress, 1 as none of the classes".

    Args:
        n: samples, where nobody judged them.
    """
    if not accepted:
        return _samples(n)
    counts = Counter(int(a) for a in accepted)
    own = counts.pop(label, 0)
    none = counts.pop(NONE, 0)
    parts = [f"{own} as asked" if roles else f"{own} as {name_of(label, names)}"]
    parts += [f"{n} as {name_of(other, names)}" for other, n in counts.most_common()]
    if none:
        parts.append(f"{none} as none of {'these' if roles else 'the classes'}")
    return f"{_samples(len(accepted))}: {', '.join(parts)}"


def _samples(n: int) -> str:
    return f"{n} sample{'' if n == 1 else 's'}"


def sheet_value(
    sheet: Sheet | None,
    names: Sequence[str],
    forgotten: Sequence[int],
    roles: Sequence[Role] = (),
    *,
    before: Sequence[int] = (),
    judge: str = "",
) -> dict[str, Any] | None:
    """A sheet as demos/static/grid.js draws it: its picture once, and what the judge says row by row.

    Args:
        sheet: None gives None.
        names, forgotten: name of each label, and the labels to forget.
        roles: of the labels, where they are prompts.
        before: what the judge accepted the same samples as before the run; empty where that is not known.
        judge: how often the judge is wrong itself.
    """
    if sheet is None:
        return None
    rows: list[dict[str, Any]] = []
    for at in range(0, len(sheet.labels), sheet.columns):
        label, accepted = sheet.labels[at], sheet.accepted[at : at + sheet.columns]
        then = before[at : at + sheet.columns] if len(before) == len(sheet.accepted) else ()
        rows.append(
            {
                "label": label,
                "name": name_of(label, names),
                "title": title_of(label, names, forgotten, roles),
                "forgotten": label in forgotten,
                "signs": [sign_of(label, a) for a in accepted],
                "too": wrong_before(label, accepted, then),
                "said": ["" if a == NONE else name_of(a, names) for a in accepted],
                "text": counts_text(label, accepted, names, roles, n=sheet.columns),
            }
        )
    words: dict[str, str] = {**words_of(roles), **({} if sheet.accepted else SHEET_UNJUDGED)}
    more = [WRONG_BEFORE if any(any(row["too"]) for row in rows) else "", judge if sheet.accepted else ""]
    words["sheetNote"] = " ".join([words["sheetNote"], *filter(None, more)])
    return {
        "words": words,
        "png": sheet.png,
        "side": sheet.side,
        "columns": sheet.columns,
        "rows": rows,
        "steps": sheet.steps,
        "guidance": sheet.guidance,
    }
