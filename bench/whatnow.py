"""Does "What now?" help? Runs of the shipped models with settings that are wrong on purpose, each once more with what the page suggests.

    python -m bench.whatnow                  # the first suggestion of every case, then the others
    python -m bench.whatnow --first          # only the first of each
    python -m bench.whatnow --cases 3 5      # the third and the fifth case
    python -m bench.whatnow --table          # everything so far as Markdown

A cell is a case with one suggestion. Its gap is the distance to the retrained model in the number that the finding speaks of, in points:
of what is not forgotten, the accuracy on it; of a rest that lost, the test accuracy on it; of forgetting that can be noticed, the share that a
membership attack flags, or for a random share the accuracy on it where that is what is too low. Of a generator: the samples that still show
what was to go, for a concept in other words where its own prompts are well; and what the others lost to the run's own begin in samples that
show what they should, or where that is little, in percent of the Fréchet distance.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bench.cells import FOLDER, Cell, load, machine, today, updating
from bench.pace import data_of
from bench.tables import CLASSIFIER, markdown
from demos.records.record import RunRecord
from demos.records.what_now import advice
from demos.text.what_now import Finding
from recipes.command import parser_of
from sfr_core.cancel import CancelToken
from sfr_core.configs import RunConfig
from sfr_core.events import Event, Finished
from sfr_core.metrics.thresholds import CLASSES_LOST, CONCEPT_LEFT, DISTANT_LOST, MEMBERSHIP_GAP, NEIGHBOURS_LOST, SAME
from sfr_core.presets import resolve
from sfr_core.results import ClassifierRecord, GeneratorRecord, RunResult
from sfr_core.runs.runner import run
from sfr_core.runs.session import Session
from sfr_core.zoo.shipped import card

RESULTS = FOLDER / "whatnow.json"
DDPM, DIT, SD = "fashion-mnist-ddpm", "emoji-dit", "emoji-sd"


@dataclass(frozen=True, slots=True)
class Case:
    """A run that is to go wrong: the settings that differ from the quick preset's."""

    name: str
    forget: str
    settings: dict[str, Any]
    method: str = "sfr-on"
    model: str = CLASSIFIER


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
    Case("few steps", "class:Trouser", {"steps": 12}, "sfr-on-redirected", DDPM),
    Case("half of the steps", "class:Bag", {"steps": 25}, "sfr-on", DDPM),
    Case("few steps", "class:flags", {"steps": 10}, "sfr-on-redirected", DIT),
    Case("a third of the steps", "class:clocks", {"steps": 20}, "sfr-on", DIT),
    Case("half of the steps", "concept:flags", {"steps": 30}, "sfr-on", SD),
    Case("the quick preset", "concept:cat", {}, "esd-u", SD),
)
"""Class, random tenth and concept, too little and too much."""


def key(cell: Cell) -> tuple[Any, ...]:
    """What tells one cell from another."""
    return (
        cell.get("model", CLASSIFIER),
        cell["method"],
        cell["case"],
        cell["forget"],
        cell["finding"],
        cell["suggestion"],
    )


def config_of(case: Case) -> RunConfig:
    """The run that goes wrong."""
    settings = resolve(case.model, case.method, overrides=case.settings, forget=case.forget)
    return RunConfig(
        model=case.model, forget=case.forget, method=case.method, settings=settings, data=data_of(card(case.model).kind)
    )


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
    if isinstance(after, GeneratorRecord):
        return generator_gap(finding, result, base)
    assert isinstance(after, ClassifierRecord)
    assert isinstance(goal, ClassifierRecord)
    number = {"kept": "TA_forget" if whole else "FA", "lost": "TA_remain" if whole else "TA"}.get(finding, "MIA")
    assert isinstance(base.after, ClassifierRecord)
    membership = abs((base.after.MIA or 0.0) - (goal.MIA or 0.0)) >= MEMBERSHIP_GAP
    if not whole and finding != "lost":  # what was found stands first in the rule
        number = "MIA" if membership and abs(base.after.FA - goal.FA) <= SAME else "FA"
    return abs(getattr(after, number) - getattr(goal, number))


def generator_gap(finding: Finding, result: RunResult, base: RunResult) -> float:
    """The same of a generator; which number it is, the run `base` tells."""
    after, before, ran, goal = result.after, result.before, base.after, result.retrained
    assert isinstance(after, GeneratorRecord)
    assert isinstance(before, GeneratorRecord)
    assert isinstance(ran, GeneratorRecord)
    concept = before.JA_others is not None
    if finding == "kept":
        own = not concept or ran.FA > CONCEPT_LEFT or after.FA_paraphrase is None
        target = goal.FA if isinstance(goal, GeneratorRecord) and not concept else 0.0
        return abs(after.FA - target) if own else after.FA_paraphrase or 0.0
    kinds = {"JA_neighbours": NEIGHBOURS_LOST, "JA_others": DISTANT_LOST} if concept else {"JA_remain": CLASSES_LOST}
    for name, most in kinds.items():
        old = getattr(before, name)
        if old is not None and old - getattr(ran, name) > most:
            return max(0.0, old - getattr(after, name))
    return max(0.0, 100 * (after.FD_remain / before.FD_remain - 1))


def measure(case: Case, base: RunRecord, *, first: bool) -> None:
    """Runs what is suggested after a case and is not there yet, and keeps it."""
    whole = case.forget.startswith("class:")
    for one in advice(base):
        for at, offer in enumerate(one.offers[:1] if first else one.offers):
            about = {
                "model": case.model, "method": case.method, "case": case.name, "forget": case.forget, "finding": one.finding, "suggestion": at,
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
            cell.get("model", CLASSIFIER), f"{cell['method']}, {cell['case']}", cell["forget"].removeprefix("class:"), TOLD[cell["finding"]], cell["words"],
            f"{cell['gap']:.1f}", f"{cell['gap_then']:.1f}", "yes" if helped(cell) else "no",
        )
        for cell in order
    ]  # fmt: skip
    return markdown("model | run | forget | finding | suggestion | gap | gap after it | smaller", rows)


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
