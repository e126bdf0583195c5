"""The folded part of the form that opens models of the Hub: look one up, read what it takes, download it, forget with it."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from demos.context import LAST, PRIVATE, QUEUED, QUICK, say
from demos.jobs import downloads as hub
from demos.jobs import hardware
from demos.panel import SideJobs, followed
from demos.render import form_note
from demos.text import hub as words
from demos.text import unlearn as copy
from demos.unlearn import own
from sfr_core.data.public import public_mode
from sfr_core.errors import InputError, PlaygroundError
from sfr_core.hub.offers import OFFERS, offer_of
from sfr_core.hub.open import open_classifier
from sfr_core.hub.resolve import HubModel
from sfr_core.kinds.registry import KINDS
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import ModelCard

Component = gr.components.Component
CLASSES = 1000
"""Of a classifier: those of ImageNet."""
PICTURE_BYTES = 512 * 1024**2
"""Of all pictures unpacked: three of each of ImageNet's classes at 224 x 224, where two are the least. More than of a visitor's own
classifier, and no danger to the machine: zoo.VISITORS_BYTES puts older sets out."""


@dataclass(frozen=True, slots=True)
class HubPart:
    """Components of the part, and the download that each page has under way."""

    name: gr.Dropdown
    look: gr.Button
    asked: gr.State
    found: gr.State
    facts: gr.HTML
    pictures: gr.File
    architecture: gr.Dropdown
    open: gr.Button
    stop: gr.Button
    status: gr.HTML
    opened: gr.State
    downloads: SideJobs[ModelCard]

    def wire(self, inputs: list[Component], chosen: Callable[..., dict[Any, Any]], outputs: list[Any]) -> Any:
        """Connects the buttons. Returns the listener that fills in the form.

        Args:
            inputs: of the form as it is when the model is open, given to `chosen` after its identifier.
            chosen: updates of the form for a model that was opened. outputs: everything that it may update.
        """
        shown = [
            self.asked,
            self.found,
            self.facts,
            self.pictures,
            self.architecture,
            self.open,
            self.stop,
            self.status,
        ]

        def look(name: Any) -> dict[Any, Any]:
            try:
                found = look_up(name)
            except PlaygroundError as error:
                raise say(error) from None
            classifier = not KINDS[found.model.kind].draws and found.openable
            return {
                self.asked: name,
                self.found: found.model.id,
                self.facts: hub.found_html(found),
                self.pictures: gr.update(visible=classifier),
                self.architecture: gr.update(visible=classifier),
                self.open: gr.update(visible=found.openable),
                self.stop: gr.update(visible=found.openable),
                self.status: "",
            }

        def another(asked: Any, name: Any, request: gr.Request) -> dict[Any, Any]:
            """What was said of the model before is not true of this one; its download is called off."""
            if name == asked:  # the field was only passed: a drop-down says "input" then too
                return {self.found: gr.skip()}
            self.downloads.call_off(str(request.session_hash))
            hidden = {
                part: gr.update(visible=False) for part in (self.pictures, self.architecture, self.open, self.stop)
            }
            return {self.asked: "", self.found: "", self.facts: "", **hidden, self.status: ""}

        self.name.input(another, [self.asked, self.name], shown, **LAST)
        asking = {**PRIVATE, "show_progress": "minimal", "show_progress_on": self.look, "concurrency_limit": 2}
        self.look.click(look, self.name, shown, trigger_mode="always_last", **asking)

        def fetch(request: gr.Request, found: Any, pictures: Any, architecture: Any) -> Iterator[Any]:
            try:
                job = self.start(str(request.session_hash), found, pictures, architecture)
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

        def choose(opened: Any, *values: Any) -> dict[Any, Any]:
            """Asked once the download has ended, with the form as it is then."""
            if not isinstance(opened, str) or not opened:
                return {self.opened: ""}
            try:
                return {self.opened: "", **chosen(opened, *values)}
            except PlaygroundError as error:
                raise say(error) from None

        filled = self.open.click(
            fetch,
            [self.found, self.pictures, self.architecture],
            [self.open, self.stop, self.status, self.opened],
            **QUEUED,
        ).then(choose, [self.opened, *inputs], [self.opened, *outputs], **QUEUED)

        def stop(request: gr.Request) -> Any:
            self.downloads.call_off(str(request.session_hash))
            return gr.Button(interactive=False)

        self.stop.click(stop, None, self.stop, **QUICK)
        return filled

    def start(self, visitor: str, found: Any, pictures: Any, architecture: Any) -> Any:
        """Begins the download of what was looked up; an earlier one of the same page is stopped.

        Raises:
            InputError: nothing was looked up, or a classifier without pictures; HubError: as `hub.look`.
        """
        if not isinstance(found, str) or not found:
            raise InputError(words.NOT_LOOKED_UP)
        model = hub.look(found)
        opener = None
        if not KINDS[model.model.kind].draws:
            opener = _with_pictures(model.model, pictures, architecture)
        return self.downloads.put(visitor, lambda: hub.download(model, opener))


def build() -> HubPart | None:
    """Draws the part; None where downloads do not stay."""
    with gr.Accordion(words.TITLE, open=False, elem_id="hub"):
        if hardware.on_zerogpu():
            gr.HTML(form_note(words.ZERO), elem_id="hub-note")
            return None
        public = public_mode()
        gr.HTML(form_note(words.ABOUT + (words.ABOUT_PUBLIC if public else "")))
        with gr.Row():
            name = gr.Dropdown(
                [(f"{offer.title} ({KINDS[offer.kind].noun})", offer.id) for offer in OFFERS],
                value=OFFERS[0].id,
                label=words.NAME,
                info=words.NAME_INFO_PUBLIC if public else words.NAME_INFO,
                allow_custom_value=not public,
                min_width=240,
                scale=4,
                elem_id="hub-name",
            )
            look = gr.Button(words.LOOK, min_width=110, scale=1, elem_id="hub-look")
        facts = gr.HTML("", elem_id="hub-facts")
        with gr.Row():
            pictures = gr.File(
                label=words.PICTURES.format(size=copy.size(own.FILE_BYTES)),
                file_types=[".zip"],
                height=120,
                min_width=150,
                visible=False,
                elem_id="hub-pictures",
                elem_classes="pg-file",
            )
            architecture = gr.Dropdown(
                ["", *own.NAMES],
                value="",
                label=words.ARCHITECTURE,
                info=words.ARCHITECTURE_INFO,
                allow_custom_value=True,
                min_width=200,
                visible=False,
                elem_id="hub-architecture",
            )
        with gr.Row():
            button = gr.Button(words.OPEN, visible=False, elem_id="hub-open")
            stop = gr.Button(words.STOP, interactive=False, visible=False, elem_id="hub-stop")
        status = gr.HTML("", elem_id="hub-status")
    asked, state, opened = gr.State(""), gr.State(""), gr.State("")
    return HubPart(name, look, asked, state, facts, pictures, architecture, button, stop, status, opened, SideJobs())


def look_up(name: Any) -> hub.Found:
    """As `hub.look`, for what the field holds.

    Raises:
        InputError: nothing is named. HubError: as `hub.look`.
    """
    text = name.strip() if isinstance(name, str) else ""
    if not text:
        raise InputError(words.NO_NAME)
    return hub.look(text)


def _with_pictures(model: HubModel, pictures: Any, architecture: Any) -> hub.Opener:
    """How a classifier is opened with uploaded pictures, under an identifier that nobody can guess: whoever knows it sees them.

    Raises:
        InputError: no zip, or a name of an architecture that is none.
    """
    if not isinstance(pictures, str) or Path(pictures).suffix.lower() != ".zip":
        raise InputError(words.NO_PICTURES)
    shape = own.read_name(architecture, None) if isinstance(architecture, str) and architecture.strip() else None
    offer = offer_of(model.name)
    if shape is None and "architecture" not in model.config and not (offer and offer.architecture):
        raise InputError(words.NO_ARCHITECTURE)
    # Gradio clears its uploads away after an hour, and a download may take longer.
    folder = Path(tempfile.mkdtemp(prefix="playground-hub-"))
    data = folder / "pictures.zip"
    shutil.copyfile(pictures, data)
    name = own.plain(Path(pictures).stem)

    def opener(watch: Callable[[int], None]) -> ModelCard:
        try:
            secret = f"{zoo.OWN}{secrets.token_hex(16)}"
            opened = open_classifier(model, data, shape, watch, model_id=secret, most_bytes=PICTURE_BYTES)
            own.check_classes(opened, CLASSES)
            opened = replace(opened, card=replace(opened.card, dataset=name))
            zoo.take_in(opened)
            return opened.card
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return opener
