"""About how long a run will take: from what training the model took, or better, from the last run on this machine."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Literal

from demos.jobs import Job
from sfr_core import presets
from sfr_core.configs import RunConfig
from sfr_core.zoo import ModelCard

MODELS_EVALUATED = 4
"""Before, after, retrained and its twin are each asked about every picture at the end."""
LOOKS, LOOK_SAMPLES, LOOK_STEPS = 8, 40, 8
"""Of a generator's run (tasks/ddpm.py, which needs torch, so that they stand here again; a test compares them)."""
EVALUATED, SHOWN = 199, 44
"""Samples of a generator's evaluation, and of a model whose record its card has (generation.py)."""
FREE_SAMPLES, FREE_STEPS = 768, 10
"""Of a run without data (tasks/ddpm.py)."""
CLASSES = 10
"""Of the shipped generators; Selective Amnesia takes its Fisher from all of them."""
FORWARD_SHARE = 1 / 3
"""A forward pass costs about a third of forward, backward and update."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds and where they come from."""

    seconds: float
    source: Literal["measured", "card"]


def pictures(method: str, s: dict[str, Any], n_forget: int, n_remain: int) -> float:
    """Forward-backward passes over single pictures that a run makes, its evaluation left out."""
    if method == "sfr-on":
        batch = s["batch_size"]
        forget = -(-s["steps"] // s["forget_every"]) * min(batch, n_forget)
        fisher = 0.0
        if s["mask"]:
            limit = float("inf") if s["fisher_batches"] is None else s["fisher_batches"] * s["fisher_batch_size"]
            fisher = min(n_forget, limit) + min(n_remain, limit)
        return float(s["steps"] * min(batch, n_remain) + forget + fisher)
    if "epochs" not in s:
        return _in_steps(method, s, n_forget)
    per_epoch = {
        "retrain": n_remain,
        "finetune": n_remain,
        "gradient-ascent": n_forget,
        "random-label": n_forget + n_remain,
        "salun": n_forget + n_remain,
        # Both teachers look at every picture, forward only.
        "bad-teacher": (n_forget + n_remain) * (1 + 2 * FORWARD_SHARE),
        "scrub": n_remain * (1 + FORWARD_SHARE),
    }[method]
    extra = n_forget if method == "salun" else 0
    if method == "scrub":
        extra = s["forget_epochs"] * n_forget * (1 + FORWARD_SHARE)
    return float(s["epochs"] * per_epoch + extra)


def _in_steps(method: str, s: dict[str, Any], n_forget: int) -> float:
    """The same for the methods that train a generator in steps."""
    forget_and_remain = {"joint", "salun", "selective-amnesia"}
    passes = s["steps"] * s["batch_size"] * (2 if method in forget_and_remain else 1)
    if method == "salun":
        limit = float("inf") if s["saliency_batches"] is None else s["saliency_batches"] * s["batch_size"]
        passes += min(n_forget, limit)
    if method == "selective-amnesia":
        passes += CLASSES * s["fisher_images"] * s["fisher_timesteps"]
    return float(passes)


class Pace:
    """Seconds per picture, learnt from ended runs of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rates: dict[tuple[str, str, str], float] = {}

    def learn(self, job: Job) -> None:
        """Takes the speed of a finished run."""
        session, result = job.session, job.result
        if result is None or session is None or result.seconds <= 0:
            return
        n = pictures(job.config.method, job.config.settings, len(session.split.forget), len(session.split.remain))
        if n > 0:
            with self._lock:
                self._rates[job.config.model, job.config.method, job.config.device] = result.seconds / n

    def expect(self, config: RunConfig, card: ModelCard, n_forget: int, n_remain: int, n_test: int) -> Estimate | None:
        """The expected time of a run with its evaluation, seconds; None where nothing was measured yet."""
        with self._lock:
            rate = self._rates.get((config.model, config.method, config.device))
        source: Literal["measured", "card"] = "measured"
        known = card_rate(card, n_forget + n_remain)
        if rate is None:
            source, rate = "card", known
        if rate is None:
            return None
        n = pictures(config.method, config.settings, n_forget, n_remain)
        if card.sampling is not None:
            evaluation = drawings(config, card.sampling.steps)
        else:
            evaluation = MODELS_EVALUATED * (n_forget + n_remain + n_test) * FORWARD_SHARE
        return Estimate(n * rate + evaluation * (rate if known is None else known), source)


def card_rate(card: ModelCard, n_train: int) -> float | None:
    """Seconds per picture when this model was trained, on the machine that the card names.

    Wall time of a classifier; CPU time on one thread of a generator, over the pictures that this very training saw: the
    retrained model of its card may have seen fewer. None for a visitor's own model, whose training nobody measured.
    """
    if card.kind != "classifier":
        seen = card.training.get("images_seen")
        return float(card.cpu_seconds / seen) if seen and card.cpu_seconds else None
    seconds = card.retrain_seconds or card.wall_seconds
    if not seconds:
        return None
    epochs = presets.resolve(card.id, "retrain")["epochs"]
    return float(seconds / (epochs * n_train))


def drawings(config: RunConfig, sampler_steps: int) -> float:
    """What a generator's run draws beside its steps, in forward-backward passes over single pictures.

    The looks on the way, the evaluation after the run, the samples shown of the models before and retrained, and without
    data the pictures of the run itself. Guidance asks the network twice a step.
    """
    passes = LOOKS * LOOK_SAMPLES * LOOK_STEPS + (EVALUATED + 2 * SHOWN) * sampler_steps
    if config.data == "data-free":
        passes += FREE_SAMPLES * FREE_STEPS
    return 2 * FORWARD_SHARE * passes
