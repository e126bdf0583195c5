"""The classifier's table of methods as Markdown: the same sentences, numbers and order as the page's tab of methods has.

python -m bench.classifier --table
"""

from __future__ import annotations

from typing import Any

from bench import classifier, compared
from bench.cells import load
from bench.tables import CLASSIFIER, classifier_table, markdown
from demos.compare.recorded import groups

OURS = "sfr-on"


def tables() -> str:
    """What was forgotten, kind by kind, all methods beside each other; below them every run of SFR-on with presets that the page offers."""
    parts = [as_markdown(group["tables"][0]) for group in groups(CLASSIFIER, compared.races()[CLASSIFIER].rows)]
    cells = load(classifier.RESULTS, [])
    for preset in ("quick", "thorough"):
        mine = [c for c in cells if c["method"] == OURS and c["preset"] == preset and not c["ablation"]]
        parts += [f"SFR-on's {preset} preset, run by run:", classifier_table(mine)] if mine else []
    return "\n\n".join(parts)


def as_markdown(table: dict[str, Any]) -> str:
    """A table of demos/compare/table.py: its sentences, then a row for each method, nearest to retraining first."""
    columns = table["columns"]
    order = sorted(table["rows"], key=lambda row: _place(row, table["by"]))
    rows = [
        [_name(row), str(row["done"] or ""), *(_cell(row["cells"][column["key"]], column) for column in columns)]
        for row in [*table["pinned"], *order]
    ]
    head = " | ".join(["method", "runs", *(f"{column['title']} {column['unit']}".strip() for column in columns)])
    said = [f"**{table['said'][0]}** {' '.join(table['said'][1:])}".strip(), *table["notes"]]
    return "\n\n".join([f"{table['title']}.", *said, markdown(head, rows)])


def _place(row: dict[str, Any], by: str) -> float:
    cell = row["cells"][by]
    return float("inf") if cell is None or row["done"] < row["of"] else float(cell["mean"])


def _name(row: dict[str, Any]) -> str:
    notes = f" ({', '.join(row['notes'])})" if row["notes"] else ""
    return f"{row['name']}{notes}"


def _cell(cell: dict[str, Any] | None, column: dict[str, Any]) -> str:
    """A mean with its spread, and how far from the retrained model in brackets; in bold where it is surely the best."""
    if cell is None:
        return "-"
    digits = column["digits"]
    text = f"{cell['mean']:.{digits}f}"
    if cell["spread"] is not None:
        text += f" ± {cell['spread']:.{digits}f}"
    if cell.get("best"):
        text = f"**{text}**"
    return text if cell.get("gap") is None else f"{text} ({cell['gap']:+.{digits}f})"
