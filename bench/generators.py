"""The tables of the generators: every class forgotten in turn, and every method on a few classes or concepts at equal time.

    python -m bench.generators [--model fashion-mnist-ddpm|emoji-dit|emoji-sd] [--part methods|classes|page]
                               [--forget NAME ...] [--seeds N ...] [--methods ID ...] [--preset thorough] [--precision bf16]
                               [--samples 500] [--sampler-steps 50] [--data-free] [--folder FOLDER] [--table] [--sheet]

Each finished cell goes to bench/results/generators.json at once and is not measured again on the same checkpoint, with the same
settings and protocol, so a broken-off table is continued by the same command. SFR-on redirected comes first, SFR-on runs as its preset says;
what equal time is for the others: bench.pace. Latent models are measured as the page measures a run, the pixel model on as many samples and sampler steps as are asked
for. Each protocol, machine, preset, precision and source of pictures has a table of its own. A cell names its precision, which for a
baseline is that of the cell that sets its time. The pictures that a model draws for its run are not counted. `--table` prints
the model's cells as Markdown; `--sheet` writes bench/results/generators.png from the samples of the pixel model's cells.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, get_args

import diffusers
import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import nn

from bench.cells import (
    FOLDER,
    OWN_STEPS,
    REFERENCE,
    Cell,
    Place,
    comebacks,
    find,
    load,
    machine,
    places,
    settings_of,
    today,
    unmeasured,
    updating,
)
from bench.pace import RIVALS, TRIAL_STEPS, bare_run, data_of, equal_steps, open_session, steps_for
from bench.tables import table
from recipes.command import one_sentence, parser_of
from recipes.train import can_compile
from sfr_core.cancel import CancelToken
from sfr_core.catalog import spec_of, title_of
from sfr_core.configs import Device, Precision
from sfr_core.data.samples import sample_plan
from sfr_core.data.splits import forget_spec, parse_forget
from sfr_core.errors import InputError
from sfr_core.events import Evaluated, PhaseStarted, Preview
from sfr_core.metrics.generation import Protocol
from sfr_core.ops.device import UsedPrecision, peak_resident_bytes
from sfr_core.ops.diffusion import check_sampler
from sfr_core.ops.stepwise import drained
from sfr_core.presets import default_method
from sfr_core.results import GeneratorRecord
from sfr_core.runs.evaluate import evaluate
from sfr_core.runs.runner import run
from sfr_core.runs.sampling import Drawn, OriginalSamples, draw, known_record, protocol_of
from sfr_core.runs.session import Session
from sfr_core.tasks.ddpm import DiffusionTask
from sfr_core.zoo.cards import ModelCard, read_card
from sfr_core.zoo.shipped import card, open_dataset

RESULTS = FOLDER / "generators.json"
COMPARED = {
    "fashion-mnist-ddpm": ("Trouser", "Sneaker", "Bag"),
    "emoji-dit": ("flags", "clocks", "birds"),
    "emoji-sd": ("cat", "flags", "google style"),
}
"""On which all methods are compared; of the text-to-image model an object, a category and a style."""
SEEDS = (0, 1, 2)
CARD_PRECISION: UsedPrecision = "bf16"
"""In which the records of the pixel model's card were made (`recipes.ddpm.quality`)."""


TILES = 6
"""Samples of each class in a panel."""
SCALE = 2
GAP, TITLE, ACROSS = 12, 16, 4
PAPER, INK, MARK = (255, 255, 255), (40, 40, 40), (214, 40, 40)


def stored() -> dict[str, list[Cell]]:
    """Everything measured so far: "cells" and runs of the "page"."""
    return load(RESULTS, {"cells": [], "page": []})


def add(part: str, found: Cell) -> None:
    """Adds a cell or a page run to the file; where another process has measured the same cell meanwhile, that one stays."""
    with updating(RESULTS, {"cells": [], "page": []}) as results:
        if part == "page" or find(results["cells"], found) is None:
            results[part].append(found)


