"""Markdown of bench.diffusion: every class in turn, and the methods side by side at equal time."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import mean, stdev
from typing import Any

from sfr_core.catalog import spec_of
from sfr_core.configs import DataSource
from sfr_core.data.splits import forget_spec
from sfr_core.presets import resolve

Cell = dict[str, Any]

OLD_PRECISION = "fp32"
"""Of the first cells, which do not name theirs; their values before come from the card, in bf16."""
FA_MOST, JA_LOSS_MOST, FD_RATIO_MOST = 2.0, 3.0, 1.15
"""What SFR-on's quick preset must keep for every class: percent, points, ratio."""
CLASSES = (
    "| forget | FA before | FA | softmax | some class | rest before | rest | FD before | FD | ratio | diversity | CPU time | kept |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)
METHODS = (
    "| method | cells | steps | FA | some class | loss of the rest | FD ratio | harm | CPU time | once per model |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)


def data_of(cell: Cell) -> DataSource:
    """Where its pictures came from. The first cells do not say and read the shipped ones; those of bench.latent never say, as theirs are always
    drawn."""
    return "data-free" if cell.get("data") == "data-free" else "shipped"


def ja_loss(cell: Cell) -> float:
    """Points that the judge's accuracy on the remaining classes fell; negative is a gain."""
    return float(cell["before"]["JA_remain"] - cell["after"]["JA_remain"])


def fd_ratio(cell: Cell) -> float:
    """Frechet distance of the remaining classes over the one before."""
    return float(cell["after"]["FD_remain"] / cell["before"]["FD_remain"])


def kept(cell: Cell) -> bool:
    """True where all three targets hold."""
    fa = cell["after"]["FA"]
    return bool(fa <= FA_MOST and ja_loss(cell) <= JA_LOSS_MOST and fd_ratio(cell) <= FD_RATIO_MOST)


def harm(cell: Cell) -> float:
    """One number to order methods by: FA plus what the rest lost, in points; 0 is forgotten without loss."""
    return float(cell["after"]["FA"]) + max(0.0, ja_loss(cell))


def table(cells: list[Cell], page: list[Cell] | None = None) -> str:
    """Everything measured on one checkpoint by one protocol in one precision, under a heading each; then the page's runs.

    The classes in turn are listed by device. The methods are compared across devices, since each has as many steps as fit into SFR-on's
    time on a CPU (bench.pace) wherever it ran; where each ran is said. Of cells that differ in their settings only, the newest
    stands in a table; what of SFR-on's differs from today's preset is said.
    """
    groups: dict[tuple[str, int, str, str, str, str, str], list[Cell]] = {}
    for cell in cells:
        used = cell.get("precision", OLD_PRECISION)
        before = cell.get("before_precision", "bf16")
        images = cell["checkpoint"].get("images_seen") or 0
        key = (cell["checkpoint"]["sha256"], images, cell["protocol"], used, before, cell["preset"], data_of(cell))
        groups.setdefault(key, []).append(cell)
    parts = []
    for (sha256, images, protocol, used, before, preset, data), group in groups.items():
        seen = f" after {images:,} training pictures" if images else ""
        parts.append(
            f"Checkpoint {sha256[:12]}{seen}; {protocol} "
            f"(samples of the forgotten class @ sampler steps); {preset}{', data-free' if data == 'data-free' else ''}; {used}"
            f"{'' if before == used else f', before: {before}'}.\n"
        )
        for device in dict.fromkeys(cell.get("device", "") for cell in group):
            there = newest(cell for cell in group if cell.get("device", "") == device)
            parts += [f"{there[-1]['machine']}.{drawn_first(there)}{changed(there)}\n", class_table(there), ""]
        parts += [method_table(group), ""]
    parts += [page_line(run) for run in page or []]
    return "\n".join(parts).rstrip()


def newest(cells: Iterable[Cell]) -> list[Cell]:
    """The last cell of each thing to forget, seed and method."""
    return list({(cell["forget"], cell["seed"], cell["method"]): cell for cell in cells}.values())


def drawn_first(cells: Iterable[Cell]) -> str:
    """A sentence on runs whose pictures the model drew itself before they began; nothing where there are none."""
    own = [c for c in cells if "opening_cpu_seconds" in c and (data_of(c) == "data-free" or "kind" in c)]
    if not own:
        return ""
    took = sorted({round(c["opening_cpu_seconds"]) for c in own})
    return f" Data-free: opening the model and drawing the pictures of the run took {span(took)} s of CPU more."


def changed(group: Iterable[Cell]) -> str:
    """A sentence on the settings of SFR-on's cells that today's preset has otherwise; nothing where there are none."""
    found: set[str] = set()
    for cell in group:
        if cell["method"] != "sfr-on":
            continue
        kind = cell.get("kind", "ddpm")  # bench.diffusion's name neither kind nor model
        config, model = spec_of("sfr-on", kind).config_cls, cell.get("model", "fashion-mnist-ddpm")
        today = resolve(model, "sfr-on", cell["preset"], forget=forget_spec(kind, cell["forget"]), kind=kind)
        then = config.from_dict(cell["settings"]).to_dict()
        found |= {f"{name} {value}" for name, value in then.items() if value != today[name]}
    return f" SFR-on with other settings than today's preset: {', '.join(sorted(found))}." if found else ""


def page_line(run: Cell) -> str:
    """The default run as the page makes it, in a sentence."""
    spent = run["spent"]
    return (
        f"Default run ({run['forget']}, checkpoint {run['checkpoint']['sha256'][:12]}, {run['precision']}, threads: {run['threads']}, a fresh process) from "
        f"the opening of the model to the finished comparison {run['seconds']:.0f} s ({run['cpu_seconds']:.0f} s of CPU): "
        f"opening {spent['open']:.0f} s, method {spent['method']:.0f} s, live looks {spent['looks']:.0f} s "
        f"({100 * run['looks_share']:.0f} % of the whole, {100 * run['looks_share_of_run']:.0f} % of method and looks), evaluation {spent['evaluate']:.0f} s; first picture after "
        f"{run['first_picture_seconds']:.1f} s; at most {run['peak_resident_bytes'] / 2**20:.0f} MiB resident."
    )


def class_table(cells: Iterable[Cell]) -> str:
    """SFR-on's preset, each class forgotten in turn (seed 0)."""
    rows = sorted((c for c in cells if c["method"] == "sfr-on" and c["seed"] == 0), key=lambda c: int(c["label"]))
    if not rows:
        return "No class was measured yet."
    lines = list(CLASSES)
    for c in rows:
        b, a = c["before"], c["after"]
        lines.append(
            f"| {c['forget']} | {b['FA']:.1f} | {a['FA']:.1f} | {a['FA_softmax']:.1f} | {a['accepted_any']:.1f} "
            f"| {b['JA_remain']:.1f} | {a['JA_remain']:.1f} | {b['FD_remain']:.2f} | {a['FD_remain']:.2f} "
            f"| {fd_ratio(c):.2f} | {a['diversity']:.2f} | {c['cpu_seconds']:.0f} s | {'yes' if kept(c) else 'no'} |"
        )
    n = sum(kept(c) for c in rows)
    lines.append(
        f"\n{n} of {len(rows)} classes keep all three: FA at most {FA_MOST:g} %, the rest within {JA_LOSS_MOST:g} points, "
        f"FD at most {FD_RATIO_MOST:g} times the one before."
    )
    return "\n".join(lines)


def method_table(cells: Iterable[Cell]) -> str:
    """Mean and spread of each method over the classes and seeds that SFR-on was measured on too, and a sentence for each rival."""
    found = newest(cells)
    ours = {(c["forget"], c["seed"]): c for c in found if c["method"] == "sfr-on"}
    rivals = [c for c in found if c["method"] != "sfr-on"]
    if not ours or not rivals:
        return "No second method was measured yet."
    pairs = {
        method: [
            (c, ours[c["forget"], c["seed"]])
            for c in rivals
            if c["method"] == method and (c["forget"], c["seed"]) in ours
        ]
        for method in dict.fromkeys(c["method"] for c in rivals)
    }
    pairs = {method: some for method, some in pairs.items() if some}
    if not pairs:
        return "The methods have no class and seed in common yet."
    against = {(own["forget"], own["seed"]) for some in pairs.values() for _, own in some}
    groups = {method: [theirs for theirs, _ in some] for method, some in pairs.items()}
    groups["sfr-on"] = [ours[place] for place in sorted(against)]
    lines = [*METHODS]
    for method, group in sorted(groups.items(), key=lambda pair: mean(map(harm, pair[1]))):
        steps = sorted({c["steps"] for c in group})
        once = max(c["once_seconds"] for c in group)  # later cells of a process find it kept
        lines.append(
            f"| {method} | {len(group)} | {span(steps)} | {spread([c['after']['FA'] for c in group])} "
            f"| {spread([c['after']['accepted_any'] for c in group])} | {spread([ja_loss(c) for c in group])} "
            f"| {spread([fd_ratio(c) for c in group], 2)} | {spread([harm(c) for c in group])} "
            f"| {spread([c['cpu_seconds'] for c in group], 0)} s | {f'{once:.0f} s' if once >= 0.5 else ''} |"
        )
    lines.append("\nHarm is FA plus the points that the rest lost: 0 is forgotten without loss." + measured_on(groups))
    lines += [sentence(method, [a for a, _ in some], [b for _, b in some]) for method, some in pairs.items()]
    return "\n".join(lines)


def measured_on(groups: dict[str, list[Cell]]) -> str:
    """A sentence on which method ran where; nothing where all ran on one machine."""
    where: dict[str, list[str]] = {}
    for method, group in groups.items():
        for machine in dict.fromkeys(c["machine"] for c in group):
            where.setdefault(machine, []).append(method)
    if len(where) < 2:
        return ""
    listed = "; ".join(f"{', '.join(methods)} on {machine}" for machine, methods in where.items())
    return f" Measured: {listed}."


def sentence(method: str, theirs: list[Cell], ours: list[Cell]) -> str:
    """Which of the two is better, and by how much, on the same classes and seeds."""
    gap = mean(map(harm, theirs)) - mean(map(harm, ours))
    who = "SFR-on is better than" if gap > 0 else "SFR-on is worse than" if gap < 0 else "SFR-on equals"
    fa = mean(c["after"]["FA"] for c in theirs) - mean(c["after"]["FA"] for c in ours)
    loss = mean(map(ja_loss, theirs)) - mean(map(ja_loss, ours))
    ratio = mean(map(fd_ratio, theirs)) / mean(map(fd_ratio, ours))
    won = sum(harm(a) > harm(b) for a, b in zip(theirs, ours, strict=True))
    return (
        f"- {who} {method} by {abs(gap):.1f} points of harm on the mean, and in {won} of {len(ours)} cells: there FA is "
        f"{fa:+.1f}, the loss of the rest {loss:+.1f} points, FD {ratio:.2f} times SFR-on's."
    )


def spread(values: list[float], digits: int = 1) -> str:
    """Mean and standard deviation, or the only value."""
    if len(values) < 2:
        return f"{values[0]:.{digits}f}"
    return f"{mean(values):.{digits}f} ± {stdev(values):.{digits}f}"


def span(values: list[int]) -> str:
    """The first and the last of ascending numbers, or the only one."""
    return str(values[0]) if values[0] == values[-1] else f"{values[0]} to {values[-1]}"
