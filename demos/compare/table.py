"""Rows of a race as a table for people: value, spread and gap of every method, what is best, and the first lines in words."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from demos.text import compare as texts
from sfr_core.catalog import spec_of, title_of
from sfr_core.catalog.retrain import RETRAIN
from sfr_core.metrics.definitions import METRICS, MetricDefinition
from sfr_core.results import GeneratorRecord
from sfr_core.runs.race_record import Racer, RaceRow
from sfr_core.runs.race_table import Standing, Stat, lead, quantities, standings, stat

OF_CLASSES = ("FA", "TA_forget", "RA", "TA_remain", "MIA", "RMIA", "avg_d", "KL")
OF_PICTURES = ("FA", "RA", "TA", "MIA", "RMIA", "avg_d", "KL")
OF_SAMPLES = ("FA", "accepted_any", "lost", "fd_ratio", "harm")
OF_CONCEPTS = ("FA", "FA_paraphrase", "lost_neighbours", "lost_others", "fd_ratio", "harm")
PLANES = (("TA_remain", "TA_forget"), ("JA_remain", "FA"), ("RA", "FA"))
"""What remains and what is left, as far as a run has it."""
NEIGHBOURS = "neighbours"
ARCHITECTURES = ("x86_64", "AMD64", "aarch64", "arm64")
"""As Python calls them; the benchmarks' words of a machine begin with one, those of a run do not."""
USUAL = ("quick", "official")
Place = tuple[str, int]
"""What a run forgot, and its seed."""
Json = dict[str, Any]


def name_of(racer: Racer) -> str:
    """A racer in a table: the method, or what is left of it, and what of it is unusual."""
    name = texts.PARTS.get(racer.part) or " ".join(filter(None, (title_of(racer.method), racer.part)))
    extras = [part for part in (racer.preset, racer.variant) if part not in USUAL]
    return texts.EXTRA.format(name=name, extras=", ".join(extras)) if extras else name


def place_of(row: RaceRow) -> Place:
    """Two rows can be compared where these are equal."""
    return row.forget, row.seed


def racer_of(rows: Sequence[RaceRow], method: str) -> Racer | None:
    """The racer that stands for a method: whole, as usual where it ran so; None where it did not run."""
    whole = {row.racer for row in rows if row.method == method and not row.part}
    return min(whole, key=lambda racer: (racer.preset, racer.variant) != USUAL, default=None)


def compared(rows: Sequence[RaceRow], reference: str) -> list[RaceRow]:
    """The rows that can be compared: those on the forget sets and seeds of the reference's runs that another racer ran on too.

    Without a run of the reference, or without another racer, all of them.
    """
    racer = racer_of(rows, reference)
    ours = {place_of(row) for row in rows if row.racer == racer}
    others = {place_of(row) for row in rows if row.racer != racer}
    common = ours & others or ours or others
    return [row for row in rows if place_of(row) in common]


def table(title: str, rows: Sequence[RaceRow], reference: str, *, kind: str | None = None) -> Json:
    """What the browser shows (static/ranking.js).

    Args:
        rows: of one kind of model. reference: the method that the others are compared with.
        kind: of the model, where the rows hold the settings alone that differ from the preset's: these are told beside the method.
    """
    rows = compared(rows, reference)
    known, found, ours = quantities(rows), standings(rows), racer_of(rows, reference)
    of = len({place_of(row) for row in rows})
    racing = [one for one in found if one.racer.method != RETRAIN and one.done == of]
    columns = _columns(rows, known, found)
    by = _by(rows)
    best = {key: _best(racing, found, key) for key in columns}
    shown = [
        {
            "name": name_of(one.racer),
            "method": one.racer.method,
            "ours": one.racer == ours,
            "pinned": False,
            "done": one.done,
            "of": of,
            "notes": _notes(one, [row for row in rows if row.racer == one.racer], rows, kind),
            "cells": {
                key: _cell(one, column, best=best[key] == one.racer) for key, column in columns.items()
            },
            "runs": [{"entry": row.entry, "seed": row.seed, "status": row.status} for row in rows if row.racer == one.racer and row.entry],
        }
        for one in found
    ]  # fmt: skip
    return {
        "title": title,
        "by": by,
        "said": said(rows, reference, by),
        "columns": list(columns.values()),
        "rows": shown,
        "pinned": _pinned(rows, columns),
        "plane": _plane(rows, known, found),
        "notes": _below(rows, reference, columns),
    }


