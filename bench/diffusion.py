"""The tables of the diffusion model: every class forgotten in turn, and every method on three classes at equal time.

    python -m bench.diffusion [--part classes|methods|page|all] [--classes NAME ...] [--seeds N ...] [--methods ID ...]
                              [--samples 500] [--sampler-steps 50] [--preset thorough] [--data-free] [--precision bf16] [--folder FOLDER]
                              [--table] [--sheet]

Each finished cell goes to bench/results/diffusion.json at once and is not measured again on the same checkpoint, with the same
settings and protocol, so a broken-off table is continued by the same command. Fewer samples or sampler steps make a table of
their own, which says so, and so do another machine, another preset, a run that draws its pictures itself (`--data-free`) and another
precision: a cell names its own, "auto" as on the page, for a method that of the SFR-on cell that sets its time. `--table` prints all cells
as Markdown; `--sheet` writes bench/results/diffusion.png from the cells' samples.

What equal time is: bench.equal_time.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
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
from PIL import Image
from torch import nn

from bench.diffusion_cells import MODEL, RESULTS, Place, add, cell_of, load, missing, places
from bench.diffusion_sheet import TILES, save_tiles, sheet
from bench.diffusion_table import OLD_PRECISION, Cell, table
from bench.equal_time import TRIAL_STEPS, bare_run, steps_for
from bench.pace import RIVALS as BASELINES
from bench.pace import equal_steps
from bench.store import machine
from sfr_core.cancel import CancelToken
from sfr_core.catalog import spec_of
from sfr_core.configs import DataSource, Device, Precision, RunConfig
from sfr_core.errors import InputError, PlaygroundError, UnknownName
from sfr_core.events import Evaluated, PhaseStarted, Preview
from sfr_core.metrics.generation import PAGE, Protocol, sample_plan
from sfr_core.ops.device import UsedPrecision, peak_bytes
from sfr_core.ops.diffusion import check_sampler
from sfr_core.ops.stepwise import drained
from sfr_core.results import GeneratorRecord
from sfr_core.runs.runner import run
from sfr_core.runs.sampling import OriginalSamples, draw, known_record
from sfr_core.runs.session import Session
from sfr_core.tasks.diffusion import DiffusionTask
from sfr_core.zoo.cards import ModelCard, read_card
from sfr_core.zoo.shipped import card, open_dataset

COMPARED = ("Trouser", "Sneaker", "Bag")
"""Classes on which all methods are compared."""
SEEDS = (0, 1, 2)
RIVALS = BASELINES["ddpm"]
CARD_PRECISION: UsedPrecision = "bf16"
"""In which the records of the card were made (`recipes.ddpm_quality`)."""


def open_session(
    model: ModelCard, place: Place, settings: dict[str, Any], precision: Precision = "auto", device: Device = "cpu"
) -> Session:
    """The session of a cell, in the precision of the page's runs where nothing else is said."""
    config = RunConfig(
        model=MODEL, forget=place.spec, method=place.method, settings=settings, seed=place.seed,
        device=device, precision=precision, data=place.data,
    )  # fmt: skip
    session = Session.of_card(config, model)
    drained(task_of(session).prepare())  # draws the pictures of a data-free run; nothing to do otherwise
    return session


def task_of(session: Session) -> DiffusionTask:
    """The session's task, which must be a generator's."""
    if not isinstance(session.task, DiffusionTask):
        raise TypeError(f"'{session.card.id}' is no diffusion model")
    return session.task


