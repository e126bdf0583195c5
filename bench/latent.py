"""The tables of the latent models: categories of the transformer, concepts of the text-to-image model, and every method at equal time.

    python -m bench.latent [--model emoji-dit|emoji-sd] [--forget NAME ...] [--seeds N ...] [--methods ID ...]
                           [--folder FOLDER [--card card.draft.json]] [--table]

Each finished cell goes to bench/results/latent.json at once and is not measured again on the same checkpoint with the same
settings, so a broken-off table is continued by the same command. A cell is measured as the page measures a run: samples and sampler
of the model's card. SFR-on comes first; what equal time is for the others: bench.equal_time. The pictures that every method draws
of the model before its run are not counted; a method in closed form takes what it takes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

import diffusers

from bench.concept_table import concept_table
from bench.diffusion_cells import Place, identity, identity_of
from bench.diffusion_table import Cell, table
from bench.equal_time import TRIAL_STEPS, bare_run, steps_for
from bench.pace import RIVALS, equal_steps
from bench.store import locked, machine, write
from sfr_core.cancel import CancelToken
from sfr_core.catalog import spec_of
from sfr_core.configs import Device, Precision, RunConfig
from sfr_core.data.concepts import plan_prompts, read_concepts
from sfr_core.data.splits import ForgetSpec, forget_spec
from sfr_core.errors import InputError, PlaygroundError
from sfr_core.events import Evaluated
from sfr_core.ops.stepwise import drained
from sfr_core.presets import resolve
from sfr_core.results import GeneratorRecord
from sfr_core.runs.sampling import protocol_of
from sfr_core.runs.session import Session
from sfr_core.tasks.base import Preparable
from sfr_core.zoo.cards import ModelCard, read_card
from sfr_core.zoo.shipped import card

RESULTS = Path(__file__).parent / "results" / "latent.json"
SEEDS = (0, 1, 2)
FORGET = {"emoji-dit": ("flags", "clocks", "birds"), "emoji-sd": ("cat", "flags", "google style")}
"""Of the text-to-image model an object, a category and a style."""


def places(forget: Sequence[str], seeds: Sequence[int], methods: Sequence[str]) -> list[Place]:
    """The cells in the order in which they are measured: SFR-on's first, as it sets the time of the others."""
    order = ["sfr-on", *(method for method in dict.fromkeys(methods) if method != "sfr-on")]
    return [Place(name, seed, method) for method in order for seed in seeds for name in forget]


def settings_of(model: ModelCard, place: Place) -> dict[str, Any]:
    """The quick preset of this place."""
    return resolve(model.id, place.method, forget=forget_spec(model.kind, place.forget), kind=model.kind)


def open_session(
    model: ModelCard, place: Place, settings: dict[str, Any], device: Device = "cpu", precision: Precision = "auto"
) -> Session:
    """The session of a cell, in the precision of the page's runs, its own pictures drawn."""
    config = RunConfig(
        model=model.id, forget=forget_spec(model.kind, place.forget), method=place.method, settings=settings,
        seed=place.seed, device=device, precision=precision, data="data-free",
    )  # fmt: skip
    session = Session.of_card(config, model)
    if isinstance(session.task, Preparable):
        drained(session.task.prepare())
    return session


def prompts_of(folder: Path, kind: str, concept: str) -> str | None:
    """What a concept's run asks and answers, as a hash: its prompts and what each is redirected to; None of a model without prompts."""
    if kind != "text-to-image":
        return None
    plan = plan_prompts(read_concepts(folder), ForgetSpec(text="", concept=concept))
    said = json.dumps([plan.texts, plan.targets.tolist(), plan.generated_labels.tolist()])
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def find(cells: Sequence[Cell], model: ModelCard, place: Place) -> Cell | None:
    """The cell that fills a place with today's preset and prompts, if it was measured on these weights by today's protocol."""
    name = protocol_of(model).name
    wanted = identity(place, settings_of(model, place), model.sha256, name, model.kind)
    asked = prompts_of(model.folder, model.kind, place.forget)
    return next(
        (
            cell
            for cell in cells
            if cell["kind"] == model.kind and cell.get("prompts") == asked and identity_of(cell) == wanted
        ),
        None,
    )


