"""What is known before a run starts: its expected time, and whether there is a retrained model to compare with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from demos.context import LAST, QUEUED, drawn_once, say
from demos.jobs import estimate, openings, references
from demos.links.address import query_of
from demos.panel import SideJobs, followed
from demos.render import form_note, render
from demos.text import unlearn as copy
from demos.unlearn import uploaded
from demos.unlearn.form import Form
from sfr_core import catalog, presets
from sfr_core.catalog.retrain import RETRAIN
from sfr_core.configs import RunConfig
from sfr_core.errors import InputError, PlaygroundError
from sfr_core.kinds import KINDS
from sfr_core.plan import RunPlan, plan
from sfr_core.zoo import shipped as zoo

LESS = 0.9
"""Share of the original's training pictures below which a retrained model is said to draw less well."""
PROXY = "random-embedding"
"""The method that the paper takes for a retrained diffusion transformer."""


def retraining(run: RunPlan) -> RunPlan:
    """The recipe of the shipped classifier on the same remain set."""
    config = run.config
    recipe = RunConfig(
        model=config.model,
        forget=config.forget,
        method=RETRAIN,
        settings=presets.resolve(config.model, RETRAIN),
        seed=config.seed,
        device=config.device,
        precision=config.precision,
    )
    return plan(recipe, card=run.card, forget=run.forget)


def generator_note(card: zoo.ModelCard) -> str:
    """Why a generator's run has nothing to compare with, why that is not made here, and what the paper takes instead."""
    proxy = PROXY in catalog.of_kind(card.kind)
    return _missing(card) + (f" {copy.REFERENCE_PROXY.format(method=catalog.title_of(PROXY))}" if proxy else "")


def _missing(card: zoo.ModelCard) -> str:
    names = [reference.spec.partition(":")[2] for reference in card.retrained if not reference.second]
    return copy.REFERENCE_GENERATOR.format(names=", ".join(names)) if names else copy.REFERENCE_GENERATOR_NONE


def there_note(card: zoo.ModelCard, reference: zoo.RetrainedModel) -> str:
    """That there is something to compare with, and how much it saw where that is less than the original did."""
    saw, original = reference.training.get("images_seen"), card.training.get("images_seen")
    what = copy.REFERENCE_WITHOUT.get(reference.spec.partition(":")[0], copy.REFERENCE_WITHOUT_PICTURES)
    if saw and original and saw < LESS * original:
        return copy.REFERENCE_FEWER.format(what=what, reference=saw, original=original)
    return copy.REFERENCE_THERE.format(what=what)


def expected_html(seconds: float | None) -> str:
    """The expected time beside Unlearn, or that it is not known yet."""
    if seconds is None:
        return render("expected.html", T=copy, time=copy.EXPECT_UNKNOWN, why=copy.EXPECT_UNKNOWN_WHY, long="")
    time = copy.EXPECT.format(time=copy.about(seconds))
    return render("expected.html", T=copy, time=time, why=copy.EXPECT_WHY, long=copy.EXPECT_WHY_LONG)


def strange(run: RunPlan) -> bool:
    """Whether a run is of a visitor's classifier that hardly recognises its own pictures; retraining needs none that knows anything."""
    return run.config.method != RETRAIN and openings.strange(run.card)


def check_known(run: RunPlan, *, anyway: bool) -> None:
    """Asks for a confirmation of a run on such a classifier.

    Raises:
        InputError: it was not given.
    """
    if strange(run) and not anyway:
        raise InputError(copy.ANYWAY_FIRST, hint=copy.ANYWAY_FIRST_HINT)


Described = tuple[str, str, dict[str, Any], dict[str, Any], dict[str, str], dict[str, Any]]


