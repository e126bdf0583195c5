"""Measures the published transformer and its twins as the page measures them, so that a run need not draw what a card can say.

    python -m recipes.latents_records emoji-dit    # writes the records of every category into the card

Samples, noise, sampler and judge are those of a run's evaluation (sfr_core.runs.sampling). Of a text-to-image model every run draws all
samples itself: which paraphrases count, the original tells.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from recipes.complaints import one_sentence
from sfr_core.configs import RunConfig
from sfr_core.metrics.generation import sample_plan
from sfr_core.ops.stepwise import drained
from sfr_core.presets import resolve
from sfr_core.results import GeneratorRecord
from sfr_core.runs.sampling import OriginalSamples, draw, protocol_of
from sfr_core.runs.session import Session
from sfr_core.tasks.diffusion import DiffusionTask
from sfr_core.zoo.cards import write_card
from sfr_core.zoo.shipped import ModelCard, card, open_dataset

METHOD = "finetune"
"""Any method: nothing is run."""
PRECISION = "bf16"


def open_session(model: ModelCard, name: str) -> Session:
    """A session that would forget this category."""
    settings = resolve(model.id, METHOD, kind=model.kind)
    config = RunConfig(
        model=model.id, forget=f"class:{name}", method=METHOD, settings=settings, device="cpu", precision=PRECISION
    )
    return Session.of_card(config, model)


def asked(session: Session) -> tuple[DiffusionTask, tuple[int, ...], NDArray[np.int64]]:
    """The task of a session, what it forgets, and the labels of a record's samples."""
    task, forgotten = session.task, session.split.spec.classes
    assert isinstance(task, DiffusionTask)
    return task, forgotten, sample_plan(forgotten, task.classes, protocol_of(session.card).n)


def record(session: Session, untouched: OriginalSamples) -> GeneratorRecord:
    """The record of the original (its samples are kept in `untouched`)."""
    task, forgotten, labels = asked(session)
    return untouched.drawn(task, session.reference("before"), labels).record(forgotten)


def record_of_twin(session: Session) -> GeneratorRecord:
    """The record of the model that was retrained without this session's category."""
    task, forgotten, labels = asked(session)
    assert task.judge is not None
    work = draw(task, task.judge, labels, protocol_of(session.card), session.reference("retrained"))
    return drained(work).record(forgotten)


def with_records(model: ModelCard) -> ModelCard:
    """The card with the records of the original, category by category, and of each retrained model.

    Raises:
        ValueError: a text-to-image model.
    """
    if model.kind != "dit":
        raise ValueError(f"{model.id} forgets no categories: its runs draw all samples themselves.")
    sampler = protocol_of(model)
    untouched = OriginalSamples(sampler)
    found, golds = {}, {gold.spec: gold for gold in model.retrained}
    for name in open_dataset(model).class_names:
        session, spec = open_session(model, name), f"class:{name}"
        found[spec] = {sampler.name: record(session, untouched)}
        if spec in golds:
            golds[spec] = replace(golds[spec], records={sampler.name: record_of_twin(session)})
        print(name, found[spec][sampler.name].FA, found[spec][sampler.name].JA_remain, flush=True)
    return replace(model, records=found, retrained=tuple(golds.values()))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    with one_sentence():
        write_card(with_records(card(args.model)))


if __name__ == "__main__":
    main()
