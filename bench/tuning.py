"""Eight settings for every method of the classifier's table, tried on what no table uses; the best of each is what the table runs.

    python -m recipes.classifier --tuning [--precision fp32]    # once: what the tenth is compared with
    python -m bench.tuning [--methods ID ...] [--kinds class random] [--precision fp32]
    python -m bench.tuning --table

Every method gets the same number of trials: four values of its step size, or of what takes its place, and two of one setting more
(SPACES). A trial forgets a class, once one that looks like its neighbours and once a shoe, or one random tenth of a forget seed that no
table has, with a run's seed that no table has, and is measured on 10,000 training pictures that no model has seen in the place of the
test set. The score is Avg.D, the mean gap to the retrained model, on the mean of both classes; settings that leave at most CLASS_LEFT of
both come first. What the methods' other settings are, their quick presets say.

A method whose best lay at the edge of its grid got the grid moved once: four trials anew (SFR-on and SFR-on that stops at unseen six) for
those at the other end, which stay in the file. So do the first eight of SFR-on with separate optimisers: half of them differed in the
strength alone, which Adam cancels. Finished trials go to bench/results/tuning.json at once and are not made again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal, get_args

import torch

from bench.cells import FOLDER, Cell, load, machine, today, updating
from bench.tables import CLASSIFIER, markdown
from recipes.command import one_sentence, parser_of
from sfr_core.configs import Precision
from sfr_core.metrics.thresholds import CLASS_LEFT
from sfr_core.presets import resolve

RESULTS = FOLDER / "tuning.json"
Kind = Literal["class", "random"]
HELD_OUT: dict[Kind, tuple[str, ...]] = {"class": ("class:Coat", "class:Ankle boot"), "random": ("random:0.1@100",)}
"""Each with each of the settings is one trial."""
SEED = 101
TRIALS = 8
Space = Mapping[str, tuple[Any, ...]]
_SGD = (0.002, 0.005, 0.01, 0.02)
_SMALL = (3e-6, 1e-5, 3e-5, 1e-4)
SPACES: dict[str, Space] = {
    "finetune": {"lr": (0.05, 0.1, 0.2, 0.4), "epochs": (3, 5)},
    "gradient-ascent": {"lr": (0.002, 0.004, 0.008, 0.016), "epochs": (1, 3)},
    "random-label": {"lr": _SGD, "epochs": (2, 4)},
    "salun": {"lr": _SGD, "epochs": (2, 4)},
    "bad-teacher": {"lr": (0.1, 0.2, 0.5, 1.0), "temperature": (1.0, 3.0)},
    "scrub": {"lr": (0.001, 0.002, 0.004, 0.008), "forget_epochs": (1, 2)},
    "delete": {"lr": _SMALL, "epochs": (4, 12)},
    "ssd": {"alpha": (4.0, 6.0, 8.5, 9.0), "lam": (0.5, 1.0)},
    "l1-sparse": {"lr": (0.01, 0.02, 0.05, 0.1), "l1": (1e-4, 5e-4)},
    "boundary-shrink": {"lr": _SMALL, "epochs": (3, 9)},
    "munba": {"lr": (0.01, 0.02, 0.05, 0.1), "epochs": (1, 2)},
    "mupht": {"directions": (1, 3, 8, 16), "retain_aware": (False, True)},
    "sfr-on": {"lr": (0.02, 0.1), "forget_every": (5, 30), "alpha": (4.0, 40.0)},
    "sfr-on+separate": {"forget_optimizer": ("adamw",), "forget_lr": (0.001, 0.003, 0.01, 0.03), "lr": (0.02, 0.1)},
    "sfr-on+unseen": {"stop_when_unseen": (True,), "lr": (0.02, 0.1), "forget_every": (5, 30), "alpha": (4.0, 40.0)},
}
"""Of each method the values that are tried, each with each: TRIALS combinations. After a "+", a switch of the method."""


def id_of(method: str) -> str:
    """The catalog's name of a method with or without a switch."""
    return method.partition("+")[0]


def settings_of(method: str) -> list[dict[str, Any]]:
    """What is tried, in the order of the trials."""
    space = SPACES[method]
    return [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())]


