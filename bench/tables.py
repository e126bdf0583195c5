"""Markdown of stored cells: the classifier's runs, generators of classes, and concepts of the text-to-image model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import mean, stdev

from bench.cells import OWN_STEPS, Cell, identity
from sfr_core import passes
from sfr_core.catalog import spec_of, title_of
from sfr_core.configs import RunConfig
from sfr_core.data.splits import forget_spec
from sfr_core.metrics import harm as harms
from sfr_core.metrics.thresholds import (
    CLASS_LEFT,
    CLASSES_LOST,
    CONCEPT_LEFT,
    DISTANCE_RATIO,
    NEIGHBOURS_LOST,
    WORDS_LEFT,
)
from sfr_core.plan import RunPlan, plan
from sfr_core.presets import resolve

CLASSIFIER = "fashion-mnist-resnet"
"""The model of the classifier's cells, which do not name it."""


def markdown(head: str, rows: Iterable[Sequence[str]]) -> str:
    """A table.

    Args:
        head: titles of the columns, with a bar between them.
    """
    lines = [f"| {head} |", f"|{' --- |' * (head.count('|') + 1)}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)


def spread(values: Iterable[float | None], digits: int = 1) -> str:
    """Mean and standard deviation, or the only value; "-" where none is known."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return f"{known[0]:.{digits}f}" if known else "-"
    return f"{mean(known):.{digits}f} ± {stdev(known):.{digits}f}"


def span(values: Iterable[int]) -> str:
    """The least and the greatest of some numbers, or the only one."""
    found = sorted(set(values))
    return str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"


# The classifier


def label(cell: Cell) -> str:
    """A classifier's row: method, and what of it is not the default."""
    if cell["ablation"]:
        return f"{cell['ablation']} of {cell['method']}"
    extras = [cell[part] for part in ("preset", "variant") if cell[part] not in ("quick", "official")]
    return f"{cell['method']} ({', '.join(extras)})" if extras else str(cell["method"])


def gap(cell: Cell) -> float:
    """TA_remain against the retrained model, percentage points; negative is a loss."""
    return float(cell["after"]["TA_remain"] - cell["retrained"]["TA_remain"])


def cost_text(cells: Iterable[Cell]) -> str:
    """What runs cost on every machine: passes on the mean, and their share of those of retraining where that is known."""
    plans = [plan_of(cell) for cell in cells]
    made, whole = mean(map(passes.planned, plans)), [passes.retraining(run) for run in plans]
    known = [retraining for retraining in whole if retraining]
    share = f" ({100 * made / mean(known):.2g} %)" if len(known) == len(plans) else ""
    return f"{made:,.0f}{share}"


def plan_of(cell: Cell) -> RunPlan:
    """What a cell did: the classifier's names its forget specification, a generator's the class or concept."""
    model, forget = cell.get("model", CLASSIFIER), cell["forget"]
    spec = forget_spec(cell["kind"], forget) if "kind" in cell else forget
    data = cell.get("data", "shipped")
    return plan(RunConfig(model=model, forget=spec, method=cell["method"], settings=cell["settings"], data=data))


def classifier_table(cells: Iterable[Cell]) -> str:
    """Every cell: classes, then scattered samples."""
    classes: list[list[str]] = []
    scattered: list[list[str]] = []
    for c in cells:
        a, r = c["after"], c["retrained"]
        forgotten = c["forget"].removeprefix("class:")
        if forgotten != c["forget"]:
            classes.append([
                label(c), forgotten, f"{a['FA']:.1f}", f"{a['TA_forget']:.1f}", f"{a['TA_remain']:.2f}",
                f"{r['TA_remain']:.2f}", f"{gap(c):+.2f}", f"{a['MIA']:.1f} ({r['MIA']:.1f})", f"{c['avg_d']:.2f}",
                cost_text([c]),
            ])  # fmt: skip
        else:
            pairs = [f"{a[k]:.1f} ({r[k]:.1f})" for k in ("FA", "RA", "TA", "MIA")]
            averages = [f"{c['avg_d']:.2f}", f"{c['avg_d_before']:.2f}", f"{a['KL']:.3f}"]
            scattered.append([label(c), forgotten, *pairs, *averages, cost_text([c])])
    tables = (
        (
            "method | forget | FA | TA forget | TA remain | retrained | gap | MIA (retr.) | Avg.D | passes (of retraining)",
            classes,
        ),
        (
            "method | forget | FA (retr.) | RA (retr.) | TA (retr.) | MIA (retr.) | Avg.D | before | KL | passes (of retraining)",
            scattered,
        ),
    )
    return "\n\n".join(markdown(head, rows) for head, rows in tables if rows)


# Generators


def loss(cell: Cell, of: str = "remain") -> float | None:
    """Points that the judge's accuracy on "remain", "neighbours" or "others" fell (metrics/harm.py)."""
    return harms.lost(cell["before"], cell["after"], of)


def fd_ratio(cell: Cell) -> float:
    """Frechet distance of what remains over the one before."""
    return harms.fd_ratio(cell["before"], cell["after"])


def left(cell: Cell) -> float:
    """What is left, percent."""
    return harms.left(cell["after"])


def nearest_loss(cell: Cell) -> float:
    """Points lost by what could be harmed."""
    return harms.nearest_lost(cell["before"], cell["after"])


def harm(cell: Cell) -> float:
    """What is left plus what the nearest lost, in points; 0 is forgotten without loss."""
    return harms.harm(cell["before"], cell["after"])


def kept(cell: Cell) -> bool:
    """True where all three targets hold."""
    fa, lost = cell["after"]["FA"], nearest_loss(cell)
    if cell["kind"] != "text-to-image":
        return bool(fa <= CLASS_LEFT and lost <= CLASSES_LOST and fd_ratio(cell) <= DISTANCE_RATIO)
    words = cell["after"]["FA_paraphrase"]
    return bool(fa <= CONCEPT_LEFT and (words is None or words <= WORDS_LEFT) and lost <= NEIGHBOURS_LOST)


def newest(cells: Iterable[Cell]) -> list[Cell]:
    """The last cell of each thing to forget, seed and method."""
    return list({(cell["forget"], cell["seed"], cell["method"]): cell for cell in cells}.values())


def grouped(cells: Iterable[Cell], key: Callable[[Cell], str]) -> dict[str, list[Cell]]:
    """Cells by what `key` says of them, in the order of the first of each."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(key(cell), []).append(cell)
    return groups


def table(cells: Sequence[Cell], page: Iterable[Cell] = (), attacked: Sequence[Cell] = ()) -> str:
    """Everything measured on one checkpoint by one protocol in one precision, under a heading each; then the page's runs.

    The classes in turn are listed by machine. Methods are compared across machines, since each baseline has as many steps as fit into the
    default's time on a CPU (bench.pace) wherever it ran; where each ran is said. Of cells that differ in their settings only, the newest
    stands in a table; what of the methods in OWN_STEPS differs from today's preset is said. Of a concept whose prompts were changed only the cells with
    the last ones: the others answer another question.

    Args:
        page: the page's runs. attacked: cells of bench.comeback.
    """
    prompts = {(c["checkpoint"]["sha256"], c["forget"]): c["prompts"] for c in cells}
    cells = [c for c in cells if c["prompts"] == prompts[c["checkpoint"]["sha256"], c["forget"]]]
    parts = []
    for heading, group in grouped(cells, _heading).items():
        parts.append(heading)
        if group[0]["kind"] == "text-to-image":
            group = newest(group)
            parts += [f"{group[-1]['machine']}.{drawn_first(group)}", concept_table(group, attacked)]
            continue
        for there in grouped(group, lambda cell: str(cell["device"])).values():
            there = newest(there)
            parts.append(f"{there[-1]['machine']}.{drawn_first(there)}")
            parts += [class_table(mine) for mine in by_own_steps(there)]
        parts.append(method_table(group))
    return "\n\n".join([*parts, *map(page_line, page)])


def _heading(cell: Cell) -> str:
    seen, precision, before = cell["checkpoint"]["images_seen"], cell["precision"], cell["before_precision"]
    of = "a kind of prompt, twice" if cell["kind"] == "text-to-image" else "the forgotten class"
    after = f" after {seen:,} training pictures" if seen else ""
    free = ", data-free" if cell["data"] == "data-free" else ""
    return (
        f"Checkpoint {cell['checkpoint']['sha256'][:12]}{after}; {cell['protocol']} (samples of {of} @ sampler steps); "
        f"{cell['preset']}{free}; {precision}{'' if before == precision else f', before: {before}'}."
    )


def drawn_first(cells: Iterable[Cell]) -> str:
    """A sentence on runs whose pictures the model drew itself before they began; nothing where there are none."""
    took = [round(c["opening_cpu_seconds"]) for c in cells if c["data"] == "data-free" and "opening_cpu_seconds" in c]
    if not took:
        return ""
    return f" Data-free: opening the model and drawing the pictures of the run took {span(took)} s of CPU more."


def changed(group: Iterable[Cell]) -> str:
    """A sentence on the settings of some cells of one method that today's preset has otherwise; nothing where there are none."""
    found: set[str] = set()
    for cell in group:
        kind, method = cell["kind"], cell["method"]
        today = resolve(cell["model"], method, cell["preset"], forget=forget_spec(kind, cell["forget"]), kind=kind)
        then = spec_of(method, kind).config_cls.from_dict(cell["settings"]).to_dict()
        found |= {f"{name} {value}" for name, value in then.items() if value != today[name]}
    return f" Other settings than today's preset: {', '.join(sorted(found))}." if found else ""


def by_own_steps(cells: Iterable[Cell]) -> list[list[Cell]]:
    """The cells of each method that runs as its preset says and has some with seed 0, by their labels."""
    groups = grouped(
        (c for c in cells if c["seed"] == 0 and c["method"] in OWN_STEPS), lambda cell: str(cell["method"])
    )
    return [sorted(groups[method], key=lambda c: int(c["label"])) for method in OWN_STEPS if method in groups]


def class_table(found: Sequence[Cell]) -> str:
    """One method's preset, each class forgotten in turn (`by_own_steps`)."""
    rows = []
    for c in found:
        b, a = c["before"], c["after"]
        shares = [b["FA"], a["FA"], a["FA_softmax"], a["accepted_any"], b["JA_remain"], a["JA_remain"]]
        distances = [b["FD_remain"], a["FD_remain"], fd_ratio(c), a["diversity"]]
        numbers = [*(f"{x:.1f}" for x in shares), *(f"{x:.2f}" for x in distances), f"{c['cpu_seconds']:.0f} s"]
        rows.append([c["forget"], *numbers, "yes" if kept(c) else "no"])
    head = "forget | FA before | FA | softmax | some class | rest before | rest | FD before | FD | ratio | diversity | CPU time | kept"
    return (
        f"{title_of(found[0]['method'])}, one run for each class in the table.{changed(found)}\n\n{markdown(head, rows)}\n\n{sum(map(kept, found))} of {len(rows)} classes meet all three targets: FA at most {CLASS_LEFT:g} %, the rest within "
        f"{CLASSES_LOST:g} points, FD at most {DISTANCE_RATIO:g} times the one before."
    )


Pairs = dict[str, list[tuple[Cell, Cell]]]


def compared_with(cells: Iterable[Cell]) -> str:
    """The method that the others are compared with: the first of OWN_STEPS that was measured, the first where none was."""
    measured = {cell["method"] for cell in cells}
    return next((method for method in OWN_STEPS if method in measured), OWN_STEPS[0])


def against_ours(cells: Iterable[Cell]) -> Pairs:
    """Each method's cells with those of `compared_with` on the same thing and seed, by method."""
    found = newest(cells)
    reference = compared_with(found)
    ours = {(c["forget"], c["seed"]): c for c in found if c["method"] == reference}
    pairs: Pairs = {}
    for c in found:
        if c["method"] != reference and (c["forget"], c["seed"]) in ours:
            pairs.setdefault(c["method"], []).append((c, ours[c["forget"], c["seed"]]))
    return pairs


def method_table(cells: Sequence[Cell]) -> str:
    """Mean and spread of each method over the classes and seeds that `compared_with` was measured on too, and a sentence for each."""
    reference = compared_with(cells)
    if len({c["method"] == reference for c in cells}) < 2:
        return "No second method was measured yet."
    pairs = against_ours(cells)
    if not pairs:
        return "The methods have no class and seed in common yet."
    ours = {(own["forget"], own["seed"]): own for some in pairs.values() for _, own in some}
    groups = {method: [theirs for theirs, _ in some] for method, some in pairs.items()}
    groups[reference] = [ours[place] for place in sorted(ours)]
    rows = []
    for method, group in sorted(groups.items(), key=lambda pair: mean(map(harm, pair[1]))):
        once = max(c["once_seconds"] for c in group)  # later cells of a process find it kept
        rows.append([
            method, str(len(group)), span(c["steps"] for c in group), spread(c["after"]["FA"] for c in group),
            spread(c["after"]["accepted_any"] for c in group), spread(map(loss, group)), spread(map(fd_ratio, group), 2),
            spread(map(harm, group)), cost_text(group), f"{spread((c['cpu_seconds'] for c in group), 0)} s", f"{once:.0f} s" if once >= 0.5 else "",
        ])  # fmt: skip
    head = "method | runs | steps | FA | some class | loss of the rest | FD ratio | harm | passes (of retraining) | CPU time | once per model"
    about = "Harm is FA plus the points that the rest lost: 0 is forgotten without loss." + measured_on(groups)
    return "\n".join([markdown(head, rows), "", about, *sentences(pairs)])


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


def sentences(pairs: Pairs) -> list[str]:
    """Which of two methods is better on what both were measured on, and by how much."""
    lines = []
    for method, some in pairs.items():
        name = title_of(some[0][1]["method"])
        theirs, ours = zip(*some, strict=True)
        apart = mean(map(harm, theirs)) - mean(map(harm, ours))
        tied = abs(apart) < 0.05  # it would be written as 0.0
        who = f"is {'better' if apart > 0 else 'worse'} than {title_of(method)} by {abs(apart):.1f} points of harm on the mean"
        if tied:
            who = f"does as much harm on the mean as {title_of(method)}"
        won = sum(harm(a) > harm(b) for a, b in some)
        line = f"- {name} {who}, and {'less' if tied else 'better'} in {won} of {len(some)} cells"
        if ours[0]["kind"] != "text-to-image":
            fa = mean(map(left, theirs)) - mean(map(left, ours))
            lost = mean(map(nearest_loss, theirs)) - mean(map(nearest_loss, ours))
            ratio = mean(map(fd_ratio, theirs)) / mean(map(fd_ratio, ours))
            line += (
                f": there FA is {fa:+.1f}, the loss of the rest {lost:+.1f} points, FD {ratio:.2f} times that of {name}"
            )
        lines.append(f"{line}.")
    return lines


def concept_table(cells: Sequence[Cell], attacked: Sequence[Cell] = ()) -> str:
    """Each method on each concept, ordered by harm, below the original and the retrained model; and a sentence for each rival."""
    rows = []
    for forget, mine in grouped(cells, lambda cell: str(cell["forget"])).items():
        rows += reference_rows(forget, mine, attacked)
        by_method = grouped(mine, lambda cell: str(cell["method"]))
        for method, some in sorted(by_method.items(), key=lambda pair: mean(map(harm, pair[1]))):
            lost = [spread(loss(c, of) for c in some) for of in ("neighbours", "others")]
            rows.append([
                forget, method, str(len(some)), span(c["steps"] for c in some), spread(c["after"]["FA"] for c in some),
                spread(c["after"]["FA_paraphrase"] for c in some), *lost, spread(map(fd_ratio, some), 2), spread(map(harm, some)),
                cost_text(some), f"{spread((c['cpu_seconds'] for c in some), 0)} s", f"{sum(map(kept, some))} of {len(some)}", comes_back(some, attacked),
            ])  # fmt: skip
    head = "forget | method | runs | steps | by its own prompts | in other words | loss of neighbours | loss of others | FD ratio | harm | passes (of retraining) | CPU time | kept | comes back"
    about = (
        "Harm is the mean of what is left by the concept's own prompts and in other words, plus the points that the neighbours lost "
        "(the others, where there are none): 0 is forgotten without loss."
    )
    return "\n".join([markdown(head, rows), "", about + attack_words(attacked), *sentences(against_ours(cells))])


def comes_back(some: Sequence[Cell], attacked: Sequence[Cell]) -> str:
    """Percent of an attack's samples that show the concept, mean and spread over the cells that were attacked, and their number."""
    shown = [float(a["shown"]) for a in attacked if any(same_run(a, c) for c in some)]
    return f"{spread(shown)} ({len(shown)})" if shown else "-"


def same_run(attacked: Cell, cell: Cell) -> bool:
    """Whether an attack was on the run of a cell. A rival's settings name the preset's steps in one and those of its equal time in the other."""
    same = (attacked["method"], attacked["steps"]) == (cell["method"], cell["steps"])
    return same and identity(attacked) == identity(cell)


def reference_rows(forget: str, cells: Sequence[Cell], attacked: Sequence[Cell]) -> list[list[str]]:
    """The original and the retrained model of a concept, which tell what the attack gets at most and from a model that never saw it."""
    rows = []
    for who in ("original", "retrained"):
        shown = [a["shown"] for a in attacked if (a["forget"], a["method"]) == (forget, who)]
        if shown:
            before = [spread([cells[-1]["before"][k]]) if who == "original" else "-" for k in ("FA", "FA_paraphrase")]
            rows.append([forget, who, "", "", *before, *["-"] * 6, f"{shown[-1]:.1f}"])
    return rows


def attack_words(attacked: Sequence[Cell]) -> str:
    """How the column "comes back" was measured; nothing where nothing was."""
    if not attacked:
        return ""
    how, precisions = attacked[-1]["attack"], sorted({a["precision"] for a in attacked})
    return (
        f" Comes back: percent of {how['samples']} samples that show the concept once a word has been learned for it in {how['steps']} steps, every "
        f"weight held still (number of runs attacked; {', '.join(precisions)}; `python -m bench.comeback`)."
    )


def page_line(run: Cell) -> str:
    """The default run as the page makes it, in a sentence."""
    spent = run["spent"]
    return (
        f"Default run ({run['forget']}, checkpoint {run['checkpoint']['sha256'][:12]}, {run['precision']}, threads: {run['threads']}, a fresh process) from "
        f"the opening of the model to the finished comparison {run['seconds']:.0f} s ({run['cpu_seconds']:.0f} s of CPU): "
        f"opening {spent['open']:.0f} s, method {spent['method']:.0f} s, previews {spent['looks']:.0f} s "
        f"({100 * run['looks_share']:.0f} % of the whole, {100 * run['looks_share_of_run']:.0f} % of method and previews), evaluation {spent['evaluate']:.0f} s; first picture after "
        f"{run['first_picture_seconds']:.1f} s; at most {run['peak_resident_bytes'] / 2**20:.0f} MiB resident."
    )
