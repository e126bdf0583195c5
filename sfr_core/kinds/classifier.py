"""Classifiers: asked about pictures."""

from __future__ import annotations

from sfr_core.kinds.base import Kind

KIND = Kind(
    id="classifier",
    order=0,
    title="Classifier",
    noun="classifier",
    only="needs class scores, which a generator does not give",
    forgets=("class", "random", "samples"),
    abilities=frozenset({"Distillable", "Redirectable"}),
    opens="sfr_core.tasks.classifier:open_classifier",
    measures="sfr_core.runs.evaluate:by_answers",
    draws=False,
)
