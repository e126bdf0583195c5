"""What the live view shows before a visitor starts anything: the recorded run of the chosen model."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demos import page_data
from demos.jobs.estimate import Recording
from demos.live import payload as live
from demos.text import unlearn as copy
from sfr_core.data.class_sets import PreviewSettings
from sfr_core.errors import AssetError
from sfr_core.plan import RunPlan

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recordings:
    """The recorded runs that are shipped, by model.

    Attributes:
        first: model whose recording the page opens on.
        runs: plan and live value (live.of_record) of each.
    """

    first: str
    runs: dict[str, tuple[RunPlan, dict[str, Any]]]

    def plan(self, model: str) -> RunPlan | None:
        """The recorded run's plan, so that it can be run live; None where nothing was recorded."""
        found = self.runs.get(model)
        return None if found is None else found[0]

    def value(self, model: str) -> dict[str, Any]:
        """What the live view plays: where it can be fetched, or an empty view where nothing was recorded."""
        found = self.runs.get(model)
        return nothing(model) if found is None else {"fetch": page_data.address(found[1])}

    def recordings(self) -> dict[str, Recording]:
        """What each would have taken where with as many looks as a run has, by model: more of them were recorded."""
        found = {}
        for model, (run, value) in self.runs.items():
            n, seconds = value["looked"]
            more = seconds * max(0, n - 2 - PreviewSettings().times) / n if n else 0.0  # one is before the first step
            found[model] = Recording(run, value["took"] - more, value["machine"])
        return found


def read(first: str, folder: Path = live.RECORDED) -> Recordings:
    """Every recorded run of a folder; one that cannot be read is left out with a warning."""
    runs = {}
    for path in sorted(folder.glob("*.json")):
        try:
            run, value = live.recorded(path)
        except AssetError as error:
            LOG.warning("%s", error)
            continue
        runs[run.card.id] = run, value
    return Recordings(first, runs)


def nothing(model: str) -> dict[str, Any]:
    """An empty live view, in the words of the model's kind."""
    shown = live.empty("none", copy.NOTHING_YET, live.kind_words(model))
    return {**shown, "mode": "live", "line": "", "elapsed": None, "machine": "", "note": ""}
