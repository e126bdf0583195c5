"""What the rows of a race say together: mean and spread of every racer over seeds and forget sets, and whether one is better. No torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean, stdev

from sfr_core.metrics import harm
from sfr_core.metrics.definitions import HARM_METRICS, METRICS, MetricDefinition, definitions_of
from sfr_core.results import GeneratorRecord
from sfr_core.runs.race_record import Racer, RaceRow

OF_RUN = ("avg_d", "passes", "seconds")
"""Quantities that stand in a row itself, not in its records."""

HARM: dict[str, Callable[[harm.Fields, harm.Fields], float | None]] = {
    "lost": harm.lost,
    "lost_neighbours": partial(harm.lost, of="neighbours"),
    "lost_others": partial(harm.lost, of="others"),
    "fd_ratio": harm.fd_ratio,
    "harm": harm.harm,
}
"""Quantities of a generator before and after."""


@dataclass(frozen=True, slots=True)
class Stat:
    """Some numbers in short.

    Attributes:
        mean: of them. spread: standard deviation with n - 1; None of a single one. n: how many they are.
    """

    mean: float
    spread: float | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a racer reached, over its finished runs.

    Attributes:
        racer: whose standing. done, stopped, failed: runs by how they ended.
        value: what was measured, by quantity (sfr_core/metrics/definitions.py), as far as every finished run has it.
        gap: the same minus the retrained model's, signed; only where every finished run has one to be compared with.
        score: of each quantity the number by which racers are ordered, lower is better: the size of the gap where closer to retrained
            is better, else the value, turned round where higher is better.
        neighbours: how much the neighbours' test accuracy changed, points, the mean of a run's two; None where no run has any.
        share_of_retraining: passes in percent of those of retraining; None where that is not known of all.
    """

    racer: Racer
    done: int
    stopped: int
    failed: int
    value: dict[str, Stat]
    gap: dict[str, Stat]
    score: dict[str, Stat]
    neighbours: Stat | None = None
    share_of_retraining: Stat | None = None


@dataclass(frozen=True, slots=True)
class Lead:
    """Who is best in a quantity.

    Attributes:
        racer: with the lowest score. ahead: by how much the next is behind, in the quantity's unit; None where there is no other.
        sure: it is ahead by more than the spread of either of the two, and both have a spread.
    """

    racer: Racer
    ahead: float | None
    sure: bool


def stat(values: Sequence[float]) -> Stat:
    """At least one number in short."""
    return Stat(fmean(values), stdev(values) if len(values) > 1 else None, len(values))


def quantities(rows: Iterable[RaceRow]) -> dict[str, MetricDefinition]:
    """What can stand in a table of these rows, in the order of its columns; records are of one kind."""
    record = next((row.after for row in rows if row.after is not None), None)
    own = METRICS if record is None else definitions_of(record)
    if isinstance(record, GeneratorRecord):
        own = own | HARM_METRICS
    return own | {key: METRICS[key] for key in ("passes", "seconds")}  # Avg.D is defined for classifiers only


def value_of(row: RaceRow, key: str) -> float | None:
    """A quantity of a row; None where it has none."""
    if key in HARM:
        if not isinstance(row.before, GeneratorRecord) or not isinstance(row.after, GeneratorRecord):
            return None
        before, after = ({name: getattr(record, name) for name in harm.FIELDS} for record in (row.before, row.after))
        return HARM[key](before, after)
    found = getattr(row, key) if key in OF_RUN else getattr(row.after, key, None)
    return None if found is None else float(found)


def gap_of(row: RaceRow, key: str) -> float | None:
    """The same minus the retrained model's; None where one of the two is not known."""
    value, reference = value_of(row, key), None if key in OF_RUN else getattr(row.retrained, key, None)
    return None if value is None or reference is None else value - float(reference)


def score_of(row: RaceRow, key: str, definition: MetricDefinition) -> float | None:
    """What racers are ordered by (Standing.score); None where it is not known."""
    if definition.good == "closer to retrained":
        gap = gap_of(row, key)
        return None if gap is None else abs(gap)
    value = value_of(row, key)
    return None if value is None else -value if definition.good == "higher" else value


def standings(rows: Sequence[RaceRow]) -> list[Standing]:
    """One for each racer, in the order of their first rows."""
    known, groups = quantities(rows), dict[Racer, list[RaceRow]]()
    for row in rows:
        groups.setdefault(row.racer, []).append(row)
    return [_standing(racer, mine, known) for racer, mine in groups.items()]


def _standing(racer: Racer, rows: list[RaceRow], known: dict[str, MetricDefinition]) -> Standing:
    done = [row for row in rows if row.status == "done"]
    harmed = [fmean(each.after - each.before for each in row.neighbours) for row in done if row.neighbours]
    return Standing(
        racer=racer,
        done=len(done),
        stopped=sum(row.status == "stopped" for row in rows),
        failed=sum(row.status == "failed" for row in rows),
        value=_stats({key: [value_of(row, key) for row in done] for key in known}),
        gap=_stats({key: [gap_of(row, key) for row in done] for key in known}),
        score=_stats({key: [score_of(row, key, definition) for row in done] for key, definition in known.items()}),
        neighbours=stat(harmed) if harmed else None,
        share_of_retraining=_stats({"": [row.share_of_retraining for row in done]}).get(""),
    )


def _stats(columns: dict[str, list[float | None]]) -> dict[str, Stat]:
    """A mean over fewer runs than the others' would compare other things: such a column is left out."""
    whole = {key: [value for value in values if value is not None] for key, values in columns.items()}
    return {key: stat(values) for key, values in whole.items() if values and len(values) == len(columns[key])}


def lead(found: Sequence[Standing], key: str) -> Lead | None:
    """Who is best in a quantity; None where nobody has a score in it. Racers that ran on other numbers of runs are not left out: see Stat.n."""
    scored = sorted(((one.score[key], one.racer) for one in found if key in one.score), key=lambda pair: pair[0].mean)
    if not scored:
        return None
    best, racer = scored[0]
    if len(scored) == 1:
        return Lead(racer, None, False)
    second = scored[1][0]
    ahead = second.mean - best.mean
    spreads = (best.spread, second.spread)
    return Lead(racer, ahead, all(spread is not None and ahead > spread for spread in spreads))