def measure(
    model: ModelCard, place: Place, cells: Sequence[Cell], before: OriginalSamples, sampler: Protocol,
    precision: Precision = "auto", device: Device = "cpu",
) -> Cell:  # fmt: skip
    """One cell: the run, its time and its records; on a CPU the precision of REFERENCE's run is that of the baselines.

    On a GPU equal time is that of a CPU (bench.pace). A method in closed form takes what it takes, and one of OWN_STEPS its preset's steps.

    Raises:
        InputError: REFERENCE was not measured on this thing and seed, so there is no time to give to another method.
    """
    cell = unmeasured(model, place, sampler.name)
    settings, ours = cell["settings"], replace(place, method=REFERENCE)
    once, budget = 0.0, None
    if place.method not in OWN_STEPS and device == "cuda":
        if "steps" in settings:
            settings["steps"], budget = equal_steps(model.id, place.method, settings, settings_of(model, ours))
    elif place.method not in OWN_STEPS:
        known = find(cells, unmeasured(model, ours, sampler.name))
        if known is None:
            raise InputError(
                f"{title_of(REFERENCE)} was not measured on {place.forget} with seed {place.seed}.",
                hint=f"Measure it first, with the preset {place.preset} and {place.data} pictures.",
            )
        budget, precision = float(known["cpu_seconds"]), known["precision"]
        if "steps" in settings:
            trial = bare_run(open_session(model, place, {**settings, "steps": TRIAL_STEPS}, precision))
            settings["steps"], once = steps_for(budget, trial), trial.once_cpu_seconds
    began = time.process_time()
    session = open_session(model, place, settings, precision, device)
    opened = time.process_time() - began
    took = bare_run(session)
    session.keep()
    if model.kind == "ddpm":
        records = drawn_records(session, place, cells, before, sampler, device)
    else:
        found = drained(evaluate(session.task, session, session.models(), steps=took.steps, cancel=CancelToken()))
        records = {who: asdict(record) for who, record in found.records.items()}
    return {
        **cell, "label": int(session.split.spec.classes[0]), "steps": took.steps, "precision": session.precision,
        "before_precision": session.precision, "budget_cpu_seconds": budget, "device": session.device_name, **records,
        "opening_cpu_seconds": opened, "seconds": took.seconds, "cpu_seconds": took.cpu_seconds - took.once_cpu_seconds,
        "once_seconds": max(once, took.once_cpu_seconds), "mask_density": took.mask_density, "machine": where(device),
        "threads": session.threads, "date": today(),
    }  # fmt: skip


def drawn_records(
    session: Session, place: Place, cells: Sequence[Cell], before: OriginalSamples, sampler: Protocol, device: Device
) -> dict[str, Any]:
    """The pixel model's records before and after; keeps a few samples of both for the sheet."""
    task, model, forgotten = session.task, session.card, session.split.spec.classes
    assert isinstance(task, DiffusionTask)
    assert task.judge is not None  # a shipped model has one
    classes = len(session.dataset.class_names)
    labels = sample_plan(forgotten, classes, sampler.n)
    compiled = device == "cpu" and can_compile()
    untouched = None
    if session.precision == CARD_PRECISION and device == "cpu":
        untouched = known_record(
            model.records.get(forget_spec(model.kind, place.forget), {}), sampler, labels, forgotten
        )
    untouched = untouched or known_before(cells, session, sampler, place.forget, where(device))
    if untouched is None:
        untouched = before.drawn(task, quicker(session.reference("before"), compiled), labels).record(forgotten)
    if not (blank := tiles_path(Place("before", 0, "none"), model.sha256)).exists():
        few = np.repeat(np.arange(classes), TILES)
        save_tiles(before.drawn(task, session.reference("before"), few), blank)
    after = drained(draw(task, task.judge, labels, sampler, quicker(task.model, compiled)))
    save_tiles(after, tiles_path(place, model.sha256))
    return {"before": asdict(untouched), "after": asdict(after.record(forgotten)), "compiled": compiled}


def quicker(model: nn.Module | None, compiled: bool) -> nn.Module | None:
    """A generator to draw many samples with; compiled it takes two thirds of the time and rounds differently in the last bits."""
    if model is None or not compiled:
        return model
    made: nn.Module = torch.compile(model)  # type: ignore[assignment]
    return made


def known_before(
    cells: Sequence[Cell], session: Session, sampler: Protocol, forget: str, there: str
) -> GeneratorRecord | None:
    """The record before of another cell: it depends on neither seed, method nor settings, only on who draws where.

    Whether its samples were drawn by a compiled model is not asked: that changes the last bits only.
    """
    for cell in cells:
        same = cell["checkpoint"]["sha256"] == session.card.sha256 and cell["forget"] == forget
        drawn = cell["protocol"], cell["before_precision"], cell["device"], cell["machine"]
        if same and drawn == (sampler.name, session.precision, session.device_name, there):
            return GeneratorRecord(**cell["before"])
    return None


