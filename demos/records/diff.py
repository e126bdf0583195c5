"""What differs between two runs, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from demos.records.record import RunRecord
from sfr_core.catalog import rows_of
from sfr_core.configs import RunConfig
from sfr_core.errors import InputError
from sfr_core.metrics.definitions import METRICS, MetricDefinition, definitions_of


@dataclass(frozen=True, slots=True)
class Difference:
    """One line: `name` in plain words, both values as texts, and B minus A where both are numbers."""

    group: str
    name: str
    a: str
    b: str
    change: str = ""


def config_differences(a: RunRecord, b: RunRecord) -> tuple[Difference, ...]:
    """Fields of the configs that differ, as they were run; a setting that only one method has shows a dash for the other.

    A setting that one method lacks and that the other has switched off makes no difference, nor do threads that one run does not name.
    """
    configs = [a.used, b.used] if a.result is not None and b.result is not None else [a.config, b.config]
    if None in (configs[0].threads, configs[1].threads):
        configs = [replace(config, threads=None) for config in configs]
    left, right = (_fields(config) for config in configs)
    del left["settings"], right["settings"]
    names = list(left) + [k for k in right if k not in left]
    out = [_line("config", n, left.get(n), right.get(n)) for n in names if not _same(left.get(n), right.get(n))]
    settings = [_settings(config) for config in configs]
    for name in [*settings[0], *(k for k in settings[1] if k not in settings[0])]:
        x, y = (found.get(name, MISSING) for found in settings)
        lacking = MISSING in (x, y) and any(value is None or value is False for value in (x, y))
        if not lacking and not _same(x, y):
            out.append(_line("setting", name, x, y))
    return tuple(out)


def _fields(config: RunConfig) -> dict[str, Any]:
    """A config's fields; how pictures are read is one field for each part of it."""
    found = config.to_json()
    return found | {f"pictures: {name}": value for name, value in found.pop("reading", {}).items()}


MISSING = "–"
"""A setting that a method does not have."""


def _settings(config: RunConfig) -> dict[str, Any]:
    """All settings of a run: an older file leaves out those that there were not yet, which have their defaults."""
    for spec in rows_of(config.method):
        with suppress(InputError):
            return spec.config_cls.from_dict(config.settings).to_dict()
    return config.settings


def result_differences(a: RunRecord, b: RunRecord) -> tuple[Difference, ...]:
    """Results that differ: state, steps, metrics before, after and retrained, time, mask, memory, device, versions."""
    out = []
    if a.state != b.state and "imported" not in (a.state, b.state):
        out.append(Difference("result", "state", a.state, b.state))
    if a.result is None or b.result is None:
        if (a.result is None) != (b.result is None):
            has = ("none" if r.result is None else "measured" for r in (a, b))
            out.append(Difference("result", "full-set metrics", *has))
        return tuple(out)
    for when in ("before", "after", "retrained"):
        x, y = getattr(a.result, when), getattr(b.result, when)
        if x is None or y is None:
            if x is not y:
                out.append(Difference(when, "model", *("none" if record is None else "there" for record in (x, y))))
            continue
        if type(x) is not type(y):
            kinds = ("generator" if record.generates else "classifier" for record in (a, b))
            out.append(Difference(when, "kind of model", *kinds))
            continue
        for name in x.__dataclass_fields__:
            out += _differing(when, name, x, y, *_title(name, definitions_of(x)))
    for name in (
        "avg_d", "avg_d_before", "kl_floor", "passes", "retrain_passes", "seconds", "retrain_seconds", "steps", "mask_density",
    ):  # fmt: skip
        out += _differing("result", name, a.result, b.result, *_title(name))
    out += _differing(
        "result", "peak_memory_bytes", a.result, b.result, "peak memory beyond that before the run", "bytes"
    )
    out += _differing("result", "device", a.result, b.result, "device")
    for name in sorted(a.result.versions.keys() | b.result.versions.keys()):
        x, y = a.result.versions.get(name, "–"), b.result.versions.get(name, "–")
        if x != y:
            out.append(Difference("version", name, str(x), str(y)))
    return tuple(out)


RETRAINED = {"retrain_passes": ("passes of retraining", "passes"), "retrain_seconds": ("time of retraining", "s")}
"""Titles and units of what no definition names."""


def _differing(group: str, name: str, x: object, y: object, title: str, unit: str = "") -> list[Difference]:
    """The line of one attribute of two results or records, where they differ in it."""
    left, right = getattr(x, name), getattr(y, name)
    return [] if _same(left, right) else [_line(group, title, left, right, unit)]


def _title(name: str, definitions: Mapping[str, MetricDefinition] = METRICS) -> tuple[str, str]:
    known = {**METRICS, **definitions}
    if name in known:
        return known[name].title, known[name].unit
    return RETRAINED.get(name, (name.replace("_", " "), ""))


def _same(x: Any, y: Any) -> bool:
    """Equal in value and in kind: 1 and True, or 1 and None, are not the same setting."""
    if isinstance(x, bool) != isinstance(y, bool):
        return False
    return bool(x == y)


def _line(group: str, name: str, x: Any, y: Any, unit: str = "") -> Difference:
    change = ""
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (x, y))
    if numbers:
        change = f"{y - x:+,d}" if isinstance(x, int) and isinstance(y, int) else f"{y - x:+.4g}"
    return Difference(group, f"{name} ({unit})" if unit else name, show(x), show(y), change)


def show(value: Any) -> str:
    """A value as text: numbers short but exact enough to differ, on/off for switches, a dash for none."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10000 else str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
