"""Markdown of bench.latent for the text-to-image model: the methods side by side at equal time, and what each concept took."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import mean

from bench.diffusion_table import Cell, drawn_first, fd_ratio, span, spread

DIRECT_MOST, PARAPHRASE_MOST, NEIGHBOUR_LOSS_MOST = 5.0, 15.0, 5.0
"""What SFR-on's quick preset must keep for every concept: percent, percent, points."""
HEAD = (
    "| forget | method | cells | steps | direct | in other words | loss of neighbours | loss of others | FD ratio | harm | CPU time | kept |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)


def loss(cell: Cell, of: str) -> float | None:
    """Points that the judge's accuracy on "neighbours" or "others" fell; None where there are none."""
    before, after = cell["before"][f"JA_{of}"], cell["after"][f"JA_{of}"]
    return None if before is None or after is None else float(before - after)


def left(cell: Cell) -> float:
    """What is left of the concept, percent: the mean over its own prompts and those in other words that showed it before."""
    found = [cell["after"]["FA"], cell["after"]["FA_paraphrase"]]
    return float(mean(value for value in found if value is not None))


def nearest_loss(cell: Cell) -> float:
    """Points lost by the neighbours, or by the others where there are no neighbours."""
    near, far = loss(cell, "neighbours"), loss(cell, "others")
    return near if near is not None else far or 0.0


def harm(cell: Cell) -> float:
    """One number to order methods by: what is left plus what the nearest lost, in points; 0 is forgotten without loss."""
    return left(cell) + max(0.0, nearest_loss(cell))


def kept(cell: Cell) -> bool:
    """True where all three targets hold."""
    words = cell["after"]["FA_paraphrase"]
    return bool(
        cell["after"]["FA"] <= DIRECT_MOST
        and (words is None or words <= PARAPHRASE_MOST)
        and nearest_loss(cell) <= NEIGHBOUR_LOSS_MOST
    )


def concept_table(cells: Iterable[Cell]) -> str:
    """Everything measured on one checkpoint by one protocol, under a heading each; of equal places the newest cell counts."""
    groups: dict[tuple[str, str, str], dict[tuple[str, int, str], Cell]] = {}
    for cell in cells:
        key = (cell["checkpoint"]["sha256"], cell["protocol"], cell["precision"])
        groups.setdefault(key, {})[cell["forget"], cell["seed"], cell["method"]] = cell
    parts = []
    for (sha256, protocol, precision), found in groups.items():
        group = list(found.values())
        seen = group[-1]["checkpoint"].get("images_seen")
        parts.append(
            f"Checkpoint {sha256[:12]}{f' after {seen:,} training pictures' if seen else ''}; {protocol} (samples of a kind of prompt, "
            f"twice @ sampler steps); {precision}; {group[-1]['machine']}.{drawn_first(group)}\n"
        )
        parts += [_rows(group), "", _sentences(group), ""]
    return "\n".join(parts).rstrip()


def _rows(group: list[Cell]) -> str:
    lines = [*HEAD]
    for forget in dict.fromkeys(cell["forget"] for cell in group):
        mine = [cell for cell in group if cell["forget"] == forget]
        by_method = {m: [c for c in mine if c["method"] == m] for m in dict.fromkeys(c["method"] for c in mine)}
        for method, some in sorted(by_method.items(), key=lambda pair: mean(map(harm, pair[1]))):
            steps = sorted({c["steps"] for c in some})
            lines.append(
                f"| {forget} | {method} | {len(some)} | {span(steps)} "
                f"| {_some([c['after']['FA'] for c in some])} | {_some([c['after']['FA_paraphrase'] for c in some])} "
                f"| {_some([loss(c, 'neighbours') for c in some])} | {_some([loss(c, 'others') for c in some])} "
                f"| {spread([fd_ratio(c) for c in some], 2)} | {spread([harm(c) for c in some])} "
                f"| {spread([c['cpu_seconds'] for c in some], 0)} s | {sum(map(kept, some))} of {len(some)} |"
            )
    return "\n".join(lines)


def _some(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return spread(known) if known else "-"


def _sentences(group: list[Cell]) -> str:
    """Which of two methods is better on the concepts and seeds that both have, and by how much."""
    ours = {(c["forget"], c["seed"]): c for c in group if c["method"] == "sfr-on"}
    lines = [
        "Harm is the mean of what is left by direct prompts and in other words, plus the points that the neighbours lost "
        "(the others, where there are none): 0 is forgotten without loss."
    ]
    for method in dict.fromkeys(c["method"] for c in group if c["method"] != "sfr-on"):
        pairs = [(c, ours[key]) for c in group if c["method"] == method and (key := (c["forget"], c["seed"])) in ours]
        if not pairs:
            continue
        gap = mean(harm(theirs) - harm(own) for theirs, own in pairs)
        who = "better than" if gap > 0 else "worse than" if gap < 0 else "equal to"
        won = sum(harm(theirs) > harm(own) for theirs, own in pairs)
        lines.append(
            f"- SFR-on is {who} {method} by {abs(gap):.1f} points of harm on the mean, and better in {won} of {len(pairs)} cells."
        )
    return "\n".join(lines)
