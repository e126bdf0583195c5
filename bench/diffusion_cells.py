"""The cells of bench.diffusion: which there are, which of them a file already holds, and adding one to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.diffusion_table import Cell, data_of
from bench.store import locked, write
from sfr_core.catalog import spec_of
from sfr_core.configs import DataSource
from sfr_core.presets import resolve

MODEL = "fashion-mnist-ddpm"
RESULTS = Path(__file__).parent / "results" / "diffusion.json"


@dataclass(frozen=True, slots=True)
class Place:
    """One cell of a table."""

    forget: str
    seed: int
    method: str
    preset: str = "quick"
    data: DataSource = "shipped"

    @property
    def spec(self) -> str:
        """The forget specification."""
        return f"class:{self.forget}"

    @property
    def settings(self) -> dict[str, Any]:
        """Today's preset."""
        return resolve(MODEL, self.method, self.preset, forget=self.spec)


def places(
    part: str, classes: Sequence[str], seeds: Sequence[int], methods: Sequence[str], preset: str = "quick",
    data: DataSource = "shipped",
) -> list[Place]:  # fmt: skip
    """The cells of a part, in the order in which they are measured: SFR-on's first, as it sets the time of the others."""
    if part == "classes":
        return [Place(name, seed, "sfr-on", preset, data) for seed in seeds for name in classes]
    found = [Place(name, seed, "sfr-on", preset, data) for seed in seeds for name in classes]
    others = [Place(name, seed, m, preset, data) for seed in seeds for m in methods for name in classes]
    return found + [place for place in others if place.method != "sfr-on"]


Identity = tuple[str, int, str, str, str, str, str, str]


def identity(place: Place, settings: dict[str, Any], sha256: str, protocol: str, kind: str = "ddpm") -> Identity:
    """What makes two cells equal: a rival's steps follow from SFR-on's time and do not count, so the preset must; the precision does not.

    A field that came later has its default in older cells, which is what ran then.
    """
    whole = spec_of(place.method, kind).config_cls.from_dict(settings).to_dict()
    counted = {k: v for k, v in whole.items() if k != "steps" or place.method == "sfr-on"}
    said = json.dumps(counted, sort_keys=True)
    return place.forget, place.seed, place.method, place.preset, said, sha256, protocol, place.data


def identity_of(cell: Cell) -> Identity:
    """The identity of a measured cell."""
    place = Place(cell["forget"], cell["seed"], cell["method"], cell["preset"], data_of(cell))
    kind = cell.get("kind", "ddpm")  # bench.diffusion's name none
    return identity(place, cell["settings"], cell["checkpoint"]["sha256"], cell["protocol"], kind)


def cell_of(cells: Sequence[Cell], place: Place, sha256: str, protocol: str) -> Cell | None:
    """The cell that fills a place with today's preset, if it was measured on this checkpoint by this protocol."""
    wanted = identity(place, place.settings, sha256, protocol)
    return next((c for c in cells if identity_of(c) == wanted), None)


def missing(cells: Sequence[Cell], wanted: Sequence[Place], sha256: str, protocol: str) -> list[Place]:
    """The places that no cell fills."""
    return [p for p in wanted if cell_of(cells, p, sha256, protocol) is None]


def load() -> dict[str, Any]:
    """Everything measured so far."""
    if RESULTS.exists():
        return dict(json.loads(RESULTS.read_text(encoding="utf-8")))
    return {"cells": [], "page": []}


def add(part: str, found: Cell) -> dict[str, Any]:
    """Adds a cell or a page run to the file, which several processes may fill at the same time; returns everything.

    A cell that is already there stays, and the new one is dropped.
    """
    with locked(RESULTS):
        results = load()
        if part == "cells" and identity_of(found) in map(identity_of, results["cells"]):
            return results
        results[part].append(found)
        write(RESULTS, results)
    return results
