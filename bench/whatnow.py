"""Does "What now?" help? Runs of the shipped classifier with settings that are wrong on purpose, each once more with what the page suggests.

    python -m bench.whatnow                  # the first suggestion of every case, then the others
    python -m bench.whatnow --first          # only the first of each
    python -m bench.whatnow --cases 3 5      # the third and the fifth case
    python -m bench.whatnow --table          # everything so far as Markdown

A cell is a case with one suggestion. Its gap is the distance to the retrained model in the number that the finding speaks of, in points:
of what is not forgotten, the accuracy on it; of a rest that lost, the test accuracy on it; of forgetting that can be noticed, the share that a
membership attack flags, or for a random share the accuracy on it where that is what is too low.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bench.cells import FOLDER, Cell, load, machine, today, updating
from bench.tables import CLASSIFIER, markdown
from demos.records.record import RunRecord
from demos.records.what_now import advice
from demos.text.what_now import Finding
from recipes.command import parser_of
from sfr_core.cancel import CancelToken
from sfr_core.configs import RunConfig
from sfr_core.events import Event, Finished
from sfr_core.metrics.thresholds import MEMBERSHIP_GAP, SAME
from sfr_core.presets import resolve
from sfr_core.results import ClassifierRecord, RunResult
from sfr_core.runs.runner import run
from sfr_core.runs.session import Session

RESULTS = FOLDER / "whatnow.json"


@dataclass(frozen=True, slots=True)
class Case:
    """A run that is to go wrong: the settings that differ from the quick preset's."""

    name: str
    forget: str
    settings: dict[str, Any]
    method: str = "sfr-on"


CASES = (
    Case("one short push", "class:Sneaker", {"steps": 100, "forget_every": 100, "clip_forget": 0.5}),
    Case("hardly repaired", "class:Trouser", {"steps": 20, "forget_every": 2}),
    Case("the quick preset", "class:Sneaker", {}),
    Case("hardly pushed", "random:0.1@0", {"steps": 100, "forget_every": 100, "clip_forget": 0.2}),
    Case("hardly repaired", "random:0.1@3", {"steps": 40, "forget_every": 2}),
    Case("pushed to the end", "class:Shirt", {"steps": 30, "forget_every": 3}),
    Case("short pushes", "class:Shirt", {"steps": 100, "clip_forget": 0.4}),
    Case("too many epochs", "class:Trouser", {"epochs": 8}, "gradient-ascent"),
    Case("one short epoch", "class:Sneaker", {"epochs": 1, "lr": 0.0005}, "gradient-ascent"),
    Case("a weak push", "class:Bag", {"steps": 100, "alpha": 0.05, "clip_forget": None}),
    Case("short pushes", "random:0.1@1", {"steps": 140, "clip_forget": 0.1}),
    Case("the quick preset", "class:Sandal", {}),
    Case("high learning rate", "class:Coat", {"lr": 0.1, "steps": 40, "forget_every": 8}),
    Case("pushed too often", "random:0.1@2", {"steps": 140, "forget_every": 1}),
)
"""Class and random tenth, too little and too much."""


def key(cell: Cell) -> tuple[Any, ...]:
    """What tells one cell from another."""
    return cell["method"], cell["case"], cell["forget"], cell["finding"], cell["suggestion"]


def config_of(case: Case) -> RunConfig:
    """The run that goes wrong."""
    settings = resolve(CLASSIFIER, case.method, overrides=case.settings, forget=case.forget)
    return RunConfig(model=CLASSIFIER, forget=case.forget, method=case.method, settings=settings)


def ran(config: RunConfig) -> RunRecord:
    """A run to its end, as the page reads it."""
    session = Session.open(config)
    events: list[Event] = list(run(session, cancel=CancelToken(), live_every=10**6))
    last = events[-1]
    assert isinstance(last, Finished)
    return RunRecord(
        key="", config=config, state="finished", result=last.result, events=tuple(events), dataset=session.dataset,
        spec=session.split.spec,
    )  # fmt: skip