def key(cell: Cell) -> tuple[Any, ...]:
    """What tells one trial from another."""
    return cell["method"], cell["forget"], tuple(sorted(cell["tried"].items()))


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting on every forget set of a kind.

    Attributes:
        tried: the setting. avg_d: mean of the gaps to the retrained models, points.
        left: the most that was left of a class, percent; None of random shares.
    """

    tried: dict[str, Any]
    avg_d: float
    left: float | None

    @property
    def rank(self) -> tuple[bool, float]:
        """Less is better: whether too much is left of a class, then Avg.D."""
        return self.left is not None and self.left > CLASS_LEFT, self.avg_d


def trials(cells: Iterable[Cell], method: str, kind: Kind) -> list[Trial]:
    """Those of a method that were made on all forget sets of a kind, in the order of its settings."""
    found = {key(cell): cell["outcome"] for cell in cells if cell["method"] == method}
    made = []
    for tried in settings_of(method):
        mine = [found.get(key({"method": method, "forget": forget, "tried": tried})) for forget in HELD_OUT[kind]]
        outcomes = [outcome for outcome in mine if outcome is not None]
        if len(outcomes) == len(mine):
            left = [outcome["TA_forget"] for outcome in outcomes if "TA_forget" in outcome]
            made.append(Trial(tried, fmean(outcome["avg_d"] for outcome in outcomes), max(left, default=None)))
    return made


def best(cells: Iterable[Cell], method: str, kind: Kind) -> Trial | None:
    """The best of a method's trials once all of them are there; None before."""
    made = trials(cells, method, kind)
    return min(made, key=lambda trial: trial.rank) if len(made) == TRIALS else None


def measure(method: str, forget: str, tried: dict[str, Any], precision: Precision) -> Cell:
    """A setting on one forget set."""
    from recipes.tuning.classifier import trial  # needs the whole data set, which a table does not

    name = id_of(method)
    settings = resolve(CLASSIFIER, name, "quick", overrides=tried, forget=forget)
    outcome = trial(name, forget, settings, SEED, precision)
    return {
        "method": method, "forget": forget, "seed": SEED, "tried": tried, "settings": settings, "outcome": outcome,
        "precision": precision, "machine": machine(), "date": today(),
    }  # fmt: skip


def table(cells: Sequence[Cell]) -> str:
    """The best of each method, and between which scores its trials lie."""
    rows = []
    for method, kind in itertools.product(SPACES, HELD_OUT):
        found, made = best(cells, method, kind), trials(cells, method, kind)
        if not made:
            continue
        scores = [trial.avg_d for trial in made]
        chosen = ["still to be tried", "", ""]
        if found is not None:
            left = "" if found.left is None else f"{found.left:.1f} %"
            chosen = [" ".join(f"{k}={v}" for k, v in found.tried.items()), f"{found.avg_d:.2f}", left]
        sets, span = ", ".join(HELD_OUT[kind]), f"{min(scores):.2f} to {max(scores):.2f}"
        rows.append([method, sets, f"{len(made)} of {TRIALS}", *chosen, span])
    return markdown("method | forget | trials | best | its Avg.D | left of a class, at most | Avg.D of all", rows)


def stored_table() -> str:
    """That of all stored trials."""
    return table(load(RESULTS, []))


def main(argv: list[str] | None = None) -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--methods", nargs="+", choices=SPACES, default=list(SPACES))
    parser.add_argument("--kinds", nargs="+", choices=get_args(Kind), default=list(get_args(Kind)))
    parser.add_argument("--precision", choices=get_args(Precision), default="auto")
    parser.add_argument("--table", action="store_true", help="print the Markdown and end")
    args = parser.parse_args(argv)
    if args.table:
        print(stored_table())
        return 0
    torch.set_num_threads(1)
    with one_sentence():
        sets = [forget for kind in args.kinds for forget in HELD_OUT[kind]]
        for forget, method in itertools.product(sets, args.methods):
            for tried in settings_of(method):
                wanted = {"method": method, "forget": forget, "tried": tried}
                if key(wanted) in map(key, load(RESULTS, [])):
                    continue
                cell = measure(method, forget, tried, args.precision)
                with updating(RESULTS, []) as cells:
                    cells[:] = [other for other in cells if key(other) != key(cell)] + [cell]
                print(method, cell["forget"], tried, cell["outcome"], flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
