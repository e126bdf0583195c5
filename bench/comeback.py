"""How much of a forgotten concept a recovery attack brings back, for every method of the text-to-image table.

    python -m bench.comeback [--model emoji-sd] [--forget NAME ...] [--methods ID ...] [--seeds N ...] [--precision fp32]

Each cell makes the run of a measured cell of `bench.generators` again, same settings, steps and seed, in fp32 whatever that cell's precision
was, and attacks its weights as `python -m sfr_core recover` does: a word is learned from pictures of the concept while every weight stays as
it is. Beside them stand the original model, from which this attack gets most, and the one retrained without the concept, which tells what
it gets from a model that never saw it. A finished cell goes to bench/results/comeback.json at once and is not measured again; the column "comes back" of
docs/results.md reads that file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, get_args

import torch
from torch import Tensor

from bench.cells import COMEBACKS, REFERENCE, Cell, Place, find, load, machine, places, unmeasured, updating
from bench.generators import COMPARED, SEEDS, stored
from bench.pace import RIVALS, bare_run, open_session
from recipes.command import one_sentence, parser_of
from sfr_core.configs import Precision
from sfr_core.configs.recovery import Attack
from sfr_core.data.splits import forget_spec, parse_forget
from sfr_core.errors import InputError
from sfr_core.metrics.recovery import Recovery
from sfr_core.ops.stepwise import drained
from sfr_core.runs.evaluate import Who
from sfr_core.runs.recovery import attack
from sfr_core.runs.sampling import protocol_of
from sfr_core.zoo.cards import ModelCard
from sfr_core.zoo.shipped import card, open_dataset, retrained_model

REFERENCES: dict[str, Who] = {"original": "before", "retrained": "retrained"}
"""Rows that are no method's: the names of their cells, and which model of a run they are."""
TELLS = ("model", "forget", "prompts", "seed", "method", "settings", "steps", "checkpoint", "attack", "precision")
"""What makes two cells equal."""


def wanted(model: ModelCard, place: Place, precision: Precision) -> Cell:
    """A cell before its attack: that of `bench.generators`, with the steps of its run.

    Raises:
        InputError: `bench.generators` has not measured it.
    """
    named = unmeasured(model, place, protocol_of(model).name)
    known = find(stored()["cells"], named)
    if known is None:
        raise InputError(
            f"{place.method} was not measured on {place.forget} with seed {place.seed}.",
            hint=f"First run: python -m bench.generators --model {model.id} --methods {place.method} --forget '{place.forget}' --seeds {place.seed}",
        )
    return {**named, "steps": known["steps"], "attack": asdict(Attack()), "precision": precision}


def reference(model: ModelCard, name: str, who: str, precision: Precision) -> Cell:
    """The cell of a model that no run changed; `who` of REFERENCES."""
    named = unmeasured(model, Place(name, 0, REFERENCE, data="data-free"), protocol_of(model).name)
    return {**named, "method": who, "settings": {}, "steps": 0, "attack": asdict(Attack()), "precision": precision}


def found(cell: Cell) -> Cell | None:
    """The measured cell that equals one."""
    return next((old for old in load(COMEBACKS, []) if all(old[k] == cell[k] for k in TELLS)), None)


def measure(model: ModelCard, place: Place, cell: Cell, drawn: dict[str, Tensor]) -> Cell:
    """Attacks what a run leaves, or for a reference the model as it is; `drawn`: see `open_session`."""
    who = REFERENCES.get(cell["method"], "after")
    settings = cell["settings"]
    if "steps" in settings:
        settings = {**settings, "steps": cell["steps"]}
    session = open_session(model, place, settings, cell["precision"], drawn=drawn)
    if who == "after":
        bare_run(session)
        session.keep()
    began = time.process_time()
    got: Recovery = drained(attack(session, who, Attack()))
    return {**cell, **got.to_json(), "cpu_seconds": time.process_time() - began, "machine": machine()}


def cells(args: Any, model: ModelCard) -> Iterator[tuple[Place, Cell]]:
    """What the command line asks for; the references of each concept first."""
    names = args.forget or COMPARED[model.id]
    for name in names:
        parse_forget(forget_spec(model.kind, name), open_dataset(model).class_names)
        place = Place(name, 0, REFERENCE, data="data-free")
        for who in REFERENCES:
            if who == "original" or retrained_model(model, forget_spec(model.kind, name)):
                yield place, reference(model, name, who, args.precision)
    methods = (REFERENCE, *RIVALS[model.kind]) if args.methods is None else args.methods
    for place in places(names, args.seeds or SEEDS, methods, data="data-free"):
        if place.method in methods:
            yield place, wanted(model, place, args.precision)


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--model", default="emoji-sd", choices=[m for m in COMPARED if card(m).kind == "text-to-image"])
    parser.add_argument("--forget", nargs="+", metavar="NAME", help="names of concepts")
    parser.add_argument(
        "--methods", nargs="*", metavar="ID", help="default: SFR-on redirected and all that it is compared with"
    )
    parser.add_argument("--seeds", nargs="+", type=int, help=f"default: {', '.join(map(str, SEEDS))}")
    parser.add_argument("--precision", default="fp32", choices=[p for p in get_args(Precision) if p != "auto"])
    args = parser.parse_args(argv)
    torch.set_num_threads(1)  # several cells at a time, each on a core of its own
    with one_sentence():
        model, drawn = card(args.model), dict[str, Tensor]()
        for place, cell in cells(args, model):
            if found(cell) is None:
                done = measure(model, place, cell, drawn)
                with updating(COMEBACKS, []) as every:
                    every.append(done)
                print(
                    json.dumps({k: done[k] for k in ("forget", "seed", "method", "shown", "cpu_seconds")}), flush=True
                )


if __name__ == "__main__":
    main()