def _best(racing: Sequence[Standing], found: Sequence[Standing], key: str) -> Racer | None:
    """Who is surely best in a quantity; nobody where one that lacks runs may be better."""
    first = lead(racing, key)
    lowest = min(
        (one.score[key].mean for one in found if key in one.score and one.racer.method != RETRAIN), default=0.0
    )
    if first is None or not first.sure:
        return None
    mine = next(one.score[key].mean for one in racing if one.racer == first.racer)
    return first.racer if mine <= lowest else None


def _below(rows: Sequence[RaceRow], reference: str, columns: dict[str, Json]) -> list[str]:
    """What has to be known of all rows."""
    notes = [] if "seconds" in columns else [texts.NO_SECONDS]
    if any("steps" in row.settings and len(row.settings) == 1 for row in rows):
        notes.append(texts.EQUAL_TIME.format(reference=title_of(reference)))
    return notes


def _by(rows: Sequence[RaceRow]) -> str:
    """The quantity by which methods are ordered."""
    return "harm" if any(isinstance(row.after, GeneratorRecord) for row in rows) else "avg_d"


def _columns(rows: Sequence[RaceRow], known: dict[str, MetricDefinition], found: Sequence[Standing]) -> dict[str, Json]:
    """The columns that some row has a number for, by key."""
    if any(isinstance(row.after, GeneratorRecord) for row in rows):
        wanted: tuple[str, ...] = OF_CONCEPTS if any(row.forget.startswith("concept:") for row in rows) else OF_SAMPLES
    else:
        wanted = OF_CLASSES if any(row.forget.startswith("class:") for row in rows) else OF_PICTURES
    columns = {key: _column(known[key]) for key in wanted if any(key in one.value for one in found)}
    if any(one.neighbours for one in found):
        columns[NEIGHBOURS] = {
            "key": NEIGHBOURS, "title": texts.NEIGHBOURS, "unit": "points", "good": "", "digits": 1, "sentence": texts.NEIGHBOURS_HELP,
        }  # fmt: skip
    columns["passes"] = _column(METRICS["passes"])
    if found and all(one.share_of_retraining for one in found):
        columns["passes"] |= {"title": texts.PASSES_SHARE, "unit": "%", "digits": 1}
    if _timed(rows):
        columns["seconds"] = _column(METRICS["seconds"])
    return columns


def _column(metric: MetricDefinition) -> Json:
    return {
        "key": metric.key, "title": metric.title, "unit": metric.unit, "good": metric.good, "digits": metric.decimals,
        "sentence": metric.sentence,
    }  # fmt: skip


def _timed(rows: Sequence[RaceRow]) -> bool:
    """Whether seconds can be compared: all runs have them, of one machine."""
    done = [row for row in rows if row.status == "done"]
    return bool(done) and all(row.seconds is not None for row in done) and len({row.machine for row in done}) == 1


def _cell(one: Standing, column: Json, *, best: bool) -> Json | None:
    """A number with its spread; None where a finished run lacks it."""
    key, share = column["key"], one.share_of_retraining
    value = one.neighbours if key == NEIGHBOURS else one.value.get(key)
    if value is None:
        return None
    if column["unit"] == "%" and key == "passes" and share is not None:
        beside = texts.PASSES_BESIDE.format(n=value.mean)
        return {**_numbers(share), "gap": None, "score": share.mean, "best": best, "beside": beside}
    gap, score = one.gap.get(key), one.score.get(key)
    shown_gap = gap.mean if gap is not None and key != "KL" else None  # the retrained model's is 0
    return {**_numbers(value), "gap": shown_gap, "score": None if score is None else score.mean, "best": best}


def _numbers(value: Stat) -> Json:
    return {"mean": value.mean, "spread": value.spread, "n": value.n}


