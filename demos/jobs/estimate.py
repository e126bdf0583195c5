"""About how long a run will take: from what training the model took, or better, from the last run on this machine."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from demos.asked import Asked, asked
from demos.jobs.book import Job
from sfr_core import presets
from sfr_core.catalog import spec_of
from sfr_core.catalog.base import FORWARD, Sizes
from sfr_core.configs import RunConfig
from sfr_core.data.concepts import Role
from sfr_core.data.splits import split_rows
from sfr_core.errors import PlaygroundError
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import gold_standard
from sfr_core.zoo.shipped import ModelCard

MODELS_EVALUATED = 4
"""Before, after, retrained and its twin are each asked about every picture at the end."""
LOOKS, LOOK_COLUMNS, LOOK_STEPS, LOOK_CLASSES = 8, 4, 8, 16
"""Looks of a generator's run beside the first, samples of each class in one, their sampler steps, and classes at most (tasks/drawing.py and
tasks/diffusion.py, which need torch, so that this and what follows stand here again; a test compares them)."""
LOOK_PROMPTS: dict[Role, int] = {"direct": 2, "paraphrase": 1, "neighbour": 2, "other": 3}
"""Prompts in a look, where labels are prompts (tasks/text_to_image.py)."""
EVALUATED, SHOWN_FORGET, SHOWN_REMAIN = 100, 8, 4
"""Samples of the forgotten classes in a record (metrics/generation.py), and of each class that are shown where the card has it."""
FREE: dict[str, tuple[int, int, int]] = {"ddpm": (192, 64, 1024), "dit": (128, 32, 1024)}
"""Without data, by kind: pictures of the forgotten classes together, of each other class, and of the other classes at most."""
GENERATED_STEPS = 20
ATTACK_STEPS, ATTACK_BATCH, ATTACK_SAMPLES = 300, 16, 40
"""Of the recovery attack (metrics/recovery.py)."""


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


def sizes(config: RunConfig, run: Asked) -> tuple[int, int, int]:
    """Pictures to forget, to keep and to test on; where the model draws its own, those that it draws.

    Raises:
        InputError: one of the sets would be empty.
    """
    if run.prompts is not None:
        split = run.prompts.split
        return len(split.forget), len(split.remain), 0
    if config.data != "data-free" and len(run.dataset.train):
        split = split_rows(run.spec, run.dataset.train.labels)
        return len(split.forget), len(split.remain), len(run.dataset.test)
    forget, remain, most = FREE["dit" if not len(run.dataset.train) else "ddpm"]
    mine = len(run.spec.classes)
    others = min(len(run.names) - mine, max(1, most // remain))
    return mine * max(1, forget // mine), others * remain, 0


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
            run = asked(job.config)
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
        if theirs is None or config.device == "cuda" or card.kind == "classifier":
            return found
        return Estimate(found.seconds * recording.seconds / theirs.seconds, "recorded")


def expected(config: RunConfig, card: ModelCard, rate: float | None) -> Estimate | None:
    """The time of a run with its evaluation by the seconds per picture `rate`, by those of the card where it is None.

    Raises:
        InputError: the config does not suit the model.
    """
    run = asked(config)
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
    if card.kind != "classifier":
        return card.cpu_pace
    seconds = card.retrain_seconds or card.wall_seconds
    if not seconds:
        return None
    epochs = presets.resolve(card.id, "retrain")["epochs"]
    return float(seconds / (epochs * n_train))


def drawings(config: RunConfig, card: ModelCard, run: Asked) -> float:
    """What a generator's run draws beside its steps, in forward-backward passes over single pictures.

    The looks on the way, the samples of all models at the end, and without data the pictures of the run itself. Guidance asks
    the network twice a step; of the run's own pictures those to keep are drawn without it. What a latent model's autoencoder
    takes (about a tenth of that) is left out.
    """
    steps = 1 if card.sampling is None else card.sampling.steps
    forward = 2.0 * (LOOKS * looked(run) * LOOK_STEPS + evaluated(card, run) * steps)
    if config.data == "data-free" or not len(run.dataset.train):
        n_forget, n_remain, _ = sizes(config, run)
        forward += (2 * n_forget + n_remain) * GENERATED_STEPS
    return FORWARD * forward


def attack(config: RunConfig, card: ModelCard, seconds: float | None) -> Estimate | None:
    """The expected time of a recovery attack on one model; None where nothing was measured.

    Args:
        config: of the run whose model is attacked.
        seconds: what that run took, None where it is not known.

    Raises:
        InputError: the config does not suit the model.
    """
    drawing = drawn(config, card, seconds, ATTACK_SAMPLES)
    if drawing is None:
        return None
    # No weight has a gradient there: backward is one forward more, as much as a sampler step with guidance.
    steps = 1 if card.sampling is None else card.sampling.steps
    return Estimate(drawing.seconds * (1 + ATTACK_STEPS * ATTACK_BATCH / (ATTACK_SAMPLES * steps)), drawing.source)


def drawn(config: RunConfig, card: ModelCard, seconds: float | None, n: int) -> Estimate | None:
    """The expected time of drawing n pictures with one model, as its card says; arguments and errors as for `attack`."""
    run = asked(config)
    n_forget, n_remain, _ = sizes(config, run)
    work = passes(config, card.kind, n_forget, n_remain, len(run.names))
    rate = seconds / work if seconds and work else None
    source: Source = "card" if rate is None else "measured"
    rate = card_rate(card, n_forget + n_remain) if rate is None else rate
    if rate is None:
        return None
    steps = 1 if card.sampling is None else card.sampling.steps
    return Estimate(2 * FORWARD * n * steps * rate, source)  # guidance asks the network twice a step


def looked(run: Asked) -> int:
    """Samples of one look."""
    if run.prompts is not None:
        return LOOK_COLUMNS * sum(min(most, run.roles.count(role)) for role, most in LOOK_PROMPTS.items())
    return LOOK_COLUMNS * min(len(run.names), max(LOOK_CLASSES, len(run.spec.classes) + 1))


def evaluated(card: ModelCard, run: Asked) -> int:
    """Samples of all models at the end: whole records, or the few that are shown of a model whose record the card has."""
    if run.prompts is not None:
        counts = [run.roles.count(role) for role in LOOK_PROMPTS]
        return 2 * sum(n * max(2, -(-EVALUATED // (2 * n))) for n in counts if n)
    mine, others = len(run.spec.classes), len(run.names) - len(run.spec.classes)
    each = -(-EVALUATED // mine), max(1, round(EVALUATED / others))
    whole = mine * each[0] + others * each[1]
    shown = mine * min(each[0], SHOWN_FORGET) + others * min(each[1], SHOWN_REMAIN)
    gold = gold_standard(card, run.spec.text)
    passes = whole + (shown if card.records.get(run.spec.text) else whole)
    return passes if gold is None else passes + (shown if gold.records else whole)
