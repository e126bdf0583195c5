"""The cells of all tables: each finished one goes to a file in bench/results at once, so that a broken-off table is continued.

A file is written whole or not at all, and several processes may fill one at the same time.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import torch

from recipes.command import locked
from sfr_core.catalog import spec_of
from sfr_core.configs import DataSource
from sfr_core.data.concepts import plan_prompts, read_concepts
from sfr_core.data.splits import ForgetSpec, forget_spec
from sfr_core.ops.device import device_name
from sfr_core.presets import resolve
from sfr_core.zoo.cards import ModelCard

Cell = dict[str, Any]
T = TypeVar("T", bound="list[Any] | dict[str, Any]")

FOLDER = Path(__file__).parent / "results"
COMEBACKS = FOLDER / "comeback.json"
REFERENCE = "sfr-on-redirected"
"""What the shipped generators begin with: its time is what the baselines get, and with it they are compared."""
OWN_STEPS = (REFERENCE, "sfr-on")
"""Methods that run as their presets say; the others take as many steps as fit into REFERENCE's time."""

TUNED = "tuned"
"""Of the classifier's cells: the quick preset with the best of the trials that every method gets alike (bench/tuning.py)."""


def load(results: Path, empty: T) -> T:
    """What a file holds; `empty` where there is none."""
    if not results.exists():
        return empty
    found: T = json.loads(results.read_text(encoding="utf-8"))
    return found


@contextmanager
def updating(results: Path, empty: T) -> Iterator[T]:
    """What a file holds, to be changed in the block and written at its end; no other process does so meanwhile."""
    results.parent.mkdir(exist_ok=True)
    with locked(results.parent / f".{results.stem}.lock"):
        value = load(results, empty)
        yield value
        temporary = results.with_suffix(".new")
        temporary.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
        temporary.replace(results)


def machine(device: str = "cpu") -> str:
    """Where a cell was measured."""
    return f"{platform.machine()}, {device_name(torch.device(device))}, python {platform.python_version()}, torch {torch.__version__}"


def today() -> str:
    """When a cell was measured; of older ones it is the day on which they were first kept."""
    return datetime.now(UTC).date().isoformat()


@dataclass(frozen=True, slots=True)
class Place:
    """One cell of a generator's table; `forget` names a class or a concept."""

    forget: str
    seed: int
    method: str
    preset: str = "quick"
    data: DataSource = "shipped"


def places(
    forget: Sequence[str], seeds: Sequence[int], methods: Sequence[str], preset: str = "quick",
    data: DataSource = "shipped",
) -> list[Place]:  # fmt: skip
    """The cells in the order in which they are measured: REFERENCE's first, as it sets the time of the others."""
    order = dict.fromkeys([REFERENCE, *methods])
    return [Place(name, seed, method, preset, data) for method in order for seed in seeds for name in forget]


def settings_of(model: ModelCard, place: Place) -> dict[str, Any]:
    """Today's preset."""
    forget = forget_spec(model.kind, place.forget)
    return resolve(model.id, place.method, place.preset, forget=forget, kind=model.kind)


def prompts_of(model: ModelCard, concept: str) -> str | None:
    """A hash of a concept's prompts and of what each is redirected to; None for a model that reads no prompts."""
    if model.kind != "text-to-image":
        return None
    plan = plan_prompts(read_concepts(model.folder), ForgetSpec(text="", concept=concept))
    said = json.dumps([plan.texts, plan.targets.tolist(), plan.generated_labels.tolist()])
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def unmeasured(model: ModelCard, place: Place, protocol: str) -> Cell:
    """The cell of a place as far as it is known before its run: today's preset and prompts."""
    return {
        "model": model.id, "kind": model.kind, "forget": place.forget, "prompts": prompts_of(model, place.forget),
        "seed": place.seed, "method": place.method, "preset": place.preset, "data": place.data,
        "settings": settings_of(model, place), "protocol": protocol,
        "checkpoint": {"sha256": model.sha256, "images_seen": model.training.get("images_seen")},
    }  # fmt: skip


def identity(cell: Cell) -> tuple[Any, ...]:
    """What makes two cells equal: a baseline's steps follow from REFERENCE's time and do not count, so the preset must; the precision does not.

    A setting that came later has its default in older cells, which is what ran then.
    """
    whole = spec_of(cell["method"], cell["kind"]).config_cls.from_dict(cell["settings"]).to_dict()
    counted = {k: v for k, v in whole.items() if k != "steps" or cell["method"] in OWN_STEPS}
    told = (cell[k] for k in ("model", "forget", "prompts", "seed", "method", "preset", "data", "protocol"))
    return *told, cell["checkpoint"]["sha256"], json.dumps(counted, sort_keys=True)


def comebacks(model: str) -> list[Cell]:
    """What recovery attacks on a model's cells brought back so far (bench.comeback)."""
    return [cell for cell in load(COMEBACKS, []) if cell["model"] == model]


def find(cells: Sequence[Cell], wanted: Cell) -> Cell | None:
    """The measured cell that equals `wanted`."""
    return next((cell for cell in cells if identity(cell) == identity(wanted)), None)
