"""Cells of the three tables, as the benchmarks store them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.cells import REFERENCE, Cell, Place, settings_of, unmeasured
from sfr_core.presets import resolve
from sfr_core.zoo import shipped as zoo

DDPM = replace(zoo.card("fashion-mnist-ddpm"), sha256="a" * 64, training={"images_seen": 1000})


def classifier_cell(method: str, forget: str, **more: Any) -> Cell:
    record = {"FA": 0.0, "RA": 99.0, "TA": 82.0, "MIA": 10.0, "TA_forget": 0.0, "TA_remain": 91.0, "KL": 0.25}
    return {
        "method": method, "preset": "quick", "variant": "official", "ablation": None, "forget": forget, "after": record,
        "settings": resolve("fashion-mnist-resnet", method, forget=forget),
        "retrained": {**record, "MIA": 40.0, "TA_remain": 91.5}, "avg_d": 7.5, "avg_d_before": 30.0,
        "timing": None, **more,
    }  # fmt: skip


def cell(method: str = REFERENCE, forget: str = "Bag", seed: int = 0, **after: float) -> Cell:
    """A pixel model's: before FA 100, JA 95, FD 2.0; after as given."""
    record = {"FA_softmax": 1.0, "accepted_any": 5.0, "diversity": 0.9}
    return {
        **unmeasured(DDPM, Place(forget, seed, method), "100@20"), "label": 8, "steps": 50, "seconds": 60.0, "cpu_seconds": 80.0,
        "once_seconds": 0.0, "machine": "here", "device": "CPU", "precision": "fp32", "before_precision": "bf16",
        "before": {**record, "FA": 100.0, "JA_remain": 95.0, "FD_remain": 2.0},
        "after": {**record, "FA": 1.0, "JA_remain": 94.0, "FD_remain": 2.2, **after},
    }  # fmt: skip


def concept_cell(method: str = REFERENCE, forget: str = "cat", seed: int = 0, **after: float | None) -> Cell:
    """A text-to-image model's. Before: direct 100, neighbours and others 90; after as given."""
    record = {"FA": 100.0, "FA_paraphrase": 100.0, "JA_neighbours": 90.0, "JA_others": 90.0, "FD_remain": 1.0}
    return {
        "model": "emoji-sd", "kind": "text-to-image", "forget": forget, "prompts": "p", "seed": seed, "method": method,
        "preset": "quick", "settings": resolve("emoji-sd", method), "data": "data-free", "steps": 60, "cpu_seconds": 50.0, "protocol": "100@20", "precision": "bf16",
        "before_precision": "bf16", "machine": "here", "checkpoint": {"sha256": "a" * 64, "images_seen": 2000}, "before": record,
        "after": {**record, "FA": 4.0, "FA_paraphrase": 10.0, "JA_neighbours": 87.0, **after},
    }  # fmt: skip


def changed(found: Cell, **settings: Any) -> Cell:
    return {**found, "settings": {**found["settings"], **settings}}


def thorough(found: Cell) -> Cell:
    place = Place(found["forget"], found["seed"], found["method"], "thorough")
    return {**found, "preset": "thorough", "settings": settings_of(DDPM, place)}