def _notes(one: Standing, mine: Sequence[RaceRow], rows: Sequence[RaceRow], kind: str | None) -> list[str]:
    """What a reader has to know of a racer's runs."""
    notes = []
    if kind is not None and not one.racer.part:
        labels = {s.name: s.label.lower() for s in spec_of(one.racer.method, kind).config_cls.settings()}
        names = dict.fromkeys(name for row in mine for name in row.settings)
        notes += [
            (texts.STEPS if name == "steps" else texts.SETTINGS).format(
                name=labels.get(name, name), values=_span([row.settings[name] for row in mine if name in row.settings])
            )
            for name in names
        ]
    usual, machines = (
        list(dict.fromkeys(_place_words(row.machine) for row in some if row.machine)) for some in (rows, mine)
    )
    elsewhere = " and ".join(machine for machine in machines if machine != usual[0])
    if elsewhere:
        notes.append((texts.ON if len(machines) == 1 else texts.PARTLY_ON).format(machine=elsewhere))
    if one.stopped:
        notes.append(texts.STOPPED.format(n=one.stopped))
    if one.failed:
        why = next(row.said for row in mine if row.status == "failed")
        notes.append(texts.FAILED.format(n=one.failed, said=why))
    return notes


def _span(values: Sequence[Any]) -> str:
    least, most = min(values, key=str), max(values, key=str)
    if all(isinstance(value, int | float) for value in values):
        least, most = min(values), max(values)
    least, most = (f"{end:g}" if isinstance(end, float) else str(end) for end in (least, most))
    return least if least == most else texts.SPAN.format(least=least, most=most)


def _place_words(machine: str) -> str:
    """The processor of a machine's words: "x86_64, CPU, 2 cores, python 3.11, ..." says "CPU, 2 cores"."""
    place = machine.partition(", python")[0]
    architecture, _, rest = place.partition(", ")
    return rest if rest and architecture in ARCHITECTURES else place


def _pinned(rows: Sequence[RaceRow], columns: dict[str, Json]) -> list[Json]:
    """The original and the retrained model, each forget set once."""
    once = list({row.forget: row for row in rows if row.before is not None}.values())
    shown = []
    for name, who in ((texts.ORIGINAL, "before"), (texts.RETRAINED, "retrained")):
        records = [getattr(row, who) for row in once if getattr(row, who) is not None]
        if not records or len(records) < len(once):
            continue
        cells: dict[str, Json | None] = dict.fromkeys(columns)
        for key in columns:
            values = [float(value) for record in records if (value := getattr(record, key, None)) is not None]
            if len(values) == len(records):
                cells[key] = {**_numbers(stat(values)), "gap": None, "best": False}
        if who == "retrained" and NEIGHBOURS in columns and all(row.neighbours for row in once):
            changes = [fmean(each.retrained - each.before for each in row.neighbours if each.retrained is not None) for row in once]  # fmt: skip
            cells[NEIGHBOURS] = {**_numbers(stat(changes)), "gap": None, "best": False}
        floors = [row.kl_floor for row in once if row.kl_floor is not None]
        notes = [texts.FLOOR.format(floor=fmean(floors))] if floors and who == "retrained" else []
        shown.append({"name": name, "pinned": True, "done": len(once), "of": len(once), "notes": notes, "cells": cells, "runs": []})  # fmt: skip
    return shown


def _plane(rows: Sequence[RaceRow], known: dict[str, MetricDefinition], found: Sequence[Standing]) -> Json:
    """Where each method ends: what remains to the right, what is left of the forgotten upwards; `way` begins at the original.

    What is left of a method without one of its parts stands in the table alone: a figure of so many lines cannot be read.
    """
    found = [one for one in found if not one.racer.part]
    across, up = next(
        axes for axes in PLANES if set(axes) <= {key for one in found for key in one.value} or axes is PLANES[-1]
    )
    models: dict[str, list[float] | None] = {}
    for who in ("before", "retrained"):
        records = [getattr(row, who) for row in {row.forget: row for row in rows if row.before is not None}.values()]
        places = [(getattr(record, across, None), getattr(record, up, None)) for record in records]
        whole = bool(places) and all(None not in place for place in places)
        models[who] = [fmean(numbers) for numbers in zip(*places, strict=True)] if whole else None
    start = models["before"]
    ends = [(one, [one.value[across].mean, one.value[up].mean]) for one in found if {across, up} <= set(one.value)]
    return {
        "x": known[across].title,
        "y": known[up].title,
        "start": start,
        "goal": models["retrained"],
        "ends": [{"name": name_of(one.racer), "way": [start, end] if start else [end]} for one, end in ends],
    }