def measure(
    model: ModelCard, place: Place, cells: Sequence[Cell], device: Device = "cpu", precision: Precision = "auto"
) -> Cell:
    """One cell: the run, its time, its records. On a GPU equal time is that of a CPU (bench.pace).

    On a CPU the precision of SFR-on's run is that of the others.

    Raises:
        InputError: SFR-on was not measured on this thing and seed, so there is no time to give to another method.
    """
    settings, once, budget = settings_of(model, place), 0.0, None
    if place.method != "sfr-on" and device == "cuda":
        if "steps" in settings:
            ours_set = settings_of(model, replace(place, method="sfr-on"))
            settings["steps"], budget = equal_steps(model.id, place.method, settings, ours_set)
    elif place.method != "sfr-on":
        ours = find(cells, model, replace(place, method="sfr-on"))
        if ours is None:
            raise InputError(
                f"SFR-on was not measured on {place.forget} with seed {place.seed}.", hint="Measure it first."
            )
        budget, precision = float(ours["cpu_seconds"]), ours["precision"]
        if "steps" in settings:
            trial = bare_run(open_session(model, place, {**settings, "steps": TRIAL_STEPS}, device, precision))
            settings["steps"], once = steps_for(budget, trial), trial.once_cpu_seconds
    begun = time.process_time()
    session = open_session(model, place, settings, device, precision)
    opened = time.process_time() - begun
    took = bare_run(session)
    session.keep()
    records: dict[str, GeneratorRecord] = {}
    for event in session.kind.measure(session, took.steps, CancelToken()):
        if isinstance(event, Evaluated) and isinstance(event.record, GeneratorRecord):
            records[event.when] = event.record
    return {
        "model": model.id, "kind": model.kind, "forget": place.forget, "label": session.split.spec.classes[0],
        "prompts": prompts_of(model.folder, model.kind, place.forget), "seed": place.seed, "method": place.method, "preset": "quick", "settings": settings, "steps": took.steps,
        "protocol": protocol_of(model).name, "precision": session.precision, "before_precision": session.precision,
        "budget_cpu_seconds": budget, "device": session.device_name, **{who: asdict(record) for who, record in records.items()},
        "seconds": took.seconds, "cpu_seconds": took.cpu_seconds - took.once_cpu_seconds, "opening_cpu_seconds": opened,
        "once_seconds": max(once, took.once_cpu_seconds), "mask_density": took.mask_density,
        "checkpoint": {"sha256": model.sha256, "images_seen": model.training.get("images_seen")},
        "machine": f"{machine(device)}, diffusers {diffusers.__version__}", "threads": session.threads,
    }  # fmt: skip


def load() -> list[Cell]:
    """Everything measured so far."""
    return list(json.loads(RESULTS.read_text(encoding="utf-8"))) if RESULTS.exists() else []


def add(cell: Cell) -> None:
    """Adds a cell to the file, which several processes may fill at the same time."""
    with locked(RESULTS):
        write(RESULTS, [*load(), cell])


def tables(cells: list[Cell]) -> str:
    """All cells as Markdown, the transformer's as those of the other generator of classes.

    Of a concept whose prompts were changed only those with the last ones: the others answer another question.
    """
    classes = [cell for cell in cells if cell["kind"] == "dit"]
    concepts = [cell for cell in cells if cell["kind"] == "text-to-image"]
    last = {(cell["checkpoint"]["sha256"], cell["forget"]): cell.get("prompts") for cell in concepts}
    concepts = [cell for cell in concepts if cell.get("prompts") == last[cell["checkpoint"]["sha256"], cell["forget"]]]
    parts = [table(classes)] if classes else []
    return "\n\n".join([*parts, *([concept_table(concepts)] if concepts else [])])


def answer(args: argparse.Namespace) -> None:
    """Does what the command line asks for.

    Raises:
        InputError: an unknown model, method or thing to forget; nothing was measured then.
    """
    if args.table:
        print(tables(load()))
        return
    model = card(args.model) if args.folder is None else read_card(args.folder, args.card)
    methods = RIVALS[model.kind] if args.methods is None else args.methods
    for method in methods:
        spec_of(method, model.kind)
    wanted = places(args.forget or FORGET[model.id], args.seeds, methods)
    if args.device == "cuda":  # nobody's time depends on SFR-on's cells
        wanted = [place for place in wanted if place.method in methods]
    for name in dict.fromkeys(place.forget for place in wanted):
        settings = settings_of(model, Place(name, 0, "sfr-on"))
        forget = forget_spec(model.kind, name)
        Session.of_card(
            RunConfig(model=model.id, forget=forget, method="sfr-on", settings=settings, data="data-free"), model
        )
    for place in wanted:
        if find(load(), model, place) is not None:
            continue
        cell = measure(model, place, load(), args.device, args.precision)
        add(cell)
        print(
            json.dumps({k: cell[k] for k in ("forget", "seed", "method", "steps", "cpu_seconds", "after")}), flush=True
        )
    print(tables(load()))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="emoji-dit")
    parser.add_argument("--forget", nargs="+", metavar="NAME", help="categories, or names of concepts")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--methods", nargs="*", metavar="ID", help="beside SFR-on; default: all baselines")
    parser.add_argument("--folder", type=Path, help="another copy of the model")
    parser.add_argument("--card", default="card.json", help="its card's file name, for a draft")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=get_args(Precision), default="auto", help="default: as the page chooses")
    parser.add_argument("--table", action="store_true", help="print the Markdown and end")
    try:
        answer(parser.parse_args(argv))
    except (PlaygroundError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
