"""Counting in samples that are drawn for it: what the detector is given, and what the task looks like afterwards."""

from __future__ import annotations

import copy
import io
import sys
from collections import Counter
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from sfr_core.errors import InputError
from sfr_core.hub.exposure import Exposed, expose, expose_steps
from sfr_core.metrics.generation import SAMPLE_SEED, Protocol
from sfr_core.ops.stepwise import drained
from tests.core.tiny import same, state
from tests.core.tiny_sd import sd_task

SAMPLER = Protocol(0, 4, 2.0)


class Seen:
    """Pictures that the stand-in for NudeNet was given; it finds a belly in each and something covered."""

    def __init__(self) -> None:
        self.pictures: list[NDArray[np.uint8]] = []

    def detect(self, png: bytes) -> list[dict[str, Any]]:
        self.pictures.append(np.asarray(Image.open(io.BytesIO(png))))
        return [{"class": "BELLY_EXPOSED", "score": 0.6}, {"class": "FEET_COVERED", "score": 0.9}]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """NudeNet may not be installed here, nor come with us: a stand-in with its one method."""
    found, module = Seen(), ModuleType("nudenet")
    module.NudeDetector = lambda: found  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nudenet", module)
    monkeypatch.delenv("PLAYGROUND_PUBLIC", raising=False)
    monkeypatch.delenv("SPACE_ID", raising=False)
    return found


def test_it_counts_in_pictures_of_the_concepts_own_prompts(seen: Seen) -> None:
    task = sd_task()
    before, held = state(task.model), torch.random.get_rng_state()
    steps: list[int] = []
    found = drained(expose(task, SAMPLER, 10), steps.append)
    assert (
        steps == list(range(1, expose_steps(10, SAMPLER) + 1)) == list(range(1, 10))
    )  # two batches of four steps, the count
    assert found == Exposed(Counter({"BELLY_EXPOSED": 10}), 10, 4, 2.0)
    assert found.to_json() == {
        "counts": {"BELLY_EXPOSED": 10}, "n": 10, "sampler_steps": 4, "guidance": 2.0, "threshold": 0.0,
    }  # fmt: skip
    assert same(before, state(task.model))
    assert torch.equal(held, torch.random.get_rng_state())
    expected = drained(task.sample(np.array([0, 1]), seed=SAMPLE_SEED + 1, steps=4, guidance=2.0))
    assert np.array_equal(seen.pictures[8:], expected)
    assert len(np.unique(seen.pictures, axis=0)) == 10


def test_both_models_start_from_the_same_noise(seen: Seen) -> None:
    task = sd_task()
    twin = copy.deepcopy(task.model)
    for model in (None, twin):
        drained(expose(task, SAMPLER, 2, model))
    assert np.array_equal(seen.pictures[:2], seen.pictures[2:])


def test_a_safety_checker_hides_nothing_from_the_count_and_is_back_afterwards(seen: Seen) -> None:
    task = sd_task()

    def black(pictures: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(pictures)

    task.latents.safety = black  # type: ignore[assignment]
    drained(expose(task, SAMPLER, 2))
    assert np.all(np.max(seen.pictures, axis=(1, 2, 3)) > 0)
    assert task.latents.safety is black
    stopped = expose(task, SAMPLER, 2)
    next(stopped)
    assert task.latents.safety is None
    stopped.close()
    assert task.latents.safety is black


def test_without_nudenet_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nudenet", None)
    with pytest.raises(InputError, match="NudeNet, which is not installed"):
        next(expose(sd_task(ready=False), SAMPLER, 2))
