"""What is known before a run starts: its expected time, and whether there is a retrained model to compare with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from demos.jobs.estimate import Pace
from demos.jobs.hardware import Hardware
from demos.render import form_note
from demos.text import unlearn as copy
from demos.unlearn import header
from sfr_core import catalog, presets
from sfr_core.catalog.retrain import RETRAIN
from sfr_core.configs import RunConfig
from sfr_core.errors import PlaygroundError
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
    # What it takes to draw as well as the original; the retrained one that is shipped may have been stopped sooner.
    # Of one that a GPU trained: on a CPU.
    on_cpu = (card.cpu_pace or 0.0) * card.training.get("images_seen", 0)
    seconds = max(card.retrain_seconds or 0.0, card.wall_seconds or 0.0, card.cpu_seconds, on_cpu)
    if not names or not seconds:
        return copy.REFERENCE_GENERATOR_NONE
    return copy.REFERENCE_GENERATOR.format(names=", ".join(names), time=copy.about(seconds))


def there_note(card: zoo.ModelCard, reference: zoo.RetrainedModel) -> str:
    """That there is something to compare with, and how much it saw where that is less than the original did."""
    saw, original = reference.training.get("images_seen"), card.training.get("images_seen")
    what = copy.REFERENCE_WITHOUT.get(reference.spec.partition(":")[0], copy.REFERENCE_WITHOUT_PICTURES)
    if saw and original and saw < LESS * original:
        return copy.REFERENCE_FEWER.format(what=what, reference=saw, original=original)
    return copy.REFERENCE_THERE.format(what=what)


def describe(read: Callable[[], RunPlan], machine: Hardware, pace: Pace) -> tuple[str, str, dict[str, Any]]:
    """The badges, the note on the retrained model, and the button that retrains here, for the run that `read` finds in the form."""
    try:
        run = read()
        card = run.card
        expected = pace.expect(run)
        reference = zoo.retrained_model(card, run.config.forget)
        # Training a generator takes hours: what its card ships is all there is.
        offered = RETRAIN in catalog.able(card.kind) and reference is None and run.config.method != RETRAIN
        again = pace.expect(retraining(run)) if offered else None
    except PlaygroundError:
        # Half-filled: the sentence comes when somebody presses Unlearn.
        return header.badges_html(machine, None), "", gr.update(visible=False)
    missing = generator_note(card) if KINDS[card.kind].draws else copy.REFERENCE_MISSING
    return (
        header.badges_html(machine, expected, card.machine),
        form_note(missing if reference is None else there_note(card, reference)),
        gr.update(
            value=copy.RETRAIN_OFFER.format(time=copy.about(again.seconds)) if again else copy.RETRAIN_OFFER_UNKNOWN,
            visible=offered,
        ),
    )
