"""The table of the classifier: classes and shipped random shares, one run each, against the retrained models.

    python -m bench.classifier                                  # SFR-on's quick preset, ten classes and five random tenths
    python -m bench.classifier --method salun scrub --only class:Sneaker random:0.1@0
    python -m bench.classifier --variant paper                  # the method as written
    python -m bench.classifier --ablation R-on                  # SFR-on without mask and adaptive weights
    python -m bench.classifier --preset tuned --method salun scrub   # with the values of bench.tuning
    python -m bench.classifier --seconds                        # the table's cells in one go, while nothing else runs
    python -m bench.classifier --table                          # the methods beside each other as Markdown

Quality does not depend on what else the machine does, seconds do: they come from --seconds alone, which makes the tuned runs on the
table's three classes and five tenths again without previews and evaluation. Tables show those of the last go, and none where a row lacks them.
CPU seconds are always kept: they grow with the load too, but by a fifth rather than by a factor.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, get_args

import torch

from bench import tuning
from bench.cells import FOLDER, TUNED, Cell, load, machine, today, updating
from bench.pace import bare_run
from bench.tables import CLASSIFIER, classifier_table, label
from recipes.command import one_sentence, parser_of
from sfr_core.cancel import CancelToken
from sfr_core.catalog import BY_KIND
from sfr_core.configs import RunConfig, Variant
from sfr_core.errors import InputError
from sfr_core.events import Finished, PhaseStarted, Step
from sfr_core.presets import resolve
from sfr_core.runs.race_rows import neighbours
from sfr_core.runs.runner import run
from sfr_core.runs.session import Session
from sfr_core.zoo.shipped import card

MODEL = CLASSIFIER
RESULTS = FOLDER / "classifier.json"
ABLATIONS: dict[str, dict[str, Any]] = {
    "R": {"alternate": False, "adaptive": False, "mask": False},
    "R-on": {"alternate": True, "adaptive": False, "mask": False},
    "F R-on": {"alternate": True, "adaptive": True, "mask": False},
    "separate": {"forget_optimizer": "adamw", "forget_lr": 1e-4},
    "unseen": {"stop_when_unseen": True},
}
"""Parts of SFR-on as the paper adds them up (the whole, S F R-on, is SFR-on itself), and switches of others' that it has."""
SWITCHES = ("separate", "unseen")
"""Those that have trials of their own."""
COMMON = ("class:Sneaker", "class:Shirt", "class:Trouser")
"""Classes on which every method is measured: one of three kinds of shoes, the one most often mistaken, the most distinct."""
TENTHS = tuple(f"random:0.1@{seed}" for seed in range(5))

Key = tuple[str, str, str, str, str]


def key(cell: Cell) -> Key:
    """What tells one cell from another: method, preset, variant, ablation ("" for none), forget specification."""
    return (cell["method"], cell["preset"], cell["variant"], cell["ablation"] or "", cell["forget"])


def tuned(method: str, forget: str) -> dict[str, Any]:
    """The best of a method's trials (bench/tuning.py) on a forget set of this kind.

    Raises:
        InputError: they are not all made.
    """
    kind: tuning.Kind = "class" if forget.startswith("class:") else "random"
    found = tuning.best(load(tuning.RESULTS, []), method, kind) if method in tuning.SPACES else None
    if found is None:
        raise InputError(
            f"{method} has not all its trials.",
            hint=f"First run: python -m bench.tuning --methods {method} --kinds {kind}",
        )
    return found.tried


def changes(wanted: Key) -> dict[str, Any]:
    """What a cell has otherwise than its preset: a part left out or switched on, and what was tuned, that of a switch by its own trials."""
    method, preset, _, ablation, forget = wanted
    switched = f"{method}+{ablation}" if ablation in SWITCHES else method
    return {**ABLATIONS.get(ablation, {}), **(tuned(switched, forget) if preset == TUNED else {})}


def config_of(wanted: Key, settings: dict[str, Any] | None = None) -> RunConfig:
    """The run of a cell, with the settings that are given or else today's."""
    method, preset, variant, _, forget = wanted
    named = "quick" if preset == TUNED else preset
    if settings is None:
        settings = resolve(MODEL, method, named, variant, changes(wanted), forget=forget)
    return RunConfig(model=MODEL, forget=forget, method=method, preset=named, variant=variant, settings=settings)  # type: ignore[arg-type]