def tiles_path(place: Place, sha256: str) -> Path:
    """Where the first samples of a cell lie, for the sheet."""
    other = "" if (place.preset, place.data) == ("quick", "shipped") else f" {place.preset} {place.data}"
    return FOLDER / "tiles" / f"{sha256[:12]} {place.forget} {place.seed} {place.method}{other}.png"


def where(device: Device = "cpu") -> str:
    """Machine and versions of a cell."""
    return f"{machine(device)}, diffusers {diffusers.__version__}"


def fresh_page_run(model: ModelCard) -> Cell:
    """`page_run` in a process of its own, as the page's jobs have: nothing is warm, and its memory is nobody else's."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(page_run, model).result()


def page_run(model: ModelCard) -> Cell:
    """The default run as the page makes it, from the opening of the model on (imports are done).

    Returns:
        `spent`: seconds by phase, which add up to `seconds`; `looks_share`: previews' part of all these seconds, and
        `looks_share_of_run` of them without opening and evaluation; the largest resident size of the process.
    """
    spent = {"open": 0.0, "looks": 0.0, "method": 0.0, "evaluate": 0.0}
    started, cpu = time.perf_counter(), time.process_time()
    default = Place(COMPARED[model.id][0], 0, default_method(model.id), data=data_of(model.kind))
    session = open_session(model, default, settings_of(model, default))
    last = time.perf_counter()
    spent["open"] = last - started
    first_picture, phase = None, ""
    for event in run(session, cancel=CancelToken()):
        now = time.perf_counter()
        looked = isinstance(event, Preview | Evaluated) and phase != "evaluate"
        spent["looks" if looked else "evaluate" if phase == "evaluate" else "method"] += now - last
        if isinstance(event, PhaseStarted):
            phase = event.phase
        if isinstance(event, Preview) and first_picture is None:
            first_picture = now - started
        last = now
    total = last - started
    return {
        **unmeasured(model, default, protocol_of(model).name), "seconds": total, "cpu_seconds": time.process_time() - cpu,
        "spent": spent, "looks_share": spent["looks"] / total,
        "looks_share_of_run": spent["looks"] / (spent["looks"] + spent["method"]), "first_picture_seconds": first_picture,
        "precision": session.precision, "threads": session.threads, "device": "cpu", "machine": where(),
        "peak_resident_bytes": peak_resident_bytes(),
    }  # fmt: skip


def save_tiles(drawn: Drawn, path: Path) -> None:
    """Writes the first TILES samples of each class as one grey PNG, a row for each class in the order of their numbers."""
    rows = []
    for label in np.unique(drawn.labels):
        few = drawn.images[drawn.labels == label][:TILES, :, :, 0]
        blank = np.zeros((TILES - len(few), *few.shape[1:]), np.uint8)
        rows.append(np.concatenate([*few, *blank], axis=1))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(path, optimize=True)


def sheet(panels: Sequence[tuple[str, int | None, Image.Image]]) -> Image.Image:
    """Panels side by side, ACROSS in a row, each under its title; the row of the forgotten class is framed.

    Args:
        panels: title, number of the forgotten class (None: nothing was), and the tiles of `save_tiles`.

    Raises:
        ValueError: no panel.
    """
    if not panels:
        raise ValueError("no cell has samples yet")
    width, height = (SCALE * side for side in panels[0][2].size)
    across = min(ACROSS, len(panels))
    down = -(-len(panels) // across)
    whole = Image.new("RGB", (GAP + across * (width + GAP), GAP + down * (height + TITLE + GAP)), PAPER)
    pen = ImageDraw.Draw(whole)
    for number, (title, forgotten, tiles) in enumerate(panels):
        left = GAP + number % across * (width + GAP)
        top = GAP + number // across * (height + TITLE + GAP)
        pen.text((left, top), title, fill=INK)
        whole.paste(tiles.resize((width, height), Image.Resampling.NEAREST), (left, top + TITLE))
        if forgotten is not None:
            side = width // TILES
            first = top + TITLE + forgotten * side
            pen.rectangle((left - 2, first - 2, left + width + 1, first + side + 1), outline=MARK, width=3)
    return whole


def write_sheet(sha256: str, names: Sequence[str]) -> Path:
    """Composes the sheet of a checkpoint from the tiles of its cells."""
    cells = [("before", None, Place("before", 0, "none"))]
    cells += [(f"without {name}", label, Place(name, 0, REFERENCE)) for label, name in enumerate(names)]
    paths = [(title, label, tiles_path(place, sha256)) for title, label, place in cells]
    target = RESULTS.with_suffix(".png")
    sheet([(title, label, Image.open(p)) for title, label, p in paths if p.exists()]).save(target, optimize=True)
    return target


def tables(model: str) -> str:
    """A model's cells as Markdown, then its page runs."""
    found = stored()
    cells, page = ([cell for cell in found[part] if cell["model"] == model] for part in ("cells", "page"))
    return table(cells, page, comebacks(model))