def measure(
    model: ModelCard,
    place: Place,
    cells: Sequence[Cell],
    before: OriginalSamples,
    sampler: Protocol,
    precision: Precision = "auto",
    device: Device = "cpu",
) -> Cell:
    """One cell: the run, its time and its records; `precision` of SFR-on's, which the others share.

    On a GPU equal time is that of a CPU (bench.pace).

    Raises:
        InputError: SFR-on was not measured on this class and seed, so there is no time to give to another method.
    """
    settings, once = place.settings, 0.0
    budget: float | None = None
    if place.method != "sfr-on" and device == "cuda":
        settings["steps"], budget = equal_steps(MODEL, place.method, settings, replace(place, method="sfr-on").settings)
    elif place.method != "sfr-on":
        ours = cell_of(cells, replace(place, method="sfr-on"), model.sha256, sampler.name)
        if ours is None:
            raise InputError(
                f"SFR-on was not measured on {place.forget} with seed {place.seed}.",
                hint=f"Measure it first, with the preset {place.preset} and {place.data} pictures.",
            )
        budget, precision = ours["cpu_seconds"], ours.get("precision", OLD_PRECISION)
        trial = bare_run(open_session(model, place, {**settings, "steps": TRIAL_STEPS}, precision))
        settings["steps"], once = steps_for(budget, trial), trial.once_cpu_seconds
    began = time.process_time()
    session = open_session(model, place, settings, precision, device)
    opened = time.process_time() - began
    forgotten = session.split.spec.classes
    labels = sample_plan(forgotten, len(session.dataset.class_names), sampler.n)
    untouched = None
    if session.precision == CARD_PRECISION and device == "cpu":
        untouched = known_record(model.records.get(place.spec, {}), sampler, labels, forgotten)
    untouched = untouched or known_before(cells, session, sampler, place.forget, where(device))
    quick = device == "cpu" and shutil.which("g++") is not None
    if untouched is None:
        untouched = before.drawn(task_of(session), quicker(session.reference("before"), quick), labels).record(
            forgotten
        )
    few = np.repeat(np.arange(len(session.dataset.class_names)), TILES)
    if not (blank := tiles_path(Place("before", 0, "none"), model.sha256)).exists():
        save_tiles(before.drawn(task_of(session), session.reference("before"), few), blank)
    took = bare_run(session)
    task = task_of(session)
    assert task.judge is not None  # a shipped model has one
    after = drained(draw(task, task.judge, labels, sampler, quicker(task.model, quick)))
    save_tiles(after, tiles_path(place, model.sha256))
    return {
        "forget": place.forget, "label": int(forgotten[0]), "seed": place.seed, "method": place.method, "preset": place.preset, "data": place.data,
        "settings": settings, "steps": took.steps, "protocol": sampler.name, "precision": session.precision,
        "before_precision": session.precision, "compiled": quick, "budget_cpu_seconds": budget, "device": session.device_name,
        "before": asdict(untouched), "after": asdict(after.record(forgotten)),
        "opening_cpu_seconds": opened, "seconds": took.seconds, "cpu_seconds": took.cpu_seconds - took.once_cpu_seconds, "once_seconds": max(once, took.once_cpu_seconds),
        "mask_density": took.mask_density, "checkpoint": checkpoint(model), "machine": where(device), "threads": session.threads,
    }  # fmt: skip


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
        drawn = cell["protocol"], cell.get("before_precision"), cell["device"], cell["machine"]
        if same and drawn == (sampler.name, session.precision, session.device_name, there):
            return GeneratorRecord(**cell["before"])
    return None


def tiles_path(place: Place, sha256: str) -> Path:
    """Where the first samples of a cell lie, for the sheet."""
    other = "" if (place.preset, place.data) == ("quick", "shipped") else f" {place.preset} {place.data}"
    return RESULTS.parent / "diffusion_tiles" / f"{sha256[:12]} {place.forget} {place.seed} {place.method}{other}.png"


def checkpoint(model: ModelCard) -> dict[str, Any]:
    """Which weights were unlearnt from."""
    return {"sha256": model.sha256, "images_seen": model.training.get("images_seen")}


def where(device: Device = "cpu") -> str:
    """Machine and versions of a cell."""
    return f"{machine(device)}, diffusers {diffusers.__version__}"


