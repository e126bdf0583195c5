"""The folded part of the form that opens models of the Hub: look one up, read what it takes, download it, forget with it."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from demos.context import LAST, PRIVATE, QUEUED, QUICK, drawn_once, say
from demos.jobs import downloads as hub
from demos.jobs import hardware
from demos.jobs.side_jobs import SideJob
from demos.panel import SideJobs, followed
from demos.render import form_note
from demos.text import hub as words
from demos.unlearn import uploaded
from demos.unlearn.form import Form
from demos.unlearn.reading import Reading, fields
from sfr_core.data.public import public_mode
from sfr_core.errors import InputError, PlaygroundError
from sfr_core.hub.offers import OFFERS, offer_of
from sfr_core.hub.open import open_classifier
from sfr_core.hub.resolve import HubModel
from sfr_core.kinds import KINDS
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import ModelCard

CLASSES = 1000
"""Of a classifier: those of ImageNet."""
PICTURE_BYTES = 512 * 1024**2
"""Of all pictures unpacked: three of each of ImageNet's classes at 224 x 224, where two are the least. More than of an uploaded
classifier, and no danger to the machine: zoo.VISITORS_BYTES puts older sets out."""


def build(form: Callable[[], Form]) -> None:
    """The folded part, drawn when it is opened; where downloads do not stay it only says so. `form`: what an opened model is chosen in."""
    downloads: SideJobs[ModelCard] = SideJobs()
    with gr.Accordion(words.TITLE, open=False, elem_id="hub") as part:
        if hardware.on_zerogpu():
            gr.HTML(form_note(words.ZERO), elem_id="hub-note")
        else:
            drawn_once(part.expand, lambda: HubPanel(form(), downloads))


class HubPanel:
    """The fields and buttons of the part.

    Args:
        form: what an opened model is chosen in.
        downloads: the one that each page has under way.
    """

    def __init__(self, form: Form, downloads: SideJobs[ModelCard]) -> None:
        self.form, self.downloads = form, downloads
        self.looked_up, self.found, self.opened = gr.State(""), gr.State(""), gr.State("")
        public = public_mode()
        gr.HTML(form_note(words.ABOUT + (words.ABOUT_PUBLIC if public else "")))
        with gr.Row():
            self.name = gr.Dropdown(
                [(f"{offer.title} ({KINDS[offer.kind].noun})", offer.id) for offer in OFFERS],
                value=OFFERS[0].id,
                label=words.NAME,
                info=words.NAME_INFO_PUBLIC if public else words.NAME_INFO,
                allow_custom_value=not public,
                interactive=True,
                min_width=240,
                scale=4,
                elem_id="hub-name",
            )
            self.look_up = gr.Button(words.LOOK, min_width=110, scale=1, elem_id="hub-look")
        self.facts = gr.HTML("", elem_id="hub-facts")
        with gr.Row():
            self.pictures = uploaded.file_field(words.PICTURES, ".zip", visible=False, elem_id="hub-pictures")
            self.architecture = gr.Dropdown(
                ["", *uploaded.NAMES],
                value="",
                label=words.ARCHITECTURE,
                info=words.ARCHITECTURE_INFO,
                allow_custom_value=True,
                interactive=True,
                min_width=200,
                visible=False,
                elem_id="hub-architecture",
            )
        self.how, self.reading = fields("hub", visible=False)
        with gr.Row():
            self.open = gr.Button(words.OPEN, visible=False, elem_id="hub-open")
            self.stop = gr.Button(words.STOP, interactive=False, visible=False, elem_id="hub-stop")
        self.status = gr.HTML("", elem_id="hub-status")
        self._wire()

    def _wire(self) -> None:
        classifiers = [self.pictures, self.architecture, self.how]
        found = [self.looked_up, self.found, self.facts, *classifiers, self.open, self.stop, self.status]
        self.name.input(self._another, [self.looked_up, self.name], found, **LAST)
        shown = {"show_progress": "minimal", "show_progress_on": self.look_up, "concurrency_limit": 2}
        self.look_up.click(self._look, self.name, found, trigger_mode="always_last", **{**PRIVATE, **shown})
        under_way = [self.open, self.stop, self.status, self.opened]
        fetched = self.open.click(
            self._fetch, [self.found, self.pictures, self.architecture, *self.reading], under_way, **QUEUED
        )
        chosen = [self.opened, *self.form.choices], [self.opened, *self.form.of_model]
        fetched.then(self._choose, *chosen, **QUEUED)
        self.stop.click(self._stop, None, self.stop, **QUICK)

    def _look(self, name: Any) -> dict[Any, Any]:
        try:
            found = look_up(name)
        except PlaygroundError as error:
            raise say(error) from None
        classifier = not KINDS[found.model.kind].draws and found.openable
        return {
            self.looked_up: name,
            self.found: found.model.id,
            self.facts: hub.found_html(found),
            self.pictures: gr.update(visible=classifier),
            self.architecture: gr.update(visible=classifier),
            self.how: gr.update(visible=classifier),
            self.open: gr.update(visible=found.openable),
            self.stop: gr.update(visible=found.openable),
            self.status: "",
        }

    def _another(self, looked_up: Any, name: Any, request: gr.Request) -> dict[Any, Any]:
        """What was said of the model before is not true of this one; its download is called off."""
        if name == looked_up:  # the field was only passed: a drop-down says "input" then too
            return {self.found: gr.skip()}
        self._stop(request)
        parts = (self.pictures, self.architecture, self.how, self.open, self.stop)
        hidden = dict.fromkeys(parts, gr.update(visible=False))
        return {**dict.fromkeys((self.looked_up, self.found, self.facts, self.status), ""), **hidden}

    def _fetch(self, request: gr.Request, found: Any, pictures: Any, architecture: Any, *reading: Any) -> Iterator[Any]:
        try:
            job = self._start(str(request.session_hash), found, pictures, architecture, Reading(*reading))
        except PlaygroundError as error:
            raise say(error) from None
        for start, stop, status in followed(job, hub.progress_html, lambda: None):
            yield {self.open: start, self.stop: stop, self.status: status}
        ended = {
            self.open: gr.Button(interactive=True),
            self.stop: gr.Button(interactive=False),
            self.status: hub.ended_html(job),
        }
        card = next(iter(job.outcomes.values()), None)
        yield {**ended, **({} if card is None else {self.opened: card.id})}

    def _choose(self, opened: Any, *choices: Any) -> dict[Any, Any]:
        """Asked once the download has ended, with the form as it is then."""
        if not isinstance(opened, str) or not opened:
            return {self.opened: ""}
        try:
            return {self.opened: "", **self.form.with_model(opened, *choices)}
        except PlaygroundError as error:
            raise say(error) from None

    def _stop(self, request: gr.Request) -> Any:
        self.downloads.call_off(str(request.session_hash))
        return gr.Button(interactive=False)

    def _start(
        self, visitor: str, found: Any, pictures: Any, architecture: Any, reading: Reading
    ) -> SideJob[ModelCard]:
        """Begins the download of what was looked up; an earlier one of the same page is stopped.

        Raises:
            InputError: nothing was looked up, or a classifier without pictures; HubError: as `hub.look`.
        """
        if not isinstance(found, str) or not found:
            raise InputError(words.NOT_LOOKED_UP)
        model = hub.look(found)
        opener = None
        if not KINDS[model.model.kind].draws:
            opener = _with_pictures(model.model, pictures, architecture, reading)
        return self.downloads.put(visitor, lambda: hub.download(model, opener))


def look_up(name: Any) -> hub.Found:
    """As `hub.look`, for what the field holds.

    Raises:
        InputError: nothing is named. HubError: as `hub.look`.
    """
    text = name.strip() if isinstance(name, str) else ""
    if not text:
        raise InputError(words.NO_NAME)
    return hub.look(text)


def _with_pictures(
    model: HubModel, pictures: Any, architecture: Any, reading: Reading = uploaded.AS_USUAL
) -> hub.Opener:
    """How a classifier is opened with uploaded pictures, under an identifier that nobody can guess: whoever knows it sees them.

    Raises:
        InputError: no zip, a name of an architecture that is none, or a way to read that cannot be.
    """
    if not isinstance(pictures, str) or Path(pictures).suffix.lower() != ".zip":
        raise InputError(words.NO_PICTURES)
    shape = uploaded.read_name(architecture, None) if isinstance(architecture, str) and architecture.strip() else None
    offer, how = offer_of(model.name), reading.arguments()
    if shape is None and "architecture" not in model.config and not (offer and offer.architecture):
        raise InputError(words.NO_ARCHITECTURE)
    # Gradio clears its uploads away after an hour, and a download may take longer.
    folder = Path(tempfile.mkdtemp(prefix="playground-hub-"))
    data = folder / Path(pictures).name  # which errors repeat
    shutil.copyfile(pictures, data)
    name = uploaded.plain(Path(pictures).stem)

    def opener(watch: Callable[[int], None]) -> ModelCard:
        try:
            secret = f"{zoo.OWN}{secrets.token_hex(16)}"
            opened = open_classifier(
                model, data, shape, watch, reading=how, model_id=secret, most_bytes=PICTURE_BYTES,
                progress=lambda done, total: watch(0),
            )  # fmt: skip
            uploaded.check_classes(opened, CLASSES)
            opened = replace(opened, card=replace(opened.card, dataset=name))
            zoo.take_in(opened)
            return opened.card
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return opener
