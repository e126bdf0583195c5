"""Rows and a race with numbers that can be worked out by hand."""

from __future__ import annotations

from typing import Any

from sfr_core.configs import RunConfig
from sfr_core.results import ClassifierRecord, GeneratorRecord
from sfr_core.runs.race_record import Neighbour, Race, RaceRow

RETRAINED = ClassifierRecord(FA=0.0, RA=98.0, TA=80.0, MIA=40.0, KL=0.0)
PLACE: dict[str, Any] = {"machine": "a machine", "date": "2026-11-30T10:00:00Z", "command": "make it", "versions": {"torch": "2"}}  # fmt: skip


def config(method: str = "finetune", seed: int = 0) -> RunConfig:
    return RunConfig(model="m", forget="class:A", method=method, settings={}, seed=seed)


def row(method: str = "finetune", seed: int = 0, fa: float = 10.0, **changes: Any) -> RaceRow:
    """A finished run that is off by fa in FA, by 2 in RA, by 4 in TA and by 6 in MIA."""
    after = ClassifierRecord(FA=fa, RA=96.0, TA=84.0, MIA=34.0, KL=0.5)
    whole: dict[str, Any] = {
        "entry": f"{method}-{seed}", "model": "m", "forget": "class:A", "method": method, "preset": "quick", "variant": "official",
        "seed": seed, "settings": {"lr": 0.1}, "status": "done", "steps": 3, "before": RETRAINED, "after": after, "retrained": RETRAINED,
        "avg_d": (fa + 2 + 4 + 6) / 4, "passes": 50.0, "retrain_passes": 200.0, "seconds": 2.0,
        "neighbours": (Neighbour(name="B", before=90.0, after=80.0), Neighbour(name="C", before=70.0, after=66.0, retrained=75.0)),
    }  # fmt: skip
    return RaceRow(**{**whole, **changes})


def drawn(method: str, left: float, rest: float) -> RaceRow:
    """A finished run of a generator without a retrained model."""
    after = GeneratorRecord(
        FA=left, FA_softmax=left, accepted_any=left, JA_remain=rest, FD_remain=1.0, judge_entropy=1.0, diversity=1.0,
        n_samples=10, n_remain=10, sampler_steps=20, guidance=2.0,
    )  # fmt: skip
    return row(method, before=after, after=after, retrained=None, avg_d=None, neighbours=())


def race(*rows: RaceRow, methods: tuple[str, ...] = ("finetune", "salun"), seeds: tuple[int, ...] = (0, 1)) -> Race:
    plan = {f"{method}-{seed}": config(method, seed).to_json() for method in methods for seed in seeds}
    return Race(**PLACE, plan=plan, rows=rows)
