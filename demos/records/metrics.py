"""The metrics of a run as rows of a table, on the page and in the CSV: one home for what stands in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from demos.records.record import RunRecord
from sfr_core.metrics.definitions import METRICS, MetricDefinition, definitions_of
from sfr_core.metrics.intervals import wilson
from sfr_core.metrics.thresholds import FEW
from sfr_core.results import GeneratorRecord, Record, RunResult

RECORD_KEYS = ("FA", "RA", "TA", "TA_forget", "TA_remain", "MIA", "RMIA", "MIA_svc", "KL")


@dataclass(frozen=True, slots=True)
class MetricValues:
    """The numbers of one metric, unrounded; None where there is none. `n` counts pictures, real or drawn."""

    definition: MetricDefinition
    before: float | None
    after: float | None
    retrained: float | None
    gap: float | None
    n: int | None


class MetricRow(NamedTuple):
    """The same as texts for people; the sentence says what the metric is, the interval how far the value after is known."""

    title: str
    before: str
    after: str
    interval: str
    retrained: str
    gap: str
    unit: str
    good: str
    n: str
    sentence: str


def metric_values(record: RunRecord) -> tuple[MetricValues, ...]:
    """All metrics that this run has, in the order of a table; empty without a result."""
    result = record.result
    if result is None:
        return ()
    if isinstance(result.after, GeneratorRecord):
        rows = [_record_values(record, result, define) for define in definitions_of(result.after).values()]
    else:
        rows = [_record_values(record, result, METRICS[key]) for key in RECORD_KEYS]
        rows.append(MetricValues(METRICS["avg_d"], result.avg_d_before, result.avg_d, None, None, None))
    for define, mine, theirs in (
        (METRICS["passes"], result.passes, result.retrain_passes),
        (METRICS["seconds"], result.seconds, result.retrain_seconds),
    ):
        rows.append(MetricValues(define, None, mine, theirs, None, None))
    return tuple(row for row in rows if row.before is not None or row.after is not None)


def _record_values(record: RunRecord, result: RunResult, define: MetricDefinition) -> MetricValues:
    before, after = getattr(result.before, define.key), getattr(result.after, define.key)
    retrained = None if result.retrained is None else getattr(result.retrained, define.key)
    gap = None if after is None or retrained is None else after - retrained
    return MetricValues(define, before, after, retrained, gap, _count(record, result.after, define.key))


COSTS = ("passes", "seconds")
"""What a run costs: of the whole run, and beside that of retraining."""
OF_FORGOTTEN = frozenset({"FA", "FA_softmax", "accepted_any", "judge_entropy"})
"""Metrics of a generator that speak of the samples of the forgotten classes; the others speak of the rest."""


def _count(record: RunRecord, after: Record, key: str) -> int | None:
    if isinstance(after, GeneratorRecord):
        apart = {
            "FA_paraphrase": after.n_paraphrase,
            "JA_neighbours": after.n_neighbours,
            "JA_others": after.n_remain - after.n_neighbours,
        }
        return apart.get(key, after.n_samples if key in OF_FORGOTTEN else after.n_remain)
    if key in ("FA", "MIA", "RMIA", "MIA_svc", "KL"):
        return after.n_forget
    if key == "RA":
        return after.n_remain
    if key == "TA":
        return after.n_test
    if record.dataset is None or record.spec is None:
        return None
    forgotten = int(np.isin(record.dataset.test.labels, record.spec.classes).sum())
    return forgotten if key == "TA_forget" else len(record.dataset.test) - forgotten


def interval_text(values: MetricValues) -> str:
    """The 95 % interval of a share after the run where few pictures were counted: '1.1 to 13.2'; else ''."""
    return share_interval(values.after, values.n or 0) if values.definition.unit == "%" else ""


def share_interval(share: float | None, n: int) -> str:
    """The same of one share in percent."""
    if share is None or not 0 < n < FEW:
        return ""
    low, high = wilson(share, n)
    return f"{low:.1f} to {high:.1f}"


def metric_rows(record: RunRecord) -> tuple[MetricRow, ...]:
    """`metric_values` as texts; the rows of what the run cost carry their share of retraining."""
    rows = []
    for values in metric_values(record):
        define = values.definition

        def text(value: float | None, sign: bool = False, digits: int = define.decimals) -> str:
            return "–" if value is None else f"{value:{'+' if sign else ''},.{digits}f}"

        gap = text(values.gap, sign=True)
        if define.key in COSTS and values.after is not None and values.retrained:
            gap = f"{100 * values.after / values.retrained:.1f} % of it"
        retrained = text(values.retrained)
        if define.key == "KL" and record.result is not None and record.result.kl_floor is not None:
            # The retrained model's KL to itself is 0; what a second one reaches says more.
            retrained, gap = f"{text(record.result.kl_floor)} (floor)", "–"
        n = "–" if values.n is None else f"{values.n:,}"
        before, after = text(values.before), text(values.after)
        rows.append(
            MetricRow(
                define.title,
                before,
                after,
                interval_text(values),
                retrained,
                gap,
                define.unit,
                define.good,
                n,
                define.sentence,
            )
        )
    return tuple(rows)
