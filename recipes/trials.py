"""Trials of settings on a shipped generator: the command line, the loop and the log that every kind of generator shares.

A run's seed and the samples' noise are ones that no table uses.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch

from recipes.complaints import one_sentence
from recipes.tune import single
from sfr_core.cancel import CancelToken
from sfr_core.configs import Device
from sfr_core.data.splits import forget_spec
from sfr_core.errors import InputError, UnknownName
from sfr_core.events import Step
from sfr_core.metrics.generation import Protocol
from sfr_core.ops.diffusion import check_sampler
from sfr_core.presets import resolve
from sfr_core.runs.runner import run
from sfr_core.runs.session import Session
from sfr_core.zoo.cards import read_card
from sfr_core.zoo.shipped import ModelCard, card, open_dataset

LOGS = Path(__file__).resolve().parents[1] / ".work" / "tuning"
SEED = 101
NOISE = 4711
"""The tables use seeds 0 to 2 and the noise of metrics.generation.SAMPLE_SEED."""
NEVER = 10**6

B = TypeVar("B")
Outcome = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trial(Generic[B]):
    """One run to make.

    Attributes:
        model, method, settings, seed, device: of the run.
        forget: name of the class or concept.
        sampler: of the samples before and after.
        before: what all trials share of the model before its runs.
    """

    model: ModelCard
    method: str
    forget: str
    settings: dict[str, Any]
    seed: int
    device: Device
    sampler: Protocol
    before: B


@dataclass(frozen=True, slots=True)
class Tuning(Generic[B]):
    """What is tried on a kind of generator.

    Attributes:
        doc: of the command line. model: tried by default.
        what: placeholder of what is forgotten. samples, steps: of the sampler by default.
        before: makes what all trials share. trial: one run and what it changed. summary: a line for the runs of one setting.
    """

    doc: str | None
    model: str
    what: str
    samples: int
    steps: int
    before: Callable[[Protocol], B]
    trial: Callable[[Trial[B]], Outcome]
    summary: Callable[[list[Outcome]], str]


def bare(session: Session) -> tuple[list[float], float]:
    """Runs a session without looks; returns its forget losses and the CPU seconds that it took."""
    cpu = time.process_time()
    losses = [
        event.forget_loss
        for event in run(session, cancel=CancelToken(), live_every=NEVER, evaluate=False)
        if isinstance(event, Step) and event.forget_loss is not None
    ]
    return losses, time.process_time() - cpu


def tenth(losses: list[float]) -> list[float]:
    """About ten of the losses."""
    return losses[:: max(1, len(losses) // 10)]


def command_line(tuning: Tuning[B], argv: Sequence[str] | None = None) -> None:
    """Reads the arguments and makes the trials."""
    parser = argparse.ArgumentParser(description=tuning.doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method")
    parser.add_argument("forget", nargs="+", metavar=tuning.what)
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--try", nargs="+", default=[""], dest="tried", metavar="'FIELD=VALUE ...'")
    parser.add_argument("--seeds", nargs="+", type=int, default=[SEED])
    parser.add_argument("--samples", type=int, default=tuning.samples)
    parser.add_argument("--sampler-steps", type=int, default=tuning.steps)
    parser.add_argument("--model", default=tuning.model)
    parser.add_argument("--folder", type=Path, help="another copy of the model")
    parser.add_argument("--card", default="card.json", help="its card's file name, for a draft")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    with one_sentence():
        check_sampler(args.sampler_steps)  # else it is refused after the first run of minutes
        make(tuning, args)


def make(tuning: Tuning[B], args: argparse.Namespace) -> None:
    """All trials: every setting on everything to forget with every seed; what is asked for is looked at before the first.

    Raises:
        InputError, UnknownName: a field, class or model that is not there.
    """
    model = card(args.model) if args.folder is None else read_card(args.folder, args.card)
    if model.sampling is None:
        raise InputError(f"'{model.id}' is not a generator.", hint="Choose a model that draws.")
    tried = [single(args.method, text.split(), kind=model.kind) for text in args.tried]
    known = open_dataset(model).class_names
    for forget in args.forget:
        if forget not in known:
            raise UnknownName("class" if model.kind != "text-to-image" else "concept", forget, known)
    sampler = Protocol(args.samples, args.sampler_steps, model.sampling.guidance)
    before = tuning.before(sampler)
    LOGS.mkdir(parents=True, exist_ok=True)
    lines = []
    for text, changed in zip(args.tried, tried, strict=True):
        outcomes = []
        for seed, forget in itertools.product(args.seeds, args.forget):
            spec = forget_spec(model.kind, forget)
            settings = resolve(model.id, args.method, args.preset, overrides=changed, forget=spec, kind=model.kind)
            found = tuning.trial(Trial(model, args.method, forget, settings, seed, args.device, sampler, before))
            outcomes.append({"forget": forget, "seed": seed, **found})
            line = {
                "method": args.method,
                "preset": args.preset,
                "set": changed,
                "samples": sampler.name,
                **outcomes[-1],
            }
            with open(LOGS / f"{model.id}.jsonl", "a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)
        lines.append(f"{text or 'the preset'}: {tuning.summary(outcomes)}")
        print(lines[-1], flush=True)
    print("\n".join(["", *lines]))
