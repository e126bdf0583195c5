"""What the live view shows before a visitor starts anything: the recorded run of the chosen model."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
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
from demos.unlearn.form_settings import default_run
from sfr_core.errors import AssetError
from sfr_core.events import Finished
from sfr_core.plan import RunPlan

LOG = logging.getLogger(__name__)
OPENING = "emoji-dit"
"""Its flags become clocks, and everything else stays."""


@dataclass(frozen=True, slots=True)
class Played:
    """A recorded run that is shipped.

    Attributes:
        value: of the live component (live.of_record). offers: what to try after it.
    """

    run: RunPlan
    value: dict[str, Any]
    offers: tuple[Offer, ...] = ()

    @property
    def key(self) -> str:
        """By which the page names it."""
        return str(self.value["key"])

    @property
    def title(self) -> str:
        """Its model and what that forgets."""
        return f"{self.run.card.title}: {live.forget_words(self.run.forget.spec, self.run.forget.names)}"


@dataclass(frozen=True, slots=True)
class Recordings:
    """The recorded runs that are shipped.

    Attributes:
        first: model that the form opens on.
        every: all of them, those of a model beside each other, first what the page forgets where nobody chooses.
    """

    first: str
    every: tuple[Played, ...]

    @property
    def opening(self) -> str:
        """Model whose recording plays at first: the one that is nicest to watch, where it is there."""
        return OPENING if self.of(OPENING) else self.first

    @property
    def models(self) -> dict[str, RunPlan]:
        """The models that have one, with the plan of the first."""
        first: dict[str, RunPlan] = {}
        for one in self.every:
            first.setdefault(one.run.card.id, one.run)
        return first

    def of(self, model: str) -> Played | None:
        """What plays where a model is chosen; None where nothing was recorded."""
        return next((one for one in self.every if one.run.card.id == model), None)

    def named(self, key: Any) -> Played | None:
        """The one that a page names; None where there is none."""
        return next((one for one in self.every if one.key == key), None)

    def value(self, model: str) -> dict[str, Any]:
        """What the live view plays: where it can be fetched, or an empty view where nothing was recorded."""
        found = self.of(model)
        return nothing(model) if found is None else {"fetch": page_data.address(found.value)}

    def offered_run(self, told: Mapping[str, Any]) -> RunPlan:
        """The suggestion that a click on the end of a recorded run tells.

        Raises:
            InputError: there is no such suggestion.
        """
        found = self.named(told.get("key"))
        return chosen(() if found is None else found.offers, told.get("now"))

    def offered(self) -> list[dict[str, str]]:
        """Key, title and address of each, for the list of them in the live view."""
        return [{"key": one.key, "title": one.title, "fetch": page_data.address(one.value)} for one in self.every]


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
    found: list[Played] = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(_played(path, forms))
        except AssetError as error:
            LOG.warning("%s", error)
    return Recordings(first, tuple(sorted(found, key=_place)))


def _played(path: Path, forms: bool) -> Played:
    run, value = live.recorded(path)
    recording = live.read_recording(path)
    now = advice(record_of(recording)) if forms else ()
    ended = {"ending": ending(recording), "now": what_now_html(now)}
    return Played(run, {**value, **ended}, tuple(offer for one in now for offer in one.offers))


def _place(one: Played) -> tuple[str, bool]:
    model = one.run.card.id
    return model, one.run.config.forget != default_run(model).config.forget


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