def fresh_page_run(model: ModelCard) -> dict[str, Any]:
    """`page_run` in a process of its own, as the page's jobs have: nothing is warm, and its memory is nobody else's."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(page_run, model).result()


def page_run(model: ModelCard) -> dict[str, Any]:
    """The default run as the page makes it, from the opening of the model on (imports are done).

    Returns:
        `spent`: seconds by phase, which add up to `seconds`; `looks_share`: of all these seconds, and
        `looks_share_of_run` of them without opening and evaluation; the largest resident size of the process.
    """
    spent = {"open": 0.0, "looks": 0.0, "method": 0.0, "evaluate": 0.0}
    started, cpu = time.perf_counter(), time.process_time()
    default = Place("Trouser", 0, "sfr-on")
    session = open_session(model, default, default.settings)
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
        "forget": "Trouser", "seconds": total, "cpu_seconds": time.process_time() - cpu, "spent": spent,
        "looks_share": spent["looks"] / total, "looks_share_of_run": spent["looks"] / (spent["looks"] + spent["method"]),
        "first_picture_seconds": first_picture, "precision": session.precision, "threads": session.threads, "device": "cpu", "protocol": PAGE.name,
        "peak_resident_bytes": peak_bytes(session.device), "checkpoint": checkpoint(model), "machine": where(),
    }  # fmt: skip


def write_sheet(sha256: str, names: Sequence[str]) -> Path:
    """Composes the sheet of a checkpoint from the tiles of its cells."""
    panels: list[tuple[str, int | None, Image.Image]] = []
    untouched = tiles_path(Place("before", 0, "none"), sha256)
    if untouched.exists():
        panels.append(("before", None, Image.open(untouched)))
    for label, name in enumerate(names):
        path = tiles_path(Place(name, 0, "sfr-on"), sha256)
        if path.exists():
            panels.append((f"without {name}", label, Image.open(path)))
    target = RESULTS.with_suffix(".png")
    sheet(panels).save(target, optimize=True)
    return target


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", default="all", choices=("classes", "methods", "page", "all"))
    parser.add_argument("--classes", nargs="+", metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, help="default: 0 for the classes, 0, 1 and 2 for the methods")
    parser.add_argument("--methods", nargs="+", default=list(RIVALS))
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--sampler-steps", type=int, default=50)
    parser.add_argument("--preset", default="quick", choices=("quick", "thorough"))
    parser.add_argument("--data-free", action="store_true", help="forget and repair on pictures that the model draws")
    parser.add_argument("--precision", default="auto", choices=get_args(Precision), help="default: as the page chooses")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--folder", type=Path, help="a draft of the model; default the shipped one")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--sheet", action="store_true")
    args = parser.parse_args(argv)
    try:
        answer(args)
    except (PlaygroundError, FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def check(args: argparse.Namespace, names: Sequence[str]) -> None:
    """Looks at everything that is asked for before anything is measured.

    Raises:
        InputError: a class or method that does not exist, or numbers of samples or sampler steps that cannot be.
    """
    for name in args.classes or ():
        if name not in names:
            raise UnknownName("class", name, names)
    for method in args.methods:
        if method == "retrain":
            raise InputError("The retrained model is not measured here.", hint="Its records stand in the model's card.")
        spec_of(method, "ddpm")
    check_sampler(args.sampler_steps)
    if args.samples < 2:
        raise InputError(f"{args.samples} samples are too few.", hint="Choose 100 or 500.")


def answer(args: argparse.Namespace) -> None:
    """Does what the command line asks for.

    Raises:
        InputError: see `check`. ValueError: no cell to make a sheet of.
    """
    results = load()
    if args.table:
        print(table(results["cells"], results["page"]))
        return
    model = card(MODEL) if args.folder is None else read_card(args.folder)
    names = open_dataset(model).class_names
    check(args, names)
    if args.sheet:
        print(write_sheet(model.sha256, names))
        return
    sampler = Protocol(args.samples, args.sampler_steps)
    data: DataSource = "data-free" if args.data_free else "shipped"
    wanted: list[Place] = []
    if args.part in ("classes", "all"):
        wanted += places("classes", args.classes or names, args.seeds or (0,), args.methods, args.preset, data)
    if args.part in ("methods", "all"):
        wanted += places("methods", args.classes or COMPARED, args.seeds or SEEDS, args.methods, args.preset, data)
    if args.device == "cuda":  # nobody's time depends on SFR-on's cells
        wanted = [place for place in wanted if place.method in args.methods or args.part == "classes"]
    before = OriginalSamples(sampler)
    for place in missing(results["cells"], list(dict.fromkeys(wanted)), model.sha256, sampler.name):
        if not missing(load()["cells"], [place], model.sha256, sampler.name):
            continue  # another process was faster
        done = measure(model, place, load()["cells"], before, sampler, args.precision, args.device)
        results = add("cells", done)
        print(json.dumps({k: done[k] for k in ("forget", "seed", "method", "steps", "seconds", "after")}), flush=True)
    if args.part in ("page", "all"):
        results = add("page", fresh_page_run(model))
    print(table(results["cells"], results["page"]))


if __name__ == "__main__":
    sys.exit(main())