def said(rows: Sequence[RaceRow], reference: str, by: str) -> list[str]:
    """The table in words: what beats the reference in one quantity, by how much, who is best, and who is next."""
    found = [one for one in standings(rows) if one.racer.method != RETRAIN and by in one.score]
    of = len({place_of(row) for row in rows})
    whole, part = [one for one in found if one.done == of], [one for one in found if one.done < of]
    what = texts.HARM if by == "harm" else texts.GAP
    unplaced = [texts.INCOMPLETE.format(methods=", ".join(name_of(one.racer) for one in part))] if part else []
    if not whole:
        return unplaced or [texts.NOTHING]
    order = sorted(whole, key=lambda one: one.score[by].mean)
    first = order[0]
    value = {"method": name_of(first.racer), "what": what, "value": _value(first.score[by]), "runs": _runs(first.done)}
    if len(found) == 1:
        return [texts.ALONE.format(**value)]
    ours = next((one for one in found if one.racer == racer_of(rows, reference)), None)
    beaten = [] if ours is None else [_beaten(rows, found, ours, by)]
    lines = [(texts.LEAST_HARM if by == "harm" else texts.NEAREST).format(**value)]
    if len(order) > 1:
        ahead = lead(whole, by)
        assert ahead is not None
        assert ahead.ahead is not None
        lines.append(
            texts.NEXT.format(
                method=name_of(order[1].racer),
                by=_points(ahead.ahead),
                sure=_sure(ahead.sure, first.score[by], order[1].score[by]),
            )
        )
    # What beats ours is the first thing to be read, once ours has its place.
    placed = ours is not None and ours.done == of
    return (beaten + lines if placed and first != ours else lines + beaten) + unplaced


def _beaten(rows: Sequence[RaceRow], found: Sequence[Standing], ours: Standing, by: str) -> str:
    """What is better than ours on the forget sets and seeds that both ran on."""
    better = []
    for one in found:
        if one.racer == ours.racer:
            continue
        pair = standings(_both(rows, one.racer, ours.racer))
        best = lead(pair, by)
        if best is not None and best.racer == one.racer and best.ahead:
            a, b = (next(each for each in pair if each.racer == who) for who in (one.racer, ours.racer))
            better.append((best.ahead, name_of(one.racer), _sure(best.sure, a.score[by], b.score[by])))
    if not better:
        return texts.UNBEATEN.format(reference=name_of(ours.racer))
    listed = [
        texts.BEATEN_BY.format(method=name, by=_points(ahead), sure=sure)
        for ahead, name, sure in sorted(better, reverse=True)
    ]
    return texts.BEATEN.format(reference=name_of(ours.racer), methods="; ".join(listed))


def _both(rows: Sequence[RaceRow], *racers: Racer) -> list[RaceRow]:
    """The finished rows of two racers where both have one."""
    mine = [{place_of(row): row for row in rows if row.racer == racer and row.status == "done"} for racer in racers]
    common = set.intersection(*map(set, mine))
    return [row for found in mine for place, row in found.items() if place in common]


def _sure(sure: bool, a: Stat, b: Stat) -> str:
    if a.spread is None or b.spread is None:
        return texts.ONCE
    return texts.SURE if sure else texts.UNSURE


def _value(score: Stat) -> str:
    mean = _points(score.mean)
    return mean if score.spread is None else f"{mean} ± {_points(score.spread)}"


def _points(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _runs(n: int) -> str:
    return texts.RUNS[n == 1].format(n=n)
