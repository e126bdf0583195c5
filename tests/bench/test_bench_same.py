"""Two runs are the same only where every bit of the weights and every number but times is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from bench.same import DEFAULTS, compare
from sfr_core.zoo import shipped as zoo

WEIGHTS = {"a": torch.tensor([1.0, 0.0]), "b": torch.zeros(2, 3)}
RESULT = {"after": {"FA": 1.0, "KL": None}, "seconds": 3.0, "peak_memory_bytes": 7, "versions": {"torch": "2"}}


def run_files(folder: Path, weights: dict[str, torch.Tensor], result: dict[str, Any]) -> Path:
    folder.mkdir()
    save_file(weights, folder / "after.safetensors")
    (folder / "result.json").write_text(json.dumps(result))
    return folder


@pytest.mark.parametrize(
    ("weights", "result", "said"),
    [
        ({}, {}, []),
        ({}, {"seconds": 9.0, "peak_memory_bytes": 1, "versions": {}}, []),
        ({"a": torch.tensor([1.0, -0.0])}, {}, ["a: up to 0 apart"]),
        ({"a": torch.tensor([1.5, 0.0])}, {}, ["a: up to 0.5 apart"]),
        ({"b": torch.zeros(3, 2)}, {}, ["b: torch.float32 (3, 2), was torch.float32 (2, 3)"]),
        ({"b": torch.zeros(2, 3).double()}, {}, ["b: torch.float64 (2, 3), was torch.float32 (2, 3)"]),
        ({"c": torch.zeros(1)}, {}, ["c only in "]),
        ({}, {"after": {"FA": 1.5, "KL": None}}, ["after.FA: 1.5, was 1.0"]),
        ({}, {"after": {"FA": 1.0}}, ["after.KL: absent, was None"]),
    ],
)
def test_what_differs_is_named(tmp_path: Path, weights: Any, result: Any, said: list[str]) -> None:
    theirs = run_files(tmp_path / "theirs", WEIGHTS, RESULT)
    ours = run_files(tmp_path / "ours", {**WEIGHTS, **weights}, {**RESULT, **result})
    found = compare(ours, theirs)
    assert len(found) == len(said)
    assert all(line.startswith(start) for line, start in zip(found, said, strict=True))


def test_every_shipped_model_has_a_default() -> None:
    assert set(DEFAULTS) == {card.id for card in zoo.cards() if card.source == "bundled"}