def wanted_places(args: argparse.Namespace, model: ModelCard, sampler: Protocol) -> list[Place]:
    """The cells that the command line asks for.

    Raises:
        InputError: a class, concept or method that does not exist, or numbers of samples or sampler steps that cannot be.
    """
    methods = RIVALS[model.kind] if args.methods is None else args.methods
    if "retrain" in methods:
        raise InputError("The retrained model is not measured here.", hint="Its records stand in the model's card.")
    for method in methods:
        spec_of(method, model.kind)
    if sampler.n < 2:
        raise InputError(f"{sampler.n} samples are too few.", hint="Choose 100 or 500.")
    check_sampler(sampler.steps)
    if args.part == "page":
        return []
    names, data = open_dataset(model).class_names, "data-free" if args.data_free else data_of(model.kind)
    if args.part == "classes":
        found = places(args.forget or names, args.seeds or (0,), (), args.preset, data)
    else:
        found = places(args.forget or COMPARED[model.id], args.seeds or SEEDS, methods, args.preset, data)
        if args.device == "cuda":  # nobody's time depends on REFERENCE's cells
            found = [place for place in found if place.method in methods]
    for place in found:
        parse_forget(forget_spec(model.kind, place.forget), names)
        unmeasured(model, place, sampler.name)
    return found


def answer(args: argparse.Namespace) -> None:
    """Does what the command line asks for.

    Raises:
        InputError: see `wanted_places`; nothing was measured then. ValueError: no cell to make a sheet of.
    """
    if args.table:
        print(tables(args.model))
        return
    model = card(args.model) if args.folder is None else read_card(args.folder, args.card)
    if args.sheet:
        print(write_sheet(model.sha256, open_dataset(model).class_names))
        return
    sampler = Protocol(args.samples, args.sampler_steps) if model.kind == "ddpm" else protocol_of(model)
    wanted, before = wanted_places(args, model, sampler), OriginalSamples(sampler)
    for place in wanted:
        cells = stored()["cells"]  # another process may have been faster
        if find(cells, unmeasured(model, place, sampler.name)) is None:
            done = measure(model, place, cells, before, sampler, args.precision, args.device)
            add("cells", done)
            told = ("forget", "seed", "method", "steps", "cpu_seconds", "after")
            print(json.dumps({k: done[k] for k in told}), flush=True)
    if args.part == "page":
        add("page", fresh_page_run(model))
    print(tables(model.id))


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--model", default="fashion-mnist-ddpm", choices=COMPARED)
    parser.add_argument("--part", default="methods", choices=("methods", "classes", "page"))
    parser.add_argument("--forget", nargs="+", metavar="NAME", help="classes, or names of concepts")
    parser.add_argument("--seeds", nargs="+", type=int, help="default: 0 for the classes, 0, 1 and 2 for the methods")
    parser.add_argument(
        "--methods", nargs="*", metavar="ID", help="beside SFR-on redirected; default: SFR-on and all baselines"
    )
    parser.add_argument("--samples", type=int, default=500, help="of the pixel model")
    parser.add_argument("--sampler-steps", type=int, default=50, help="of the pixel model")
    parser.add_argument("--preset", default="quick", choices=("quick", "thorough"))
    parser.add_argument("--data-free", action="store_true", help="forget and repair on pictures that the model draws")
    parser.add_argument("--precision", default="auto", choices=get_args(Precision), help="default: as the page chooses")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--folder", type=Path, help="another copy of the model, such as a draft")
    parser.add_argument("--card", default="card.json", help="its card's file name")
    parser.add_argument("--table", action="store_true", help="print the Markdown and end")
    parser.add_argument("--sheet", action="store_true", help="compose the sheet and end")
    args = parser.parse_args(argv)
    with one_sentence():
        answer(args)


if __name__ == "__main__":
    main()
