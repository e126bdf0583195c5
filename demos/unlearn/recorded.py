"""What the live view shows before a visitor starts anything: the recorded run of the chosen model."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from demos import page_data
from demos.live import payload as live
from demos.records.record import RunRecord, dataset_of, labels_of
from demos.render import joined
from demos.result.pictures import pictures_html
from demos.result.tables import summary_html
from demos.text import unlearn as copy
from sfr_core.errors import AssetError
from sfr_core.events import Finished
from sfr_core.plan import RunPlan

LOG = logging.getLogger(__name__)
OPENING = "emoji-dit"
"""Its flags become clocks, and everything else stays."""


@dataclass(frozen=True, slots=True)
class Recordings:
    """The recorded runs that are shipped, by model.

    Attributes:
        first: model that the form opens on.
        runs: plan and live value (live.of_record) of each.
    """

    first: str
    runs: dict[str, tuple[RunPlan, dict[str, Any]]]

    @property
    def opening(self) -> str:
        """Model whose recording plays at first: the one that is nicest to watch, where it is there."""
        return OPENING if OPENING in self.runs else self.first

    def plan(self, model: str) -> RunPlan | None:
        """The recorded run's plan, so that it can be run live; None where nothing was recorded."""
        found = self.runs.get(model)
        return None if found is None else found[0]

    def value(self, model: str) -> dict[str, Any]:
        """What the live view plays: where it can be fetched, or an empty view where nothing was recorded."""
        found = self.runs.get(model)
        return nothing(model) if found is None else {"fetch": page_data.address(found[1])}

    def offered(self) -> list[dict[str, str]]:
        """Name and address of each, for the list of them in the live view."""
        return [
            {"model": model, "title": run.card.title, "fetch": page_data.address(value)}
            for model, (run, value) in self.runs.items()
        ]


def read(first: str, folder: Path = live.RECORDED) -> Recordings:
    """Every recorded run of a folder; one that cannot be read is left out with a warning."""
    runs = {}
    for path in sorted(folder.glob("*.json")):
        try:
            run, value = live.recorded(path)
        except AssetError as error:
            LOG.warning("%s", error)
            continue
        runs[run.card.id] = run, {**value, "model": run.card.id, "ending": ending(live.read_recording(path))}
    return Recordings(first, runs)


def ending(found: live.Recording) -> Markup:
    """What stands where a recorded run has ended: its sentence, and the pictures before, after and retrained."""
    config = found.plan.config
    dataset, spec, roles = labels_of(config, dataset_of(config.model))
    record = RunRecord(
        key="",
        config=config,
        state="imported",
        result=next((event.result for event in found.events if isinstance(event, Finished)), None),
        events=tuple(found.events),
        dataset=dataset,
        spec=spec,
        roles=roles,
    )
    return joined([summary_html(record), pictures_html(record, found.retrained)])


def nothing(model: str) -> dict[str, Any]:
    """An empty live view, in the words of the model's kind."""
    shown = live.empty("none", copy.NOTHING_YET, live.kind_words(model))
    return {**shown, "mode": "live", "line": "", "elapsed": None, "left": None, "machine": "", "note": ""}