def describe(read: Callable[[], RunPlan]) -> Described:
    """The expected time, the note on the retrained model, the button that retrains here, the confirmation that `check_known` asks for,
    the link, and the part that takes a retrained model, for the run that `read` finds in the form.
    """
    try:
        run = read()
        card = run.card
        expected = estimate.expect(run)
        reference = zoo.retrained_model(card, run.config.forget)
        # Training a generator takes hours: what its card ships is all there is.
        retrains = run.config.method == RETRAIN
        mine = None if retrains else references.of(run)
        offered = RETRAIN in catalog.able(card.kind) and reference is None and mine is None and not retrains
        again = estimate.expect(retraining(run)) if offered else None
        unknown = strange(run)
    except PlaygroundError:
        # Half-filled: the sentence comes when somebody presses Unlearn.
        return (
            "",
            "",
            gr.update(visible=False),
            gr.update(visible=False, value=False),
            {"query": ""},
            gr.update(visible=False),
        )
    missing = generator_note(card) if KINDS[card.kind].draws else copy.REFERENCE_MISSING
    if mine is not None:
        missing = uploaded_note(mine, run)
    return (
        expected_html(None if expected is None else expected.seconds),
        form_note(missing if reference is None else there_note(card, reference)),
        gr.update(
            value=copy.RETRAIN_OFFER.format(time=copy.about(again.seconds)) if again else copy.RETRAIN_OFFER_UNKNOWN,
            visible=offered,
        ),
        gr.update(visible=True) if unknown else gr.update(visible=False, value=False),
        {"query": query_of(run)},
        gr.update(visible=card.id.startswith(zoo.OWN) and not retrains),
    )


def uploaded_note(mine: references.Uploaded, run: RunPlan) -> str:
    """That the run is compared with an upload of the visitor's, and what that network recognises."""
    what = copy.REFERENCE_WITHOUT.get(run.config.forget.partition(":")[0], copy.REFERENCE_WITHOUT_PICTURES)
    return copy.REFERENCE_UPLOADED.format(name=uploaded.plain(mine.name), what=what, known=mine.known.of_retrained())


About = Callable[[], tuple[Sequence[Any], Callable[[Mapping[Any, Any]], dict[Any, Any]]]]


def upload_part(form: Form, about: About) -> gr.Accordion:
    """The folded part that takes a network that the visitor retrained, for a classifier of their own; drawn when it is opened.

    Args:
        about: gives what is said of the run in the form, and what updates it.
    """
    under_way: SideJobs[references.Uploaded] = SideJobs()
    part = gr.Accordion(copy.REFERENCE_UPLOAD, open=False, visible=False, elem_id="reference-upload")
    with part:
        drawn_once(part.expand, lambda: ReferencePanel(form, about, under_way))
    return part


class ReferencePanel:
    """The field of that part. What goes up is kept for the forget set that is chosen then.

    Args:
        form, about: see `upload_part`. under_way: the reading that each page has under way.
    """

    def __init__(self, form: Form, about: About, under_way: SideJobs[references.Uploaded]) -> None:
        self.form, self.under_way = form, under_way
        self.file = uploaded.file_field(copy.REFERENCE_FILE, ".safetensors", elem_id="reference-file")
        self.note = gr.HTML("", elem_id="reference-file-note")
        remove = gr.Button(copy.REFERENCE_REMOVE, size="sm", elem_id="reference-remove")
        outputs, describing = about()
        asked: set[Any] = {self.file, *form.inputs}
        read = self.file.upload(self._read, asked, [self.file, self.note], **QUEUED)
        read.then(describing, form.inputs, [*outputs], **LAST)
        gone = remove.click(self._remove, set(form.inputs), self.note, **QUEUED)
        gone.then(describing, form.inputs, [*outputs], **LAST)

    def _remove(self, values: Mapping[Any, Any]) -> str:
        try:
            there = references.take_away(self.form.read(values))
        except PlaygroundError as error:
            raise say(error) from None
        return form_note(copy.REFERENCE_REMOVED if there else copy.REFERENCE_NOTHING_TO_REMOVE)

    def _read(self, values: Mapping[Any, Any], request: gr.Request) -> Iterator[dict[Any, Any]]:
        try:
            path = uploaded.checked_file(values[self.file], copy.UPLOAD_NO_WEIGHTS, ".safetensors")
            run = self.form.read(values)
        except PlaygroundError as error:
            raise say(error) from None
        job = self.under_way.put(
            str(request.session_hash),
            lambda: openings.opening(lambda cancel, progress: references.take_in(path, run, cancel)),
        )
        for _, _, status in followed(job, lambda job: form_note(copy.REFERENCE_CHECKING, status=True), lambda: None):
            yield {self.note: status}
        found = next(iter(job.outcomes.values()), None)
        # Empty again: the note says what there is for the choice at hand.
        yield {self.file: None, self.note: openings.failed_html(job) if found is None else ""}
