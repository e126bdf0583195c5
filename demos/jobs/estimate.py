"""About how long a run will take: from what training the model took, or better, from the last run on this machine."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from demos.jobs.book import Job
from sfr_core import presets
from sfr_core.catalog import BY_KIND
from sfr_core.catalog.base import FORWARD, Sizes
from sfr_core.catalog.retrain import RETRAIN
from sfr_core.configs.recovery import Attack
from sfr_core.data.class_sets import PreviewSettings, SelfGenerated
from sfr_core.data.samples import RECORD_SAMPLES, sample_plan, sample_prompts, shown_rows
from sfr_core.kinds import KINDS
from sfr_core.passes import planned, sizes
from sfr_core.plan import ForgetPlan, RunPlan
from sfr_core.zoo.cards import ModelCard, retrained_model

MODELS_EVALUATED = 4
"""Before, after, retrained and the second retrained are each asked about every picture at the end."""

Source = Literal["measured", "recorded", "card"]


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole run that was recorded: from the opening of the model to the finished comparison it took `seconds` on `machine`."""

    plan: RunPlan
    seconds: float
    machine: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds and where they come from."""

    seconds: float
    source: Source


def _others(forget: ForgetPlan) -> NDArray[np.int64]:
    return np.setdiff1d(np.arange(len(forget.names)), forget.spec.classes)


class Pace:
    """Seconds per picture, learnt from ended runs of this process.

    Args:
        recordings: a recorded run by model; where it was made on a machine like this one it says more than the card, whose time is that of
            one thread.
        machine: this one's name, as recordings have it.
    """

    def __init__(self, recordings: Mapping[str, Recording] | None = None, machine: str = "") -> None:
        self._recordings, self._machine = recordings or {}, machine
        self._lock = threading.Lock()
        self._rates: dict[tuple[str, str, str], float] = {}

    def learn(self, job: Job) -> None:
        """Takes the speed of a finished run."""
        result, n = job.result, planned(job.plan)
        if result is not None and result.seconds > 0 and n > 0:
            with self._lock:
                self._rates[job.config.model, job.config.method, job.config.device] = result.seconds / n

    def expect(self, run: RunPlan) -> Estimate | None:
        """The expected time of a run with its evaluation, seconds; None where nothing was measured yet."""
        config = run.config
        with self._lock:
            rate = self._rates.get((config.model, config.method, config.device))
        found = expected(run, rate)
        recording = self._recordings.get(config.model)
        if found is None or rate is not None or recording is None or recording.machine != self._machine:
            return found
        theirs = expected(recording.plan, None)
        # A classifier's card has the time of all threads already.
        if theirs is None or config.device == "cuda" or not KINDS[run.card.kind].draws:
            return found
        return Estimate(found.seconds * recording.seconds / theirs.seconds, "recorded")


def expected(run: RunPlan, rate: float | None) -> Estimate | None:
    """The time of a run with its evaluation by the seconds per picture `rate`, by those of the card where it is None."""
    n_forget, n_remain, n_test = sizes(run)
    known = card_rate(run.card, n_forget + n_remain)
    source: Source = "card" if rate is None else "measured"
    rate = known if rate is None else rate
    if rate is None:
        return None
    if run.card.sampling is not None:
        evaluation = drawings(run)
    else:
        evaluation = MODELS_EVALUATED * (n_forget + n_remain + n_test) * FORWARD
    return Estimate(planned(run) * rate + evaluation * (rate if known is None else known), source)


def card_rate(card: ModelCard, n_train: int) -> float | None:
    """Seconds per picture when this model was trained, on the machine that the card names.

    Wall time of a classifier; CPU time on one thread of a generator, over the pictures that this very training saw: the
    retrained model of its card may have seen fewer. None for a visitor's own model, whose training nobody measured.
    """
    if KINDS[card.kind].draws:
        return card.cpu_pace
    seconds, retrain = card.retrain_seconds or card.wall_seconds, BY_KIND[card.kind].get(RETRAIN)
    if not seconds or retrain is None:
        return None
    recipe = retrain.config_cls.from_dict(presets.resolve(card.id, RETRAIN, kind=card.kind))
    return float(seconds / retrain.cost(recipe, Sizes(forget=0, remain=n_train, classes=1)).passes)


def drawings(run: RunPlan) -> float:
    """What a generator's run draws beside its steps, in forward-backward passes over single pictures.

    The previews, the samples of all models at the end, and without data the pictures of the run itself. Guidance asks
    the network twice a step; of the run's own pictures those to keep are drawn without it. What a latent model's autoencoder
    takes (about a tenth of that) is left out.
    """
    kind = KINDS[run.card.kind]
    previews, own = kind.previews or PreviewSettings(), kind.own or SelfGenerated()
    in_previews = (previews.times + 1) * previewed(previews, run.forget) * previews.steps
    forward = 2.0 * (in_previews + evaluated(run) * _sampler_steps(run))
    if run.config.data == "data-free" or not run.forget.n_train:
        n_forget, n_remain, _ = sizes(run)
        forward += (2 * n_forget + n_remain) * own.steps
    return FORWARD * forward


def _sampler_steps(run: RunPlan) -> int:
    return 1 if run.card.sampling is None else run.card.sampling.steps


def attack(run: RunPlan, seconds: float | None) -> Estimate | None:
    """The expected time of a recovery attack on one model; None where nothing was measured.

    Args:
        run: whose model is attacked.
        seconds: what that run took, None where it is not known.
    """
    how = Attack()
    drawing = drawn(run, seconds, how.samples)
    if drawing is None:
        return None
    # No weight has a gradient there: backward is one forward more, as much as a sampler step with guidance.
    more = how.steps * how.batch_size / (how.samples * _sampler_steps(run))
    return Estimate(drawing.seconds * (1 + more), drawing.source)


def drawn(run: RunPlan, seconds: float | None, n: int) -> Estimate | None:
    """The expected time of drawing n pictures with one model, as its card says; arguments as for `attack`."""
    n_forget, n_remain, _ = sizes(run)
    work = planned(run)
    rate = seconds / work if seconds and work else None
    source: Source = "card" if rate is None else "measured"
    rate = card_rate(run.card, n_forget + n_remain) if rate is None else rate
    if rate is None:
        return None
    return Estimate(2 * FORWARD * n * _sampler_steps(run) * rate, source)  # guidance asks the network twice a step


def previewed(previews: PreviewSettings, forget: ForgetPlan) -> int:
    """Samples of one preview."""
    if forget.prompts is not None:
        return previews.columns * len(forget.prompts.previewed(previews.classes))
    return len(previews.labels(forget.spec.classes, _others(forget)))


def evaluated(run: RunPlan) -> int:
    """Samples of all models at the end: whole records, or the few that are shown of a model whose record the card has."""
    forget, card = run.forget, run.card
    if forget.prompts is not None:
        return 2 * len(sample_prompts(forget.prompts, RECORD_SAMPLES))
    labels = sample_plan(forget.spec.classes, len(forget.names), RECORD_SAMPLES)
    whole, shown = len(labels), len(shown_rows(labels, forget.spec.classes))
    reference = retrained_model(card, forget.spec.text)
    passes = whole + (shown if card.records.get(forget.spec.text) else whole)
    return passes if reference is None else passes + (shown if reference.records else whole)
