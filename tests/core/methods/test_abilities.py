"""What the table of abilities says of each kind of model, its task really can."""

from __future__ import annotations

import pytest

from sfr_core.kinds.registry import KINDS
from sfr_core.tasks import base
from sfr_core.tasks.classifier import ClassifierTask
from sfr_core.tasks.diffusion import DiffusionTask
from sfr_core.tasks.text_to_image import TextToImageTask

TASKS: dict[str, type] = {
    "classifier": ClassifierTask,
    "ddpm": DiffusionTask,
    "dit": DiffusionTask,
    "text-to-image": TextToImageTask,
}


def functions_of(protocol: str) -> set[str]:
    """Names of what a protocol can be asked for; what it holds is set when a task is made."""
    found = {
        name for name, part in vars(getattr(base, protocol)).items() if callable(part) and not name.startswith("_")
    }
    assert found
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_says_what_the_task_can(kind: str) -> None:
    named = set().union(*(known.abilities for known in KINDS.values()))
    can = {name for name in named if all(hasattr(TASKS[kind], part) for part in functions_of(name))}
    assert KINDS[kind].abilities <= can  # a method may be kept from a kind whose task inherits what it needs
    for name in ("Redirectable", "Denoising"):  # SFR-on's settings ask for these
        assert (name in KINDS[kind].abilities) == (name in can)
