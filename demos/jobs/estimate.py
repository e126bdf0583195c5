"""About how long a run will take: from what training the model took, or better, from the last run on this machine."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from demos.jobs.book import Job
from sfr_core import presets
from sfr_core.catalog import BY_KIND, spec_of
from sfr_core.catalog.base import FORWARD, Sizes
from sfr_core.catalog.retrain import RETRAIN
from sfr_core.configs import RunConfig
from sfr_core.configs.recovery import Attack
from sfr_core.data.class_sets import PreviewSettings, SelfGenerated
from sfr_core.data.concepts import Role
from sfr_core.errors import PlaygroundError
from sfr_core.kinds.base import RECORD_SAMPLES, SHOWN_FORGET, SHOWN_REMAIN
from sfr_core.kinds.registry import KINDS
from sfr_core.plan import ForgetPlan, plan
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import retrained_model
from sfr_core.zoo.shipped import ModelCard

MODELS_EVALUATED = 4
"""Before, after, retrained and its twin are each asked about every picture at the end."""

Source = Literal["measured", "recorded", "card"]


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole run that was recorded: from the opening of the model to the finished comparison it took `seconds` on `machine`."""

    config: RunConfig
    seconds: float
    machine: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds and where they come from."""

    seconds: float
    source: Source


def sizes(config: RunConfig, run: ForgetPlan) -> tuple[int, int, int]:
    """Pictures to forget, to keep and to test on; where the model draws its own, those that it draws.

    Raises:
        InputError: one of the sets would be empty.
    """
    if run.prompts is not None or (config.data != "data-free" and run.n_train):
        return len(run.rows), run.n_remain, 0 if run.prompts else run.n_test
    own = KINDS[zoo.card(config.model).kind].own or SelfGenerated()
    labels = own.labels(run.spec.classes, _others(run))
    mine = int(np.isin(labels, run.spec.classes).sum())
    return mine, len(labels) - mine, 0


def _others(run: ForgetPlan) -> NDArray[np.int64]:
    return np.setdiff1d(np.arange(len(run.names)), run.spec.classes)


def passes(config: RunConfig, kind: str, n_forget: int, n_remain: int, classes: int) -> float:
    """Forward-backward passes over single pictures that a run makes, its evaluation left out; `kind`: ModelCard.kind."""
    spec = spec_of(config.method, kind)
    sizes = Sizes(forget=n_forget, remain=n_remain, classes=classes)
    return spec.cost(spec.config_cls.from_dict(config.settings), sizes).passes


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
        result = job.result
        if result is None or result.seconds <= 0:
            return
        try:
            run = job.plan.forget
            n_forget, n_remain, _ = sizes(job.config, run)
        except PlaygroundError:  # a visitor's model that was put out meanwhile
            return
        n = passes(job.config, zoo.card(job.config.model).kind, n_forget, n_remain, len(run.names))
        if n > 0:
            with self._lock:
                self._rates[job.config.model, job.config.method, job.config.device] = result.seconds / n

    def expect(self, config: RunConfig, card: ModelCard) -> Estimate | None:
        """The expected time of a run with its evaluation, seconds; None where nothing was measured yet.

        Raises:
            InputError: the config does not suit the model.
        """
        with self._lock:
            rate = self._rates.get((config.model, config.method, config.device))
        found = expected(config, card, rate)
        recording = self._recordings.get(config.model)
        if found is None or rate is not None or recording is None or recording.machine != self._machine:
            return found
        theirs = expected(recording.config, card, None)
        # A classifier's card has the time of all threads already.
        if theirs is None or config.device == "cuda" or not KINDS[card.kind].draws:
            return found
        return Estimate(found.seconds * recording.seconds / theirs.seconds, "recorded")


def expected(config: RunConfig, card: ModelCard, rate: float | None) -> Estimate | None:
    """The time of a run with its evaluation by the seconds per picture `rate`, by those of the card where it is None.

    Raises:
        InputError: the config does not suit the model.
    """
    run = plan(config).forget
    n_forget, n_remain, n_test = sizes(config, run)
    source: Source = "measured"
    known = card_rate(card, n_forget + n_remain)
    if rate is None:
        source, rate = "card", known
    if rate is None:
        return None
    n = passes(config, card.kind, n_forget, n_remain, len(run.names))
    if card.sampling is not None:
        evaluation = drawings(config, card, run)
    else:
        evaluation = MODELS_EVALUATED * (n_forget + n_remain + n_test) * FORWARD
    return Estimate(n * rate + evaluation * (rate if known is None else known), source)


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


def drawings(config: RunConfig, card: ModelCard, run: ForgetPlan) -> float:
    """What a generator's run draws beside its steps, in forward-backward passes over single pictures.

    The looks on the way, the samples of all models at the end, and without data the pictures of the run itself. Guidance asks
    the network twice a step; of the run's own pictures those to keep are drawn without it. What a latent model's autoencoder
    takes (about a tenth of that) is left out.
    """
    steps = 1 if card.sampling is None else card.sampling.steps
    kind = KINDS[card.kind]
    previews, own = kind.previews or PreviewSettings(), kind.own or SelfGenerated()
    in_previews = (previews.times + 1) * looked(previews, run) * previews.steps
    forward = 2.0 * (in_previews + evaluated(card, run) * steps)
    if config.data == "data-free" or not run.n_train:
        n_forget, n_remain, _ = sizes(config, run)
        forward += (2 * n_forget + n_remain) * own.steps
    return FORWARD * forward


def attack(config: RunConfig, card: ModelCard, seconds: float | None) -> Estimate | None:
    """The expected time of a recovery attack on one model; None where nothing was measured.

    Args:
        config: of the run whose model is attacked.
        seconds: what that run took, None where it is not known.

    Raises:
        InputError: the config does not suit the model.
    """
    how = Attack()
    drawing = drawn(config, card, seconds, how.samples)
    if drawing is None:
        return None
    # No weight has a gradient there: backward is one forward more, as much as a sampler step with guidance.
    steps = 1 if card.sampling is None else card.sampling.steps
    return Estimate(drawing.seconds * (1 + how.steps * how.batch_size / (how.samples * steps)), drawing.source)


def drawn(config: RunConfig, card: ModelCard, seconds: float | None, n: int) -> Estimate | None:
    """The expected time of drawing n pictures with one model, as its card says; arguments and errors as for `attack`."""
    run = plan(config).forget
    n_forget, n_remain, _ = sizes(config, run)
    work = passes(config, card.kind, n_forget, n_remain, len(run.names))
    rate = seconds / work if seconds and work else None
    source: Source = "card" if rate is None else "measured"
    rate = card_rate(card, n_forget + n_remain) if rate is None else rate
    if rate is None:
        return None
    steps = 1 if card.sampling is None else card.sampling.steps
    return Estimate(2 * FORWARD * n * steps * rate, source)  # guidance asks the network twice a step


def looked(previews: PreviewSettings, run: ForgetPlan) -> int:
    """Samples of one preview."""
    if run.prompts is not None:
        return previews.columns * len(run.prompts.previewed(previews.classes))
    return len(previews.labels(run.spec.classes, _others(run)))


def evaluated(card: ModelCard, run: ForgetPlan) -> int:
    """Samples of all models at the end: whole records, or the few that are shown of a model whose record the card has."""
    if run.prompts is not None:
        counts = [run.roles.count(role) for role in get_args(Role)]
        return 2 * sum(n * max(2, -(-RECORD_SAMPLES // (2 * n))) for n in counts if n)
    mine, others = len(run.spec.classes), len(run.names) - len(run.spec.classes)
    each = -(-RECORD_SAMPLES // mine), max(1, round(RECORD_SAMPLES / others))
    whole = mine * each[0] + others * each[1]
    shown = mine * min(each[0], SHOWN_FORGET) + others * min(each[1], SHOWN_REMAIN)
    reference = retrained_model(card, run.spec.text)
    passes = whole + (shown if card.records.get(run.spec.text) else whole)
    return passes if reference is None else passes + (shown if reference.records else whole)