def gap(finding: Finding, whole: bool, result: RunResult, base: RunResult) -> float:
    """Distance to the retrained model, points, in what the finding of the run `base` speaks of."""
    after, goal = result.after, result.retrained
    assert isinstance(after, ClassifierRecord)
    assert isinstance(goal, ClassifierRecord)
    number = {"kept": "TA_forget" if whole else "FA", "lost": "TA_remain" if whole else "TA"}.get(finding, "MIA")
    assert isinstance(base.after, ClassifierRecord)
    membership = abs((base.after.MIA or 0.0) - (goal.MIA or 0.0)) >= MEMBERSHIP_GAP
    if not whole and finding != "lost":  # what was found stands first in the rule
        number = "MIA" if membership and abs(base.after.FA - goal.FA) <= SAME else "FA"
    return abs(getattr(after, number) - getattr(goal, number))


def measure(case: Case, base: RunRecord, *, first: bool) -> None:
    """Runs what is suggested after a case and is not there yet, and keeps it."""
    whole = case.forget.startswith("class:")
    for one in advice(base):
        for at, offer in enumerate(one.offers[:1] if first else one.offers):
            about = {
                "method": case.method, "case": case.name, "forget": case.forget, "finding": one.finding, "suggestion": at,
            }  # fmt: skip
            if one.finding in ("fine", "open") or any(key(cell) == key(about) for cell in load(RESULTS, [])):
                continue
            assert offer.run is not None
            then = ran(offer.run.config)
            assert base.result is not None
            assert then.result is not None
            gaps = [round(gap(one.finding, whole, result, base.result), 2) for result in (base.result, then.result)]
            cell = {
                **about, "words": offer.words, "settings": case.settings, "gap": gaps[0], "gap_then": gaps[1],
                "after": asdict(base.result.after), "after_then": asdict(then.result.after),
                "avg_d": base.result.avg_d, "avg_d_then": then.result.avg_d,
                "retrained": asdict(base.result.retrained) if base.result.retrained else None,
                "passes": base.result.passes, "passes_then": then.result.passes, "machine": machine(), "date": today(),
            }  # fmt: skip
            with updating(RESULTS, []) as cells:
                cells.append(cell)
            print(table([cell]), flush=True)


TOLD: dict[str, str] = {"kept": "not forgotten", "lost": "the rest lost", "noticed": "forgetting noticed"}


def table(cells: list[Cell]) -> str:
    """Every cell, and for how many the gap got smaller."""
    order = sorted(cells, key=lambda cell: (list(TOLD).index(cell["finding"]), cell["suggestion"]))
    rows = [
        (
            f"{cell['method']}, {cell['case']}", cell["forget"].removeprefix("class:"), TOLD[cell["finding"]], cell["words"],
            f"{cell['gap']:.1f}", f"{cell['gap_then']:.1f}", "yes" if helped(cell) else "no",
        )
        for cell in order
    ]  # fmt: skip
    return markdown("run | forget | finding | suggestion | gap | gap after it | smaller", rows)


def helped(cell: Cell) -> bool:
    """Whether the named gap got smaller."""
    return bool(cell["gap_then"] < cell["gap"])


def stored_table() -> str:
    """All cells as Markdown, with their sum."""
    cells = load(RESULTS, [])
    return f"{table(cells)}\n\n{summed(cells)}"


def summed(cells: list[Cell]) -> str:
    """For how many of the tried suggestions the gap got smaller."""
    parts = {
        "first suggestions": [cell for cell in cells if cell["suggestion"] == 0],
        "other suggestions": [cell for cell in cells if cell["suggestion"]],
    }
    counts = ", ".join(f"{sum(map(helped, some))} of {len(some)} {what}" for what, some in parts.items() if some)
    return f"The named gap got smaller after {counts}."


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--first", action="store_true", help="only the first suggestion of each finding")
    parser.add_argument(
        "--cases", nargs="+", type=int, choices=range(1, len(CASES) + 1), metavar="N", help="which, from 1"
    )
    parser.add_argument("--table", action="store_true", help="print the Markdown and end")
    args = parser.parse_args()
    if args.table:
        print(stored_table())
        return
    for case in [CASES[n - 1] for n in args.cases or range(1, len(CASES) + 1)]:
        base = ran(config_of(case))
        said = [(one.finding, [offer.words for offer in one.offers]) for one in advice(base)]
        print(case.name, case.forget, said, flush=True)
        measure(case, base, first=args.first)


if __name__ == "__main__":
    main()
