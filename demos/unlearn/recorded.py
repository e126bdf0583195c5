"""What the live view shows before a visitor starts anything: the recorded run of the chosen model."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
from markupsafe import Markup

from demos import page_data
from demos.context import LAST, PageContext
from demos.live import payload as live
from demos.records.record import RunRecord, dataset_of, labels_of
from demos.records.what_now import Offer, advice, chosen
from demos.render import joined
from demos.result.pictures import pictures_html
from demos.result.tables import summary_html, what_now_html
from demos.text import unlearn as copy
from demos.unlearn import options as form_values
from demos.unlearn.form import Form
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
        runs: plan and live value (live.of_record) of each. offers: what to try after it.
    """

    first: str
    runs: dict[str, tuple[RunPlan, dict[str, Any]]]
    offers: dict[str, tuple[Offer, ...]] = field(default_factory=dict)

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

    def offered_run(self, told: Mapping[str, Any]) -> RunPlan:
        """The suggestion that a click on the end of a recorded run tells.

        Raises:
            InputError: there is no such suggestion.
        """
        return chosen(self.offers.get(str(told.get("model", "")), ()), told.get("now"))

    def offered(self) -> list[dict[str, str]]:
        """Name and address of each, for the list of them in the live view."""
        return [
            {"model": model, "title": run.card.title, "fetch": page_data.address(value)}
            for model, (run, value) in self.runs.items()
        ]


def wire(ctx: PageContext, form: Form, first: Recordings, live: gr.HTML, recording: gr.State) -> None:
    """A model that is chosen plays its own recorded run, or an empty view, while no run of the visitor's is on screen."""

    def play(model: Any, browser: Any, job_id: Any) -> dict[Any, Any]:
        chosen = form_values.known(model)
        if ctx.job_of(browser, job_id) is not None:
            return {recording: chosen}  # what Reset brings back
        # A recording is large, and on a busy machine it may arrive after a run that was started meanwhile: that stays then.
        return {recording: chosen, live: {**first.value(chosen), "yields": True}}

    gr.on(
        [form.model.input, form.opened.change],
        play,
        [form.model, ctx.browser, ctx.job],
        [recording, live],
        **LAST,
    )


def read(first: str, folder: Path = live.RECORDED, *, forms: bool = True) -> Recordings:
    """Every recorded run of a folder; one that cannot be read is left out with a warning. `forms`: there is a form to be filled."""
    runs, offers = {}, {}
    for path in sorted(folder.glob("*.json")):
        try:
            run, value = live.recorded(path)
        except AssetError as error:
            LOG.warning("%s", error)
            continue
        found = live.read_recording(path)
        now = advice(record_of(found)) if forms else ()
        offers[run.card.id] = tuple(offer for one in now for offer in one.offers)
        ended = {"ending": ending(found), "now": what_now_html(now)}
        runs[run.card.id] = run, {**value, "model": run.card.id, **ended}
    return Recordings(first, runs, offers)


def ending(found: live.Recording) -> Markup:
    """What stands where a recorded run has ended: its sentence, and the pictures before, after and retrained."""
    record = record_of(found)
    return joined([summary_html(record), pictures_html(record, found.retrained)])


def record_of(found: live.Recording) -> RunRecord:
    """A recorded run as the comparing parts read it."""
    config = found.plan.config
    dataset, spec, roles = labels_of(config, dataset_of(config.model))
    return RunRecord(
        key="",
        config=config,
        state="imported",
        result=next((event.result for event in found.events if isinstance(event, Finished)), None),
        events=tuple(found.events),
        dataset=dataset,
        spec=spec,
        roles=roles,
    )


def nothing(model: str) -> dict[str, Any]:
    """An empty live view, in the words of the model's kind."""
    shown = live.empty("none", copy.NOTHING_YET, live.kind_words(model))
    return {**shown, "mode": "live", "line": "", "elapsed": None, "left": None, "machine": "", "note": ""}
