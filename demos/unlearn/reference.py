"""What is known before a run starts: its expected time, and whether there is a retrained model to compare with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from demos.jobs import estimate, openings
from demos.links.address import query_of
from demos.render import form_note, render
from demos.text import unlearn as copy
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


Described = tuple[str, str, dict[str, Any], dict[str, Any], dict[str, str]]


def describe(read: Callable[[], RunPlan]) -> Described:
    """The expected time, the note on the retrained model, the button that retrains here, the confirmation that `check_known` asks for,
    and the link, for the run that `read` finds in the form.
    """
    try:
        run = read()
        card = run.card
        expected = estimate.expect(run)
        reference = zoo.retrained_model(card, run.config.forget)
        # Training a generator takes hours: what its card ships is all there is.
        offered = RETRAIN in catalog.able(card.kind) and reference is None and run.config.method != RETRAIN
        again = estimate.expect(retraining(run)) if offered else None
        unknown = strange(run)
    except PlaygroundError:
        # Half-filled: the sentence comes when somebody presses Unlearn.
        return "", "", gr.update(visible=False), gr.update(visible=False, value=False), {"query": ""}
    missing = generator_note(card) if KINDS[card.kind].draws else copy.REFERENCE_MISSING
    return (
        expected_html(None if expected is None else expected.seconds),
        form_note(missing if reference is None else there_note(card, reference)),
        gr.update(
            value=copy.RETRAIN_OFFER.format(time=copy.about(again.seconds)) if again else copy.RETRAIN_OFFER_UNKNOWN,
            visible=offered,
        ),
        gr.update(visible=True) if unknown else gr.update(visible=False, value=False),
        {"query": query_of(run)},
    )
