"""The targets in docs/results.md and the costs in README are those that the program uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfr_core import passes, presets
from sfr_core.configs import RunConfig
from sfr_core.metrics import thresholds
from sfr_core.plan import plan

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = " ".join((ROOT / "docs/results.md").read_text(encoding="utf-8").split())


def test_the_targets() -> None:
    t = thresholds
    assert (
        f"of a class at most {t.SAME:g} point (classifier) or {t.CLASS_LEFT:g} points (generators) more is left than in a retrained model; a concept is on "
        f"at most {t.CONCEPT_LEFT:g} % of the samples by its own prompts and {t.WORDS_LEFT:g} % in other words. The rest loses at most {t.SAME:g}, "
        f"{t.CLASSES_LOST:g} and {t.NEIGHBOURS_LOST:g} points."
    ) in RESULTS
    assert t.NEIGHBOURS_LOST == t.DISTANT_LOST


@pytest.mark.parametrize(
    ("title", "model", "forget"),
    [
        ("classifier", "fashion-mnist-resnet", "class:Sneaker"),
        ("diffusion model", "fashion-mnist-ddpm", "class:Trouser"),
        ("emoji transformer", "emoji-dit", "class:flags"),
        ("text-to-image model", "emoji-sd", "concept:cat"),
    ],
)
def test_the_cost_of_the_default_runs(title: str, model: str, forget: str) -> None:
    method = presets.default_method(model)
    settings = presets.resolve(model, method, forget=forget)
    run = plan(RunConfig(model=model, forget=forget, method=method, settings=settings))
    retraining = passes.retraining(run)
    assert retraining is not None
    share = f"{100 * passes.planned(run) / retraining:.2g} %"
    rows = [line for line in README.splitlines() if line.startswith((f"| {title} |", f"| {title},"))]
    assert any(line.endswith(f"| {share} |") for line in rows), share