def measure(wanted: Key) -> Cell:
    """One cell: run to the end and keep what the table needs."""
    method, preset, variant, ablation, forget = wanted
    session = Session.open(config_of(wanted))
    begin = cpu = 0.0
    for event in run(session, cancel=CancelToken(), live_every=10**6):
        # With no preview before the last step, what the process spends between these two events is the method's.
        if isinstance(event, PhaseStarted) and event.phase not in ("prepare", "evaluate"):
            begin = begin or time.process_time()
        if isinstance(event, Step):
            cpu = time.process_time() - begin
        if isinstance(event, Finished) and event.result is not None:
            result = event.result
            assert result.retrained is not None
            return {
                "method": method, "preset": preset, "variant": variant, "ablation": ablation or None, "forget": forget,
                "settings": session.method_config.to_dict(), "seed": session.config.seed,
                "before": asdict(result.before), "after": asdict(result.after), "retrained": asdict(result.retrained),
                "avg_d": result.avg_d, "avg_d_before": result.avg_d_before, "kl_floor": result.kl_floor,
                "neighbours": [asdict(near) for near in neighbours(session.plan, session.reports, session.dataset)],
                "mask_density": result.mask_density, "passes": result.passes, "cpu_seconds": round(cpu, 2),
                "device": result.device, "precision": session.precision, "machine": machine(),
                "timing": None,
                "date": today(),
            }  # fmt: skip
    raise RuntimeError("the run ended without a result")


def timed(cell: Cell, go: str) -> Cell:
    """A measured cell with the seconds of its method alone, run again with the cell's settings; `go` tells which were timed together."""
    session = Session.open(config_of(key(cell), cell["settings"]))
    took = bare_run(session)
    return {
        **cell,
        "timing": {
            "seconds": round(took.seconds, 2), "threads": torch.get_num_threads(), "precision": session.precision,
            "machine": machine(), "go": go,
        },
    }  # fmt: skip


def in_one_go(cells: Sequence[Cell]) -> list[Cell]:
    """The same cells, with seconds only where they were timed in the last go."""
    last = max((cell["timing"]["go"] for cell in cells if cell["timing"]), default=None)
    return [cell if cell["timing"] and cell["timing"]["go"] == last else {**cell, "timing": None} for cell in cells]


def enter(cell: Cell) -> None:
    """Puts a cell into the file, in the place of the same one or at the end."""
    with updating(RESULTS, []) as cells:
        at = next((i for i, old in enumerate(cells) if key(old) == key(cell)), len(cells))
        cells[at : at + 1] = [cell]


def time_table() -> None:
    """Times the table's cells in one go."""
    go = datetime.now(UTC).isoformat(timespec="seconds")
    for cell in load(RESULTS, []):
        if cell["preset"] == TUNED and cell["forget"] in (*COMMON, *TENTHS):
            done = timed(cell, go)
            enter(done)
            print(f"{label(done)}, {done['forget']}: {done['timing']['seconds']} s", flush=True)


def main() -> None:
    shipped = [reference.spec for reference in card(MODEL).retrained if not reference.second]
    parser = parser_of(__doc__)
    parser.add_argument("--method", nargs="+", default=["sfr-on"], choices=sorted(BY_KIND["classifier"]))
    parser.add_argument("--preset", default="quick", help="or 'tuned': the best of the trials of bench.tuning")
    parser.add_argument("--variant", default="official", choices=get_args(Variant))
    parser.add_argument("--ablation", nargs="+", default=[""], choices=["", *ABLATIONS])
    parser.add_argument("--only", nargs="+", metavar="SPEC", help="forget specifications; default: every shipped one")
    parser.add_argument("--again", action="store_true", help="also what is there")
    parser.add_argument("--threads", type=int, help="of torch; default: its own choice")
    parser.add_argument(
        "--seconds", action="store_true", help="time the table's cells; nothing else may run on this machine"
    )
    parser.add_argument("--table", action="store_true", help="print the Markdown and end")
    args = parser.parse_args()
    if args.table:
        from bench.methods import tables  # which reads this module's cells

        print(tables())
        return
    if any(args.ablation) and args.method != ["sfr-on"]:
        parser.error("only sfr-on has ablations")
    if unknown := set(args.only or ()) - set(shipped):
        parser.error(f"no retrained model for {', '.join(sorted(unknown))}; there are {', '.join(shipped)}")
    if args.threads:
        torch.set_num_threads(args.threads)
    with one_sentence():
        if args.seconds:
            time_table()
            return
        for spec, method, ablation in itertools.product(args.only or shipped, args.method, args.ablation):
            wanted = (method, args.preset, args.variant, ablation, spec)
            if args.again or wanted not in map(key, load(RESULTS, [])):
                cell = measure(wanted)
                enter(cell)
                print(classifier_table([cell]), flush=True)


if __name__ == "__main__":
    main()
