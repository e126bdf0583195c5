"""Markdown of bench.classifier: every cell, and the methods side by side on the forget sets that all of them have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Cell = dict[str, Any]

DETAIL_CLASSES = (
    "| method | forget | FA | TA forget | TA remain | retrained | gap | MIA (retr.) | Avg.D | time | of retraining | CPU of retraining |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)
DETAIL_SCATTERED = (
    "| method | forget | FA (retr.) | RA (retr.) | TA (retr.) | MIA (retr.) | Avg.D | before | KL | time |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)
SIDE_BY_SIDE = (
    "| method | class: left of it | class: rest | class: MIA off by | class: Avg.D | class: time | tenth: Avg.D | tenth: MIA off by | tenth: KL | tenth: time |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)


def label(cell: Cell) -> str:
    """The row's name: method, and what of it is not the default."""
    extras = [cell["preset"]] if cell["preset"] != "quick" else []
    if cell.get("variant", "official") != "official":
        extras.append(cell["variant"])
    if cell.get("ablation"):
        return f"{cell['ablation']} of {cell['method']}"
    return f"{cell['method']} ({', '.join(extras)})" if extras else str(cell["method"])


def of_class(cell: Cell) -> bool:
    """True where whole classes were forgotten."""
    return str(cell["forget"]).startswith("class:")


def gap(cell: Cell) -> float:
    """TA_remain against the retrained model, percentage points; negative is a loss."""
    return float(cell["after"]["TA_remain"] - cell["retrained"]["TA_remain"])


def clock_text(cell: Cell) -> str:
    """Seconds of the method, or that nobody measured them."""
    return f"{cell['timing']['seconds']:.1f} s" if cell.get("timing") else "not timed"


def share_text(cell: Cell) -> str:
    """Seconds as a share of one retraining."""
    if not cell.get("timing") or not cell.get("retrain_seconds"):
        return "not timed"
    return f"{100 * cell['timing']['seconds'] / cell['retrain_seconds']:.1f} %"


def cpu_text(cell: Cell) -> str:
    """CPU seconds as a share of those of the retraining, both on one thread."""
    if not cell.get("cpu_seconds") or not cell.get("retrain_cpu_seconds"):
        return "not measured"
    return f"{100 * cell['cpu_seconds'] / cell['retrain_cpu_seconds']:.1f} %"


def table(cells: list[Cell]) -> str:
    """Every cell: classes, then scattered samples."""
    lines: list[str] = []
    if classes := [c for c in cells if of_class(c)]:
        lines += DETAIL_CLASSES
    for c in classes:
        a, r = c["after"], c["retrained"]
        lines.append(
            f"| {label(c)} | {c['forget'][6:]} | {a['FA']:.1f} | {a['TA_forget']:.1f} | {a['TA_remain']:.2f} | {r['TA_remain']:.2f} "
            f"| {gap(c):+.2f} | {a['MIA']:.1f} ({r['MIA']:.1f}) | {c['avg_d']:.2f} | {clock_text(c)} | {share_text(c)} | {cpu_text(c)} |"
        )
    if scattered := [c for c in cells if not of_class(c)]:
        lines += [*([""] if lines else []), *DETAIL_SCATTERED]
    for c in scattered:
        a, r = c["after"], c["retrained"]
        pairs = " | ".join(f"{a[k]:.1f} ({r[k]:.1f})" for k in ("FA", "RA", "TA", "MIA"))
        lines.append(
            f"| {label(c)} | {c['forget']} | {pairs} | {c['avg_d']:.2f} | {c['avg_d_before']:.2f} | {a['KL']:.3f} | {clock_text(c)} |"
        )
    return "\n".join(lines)


def side_by_side(cells: list[Cell], classes: Iterable[str], scattered: Iterable[str]) -> str:
    """One row per method on the same forget sets; a method that lacks one of them shows a dash in those columns."""
    classes, scattered = list(classes), list(scattered)
    lines = list(SIDE_BY_SIDE)
    for name in dict.fromkeys(label(c) for c in cells):
        mine = {c["forget"]: c for c in cells if label(c) == name}
        a = _columns(mine, classes, _class_columns)
        b = _columns(mine, scattered, _scattered_columns)
        lines.append(f"| {name} | {' | '.join([*(a or ['–'] * 5), *(b or ['–'] * 4)])} |")
    return "\n".join(lines)


def _columns(mine: dict[str, Cell], specs: list[str], columns: Callable[[list[Cell]], list[str]]) -> list[str] | None:
    return columns([mine[spec] for spec in specs]) if specs and all(spec in mine for spec in specs) else None


def _class_columns(cells: list[Cell]) -> list[str]:
    gaps = [gap(c) for c in cells]
    return [
        f"{max(c['after']['TA_forget'] for c in cells):.1f} %",
        f"{_mean(gaps):+.2f} (worst {min(gaps):+.2f})",
        f"{_mean(abs(c['after']['MIA'] - c['retrained']['MIA']) for c in cells):.1f}",
        f"{_mean(c['avg_d'] for c in cells):.2f}",
        _seconds(cells),
    ]


def _scattered_columns(cells: list[Cell]) -> list[str]:
    return [
        f"{_mean(c['avg_d'] for c in cells):.2f}",
        f"{_mean(abs(c['after']['MIA'] - c['retrained']['MIA']) for c in cells):.1f}",
        f"{_mean(c['after']['KL'] for c in cells):.3f}",
        _seconds(cells),
    ]


def _seconds(cells: list[Cell]) -> str:
    """Mean over the cells that were timed; which class is forgotten changes the work hardly."""
    timed = [c["timing"]["seconds"] for c in cells if c.get("timing")]
    return f"{_mean(timed):.1f} s" if timed else "not timed"


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)
