"""Tuning: settings read from the command line, and what a line of the search says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recipes.tuning.classifier import summary
from recipes.tuning.generator import concept_summary, moved
from recipes.tuning.trials import assignments
from sfr_core.errors import ConfigError, UnknownName


def test_assignments_become_values_of_the_config() -> None:
    found = assignments("sfr-on", ["lr=0.01,0.02", "optimizer_state=separate", "clip_forget=none"], many=True)
    assert found == {"lr": [0.01, 0.02], "optimizer_state": ["separate"], "clip_forget": [None]}
    assert assignments("finetune", ["epochs=3"], many=False) == {"epochs": [3]}


def test_wrong_assignments_are_refused() -> None:
    with pytest.raises(UnknownName, match="alpha"):
        assignments("sfr-on", ["alhpa=1"], many=True)
    with pytest.raises(ConfigError, match="gives no value"):
        assignments("sfr-on", ["alpha"], many=True)


def outcome(forget: str, kept: float, left: float, reference: float = 92.0) -> dict[str, Any]:
    return {"forget": forget, "TA_remain": kept, "TA_forget": left, "retrained": {"TA_remain": reference}, "cpu": 10.0}


def test_summary_takes_the_mean_over_seeds_before_the_worst_class() -> None:
    # Bag misses 1.0 and 0.2, so 0.6; Coat misses 0.8: Coat is the worst although one run of Bag misses more.
    found = summary([outcome("Bag", 91.0, 0.0), outcome("Bag", 91.8, 0.5), outcome("Coat", 91.2, 0.1)])
    assert found == "missing 0.70, most 0.80 (Coat), forgotten class at most 0.5; CPU 10.0 s"


def test_summary_of_scattered_samples_is_their_distance() -> None:
    tenth = {"forget": "random:0.1@100", "avg_d": 0.5, "retrained": {}, "cpu": 20.0}
    assert summary([tenth, {**tenth, "avg_d": 1.5}]) == "Avg.D 1.00, at most 1.50; CPU 20.0 s"


def test_summary_of_concepts_leaves_out_what_nobody_measured() -> None:
    cat: dict[str, Any] = {
        "direct": [90.0, 4.0], "words": [80.0, 10.0], "lost": {"neighbours": 3.0, "others": 1.0}, "ratio": 1.2, "cpu": 80.0,
    }  # fmt: skip
    # A style has no neighbours, and perhaps no other words for it.
    style = {**cat, "direct": [95.0, 0.0], "words": [None, None], "lost": {"neighbours": None, "others": 8.0}}
    assert concept_summary([cat, style]) == (
        "direct 2.0 (most 4.0), in other words 10.0, lost 4.0 (most 8.0), ratio 1.20, CPU 80 s"
    )


def test_a_class_moves_by_the_squared_distance_of_its_mean_features() -> None:
    before = np.array([[0, 0], [2, 0], [5, 5]], np.float32)
    after = np.array([[3, 0], [5, 8], [5, 5]], np.float32)  # class 1: mean (1, 0) to (4, 4)

    assert moved(before, after, np.array([1, 1, 2])) == {1: 25.0, 2: 0.0}
