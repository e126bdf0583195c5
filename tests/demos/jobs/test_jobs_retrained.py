"""'Retrain it here' gives the comparison its reference: the visitor's own newest retraining, never somebody else's."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from demos.jobs.book import Job, JobBook
from demos.jobs.local import retrained_for
from sfr_core.configs import RunConfig
from sfr_core.data.datasets import Dataset
from sfr_core.plan import plan
from sfr_core.results import ClassifierRecord
from sfr_core.runs.session import Retrained, Session, tensors_of
from sfr_core.zoo.cards import ModelCard
from sfr_core.zoo.shipped import load_weights, take_in
from tests.core.tiny import SMALL, TinyNet, tiny_dataset
from tests.core.tiny_run import FORGET, tiny_card

ANN, BOB = "a" * 32, "b" * 32


@dataclass(frozen=True)
class Own:
    """A visitor's tiny model."""

    card: ModelCard
    dataset: Dataset
    build: Callable[[], nn.Module] = TinyNet

    def build_trained(self) -> nn.Module:
        module = TinyNet()
        load_weights(module, self.card.folder / self.card.file, sha256=self.card.sha256)
        return module.eval()


@pytest.fixture
def model(tmp_path: Path) -> str:
    card = replace(tiny_card(tmp_path, retrained=False), id=f"own:{secrets.token_hex(16)}")
    take_in(Own(card, tiny_dataset()))
    return card.id


@pytest.fixture
def book() -> JobBook:
    return JobBook()


def config(model: str, method: str = "sfr-on", forget: str = FORGET, **settings: Any) -> RunConfig:
    return RunConfig(
        model=model, forget=forget, method=method, settings={**SMALL[method], **settings}, device="cpu", precision="fp32"
    )  # fmt: skip


def finish(book: JobBook, visitor: str, run: RunConfig) -> Job:
    job = book.submit(visitor, plan(run))
    end = time.monotonic() + 120
    while job.active:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert job.state == "finished", job.error
    assert job.retrainings == ()
    return job


def test_the_outcome_of_a_retraining_is_the_reference_of_the_next_run(model: str, book: JobBook) -> None:
    retrained = finish(book, ANN, config(model, "retrain"))
    assert retrained.result is not None
    assert retrained.result.retrained is None
    # Another spelling of the same forget set.
    run = finish(book, ANN, config(model, forget=" class: THREE "))
    result = run.result
    assert result is not None
    assert isinstance(result.retrained, ClassifierRecord)
    assert isinstance(retrained.result.after, ClassifierRecord)
    assert (result.retrained.FA, result.retrained.RA) == (retrained.result.after.FA, retrained.result.after.RA)
    assert result.retrained.KL == 0.0
    assert result.avg_d is not None
    assert result.retrain_seconds == retrained.result.seconds
    theirs, ours = retrained.session.reports["after"], run.session.reports["retrained"]
    assert np.array_equal(theirs.train_predicted, ours.train_predicted)
    assert np.array_equal(theirs.test_confidence, ours.test_confidence)


def test_it_is_the_newest_and_never_another_visitors_or_another_sets(model: str, book: JobBook) -> None:
    first = finish(book, ANN, config(model, "retrain", epochs=1))
    second = finish(book, ANN, config(model, "retrain", epochs=2))
    assert second.result is not None
    assert second.result.retrained is None  # not compared with its own repetition
    mine = finish(book, ANN, config(model))
    assert mine.result is not None
    assert mine.result.retrain_seconds == second.result.seconds
    for visitor, forget in ((BOB, FORGET), (ANN, "class:four")):
        other = finish(book, visitor, config(model, forget=forget))
        assert other.result is not None
        assert other.result.retrained is None
        assert other.result.avg_d is None
    book.rollback(second.id)
    book.free(first.id)
    again = finish(book, ANN, config(model))
    assert again.result is not None
    assert again.result.retrained is None


def test_weights_of_a_retraining_travel_to_another_process_and_back(model: str, book: JobBook) -> None:
    retrained = finish(book, ANN, config(model, "retrain"))
    job = replace(Job(id="0" * 32, visitor=ANN, plan=plan(config(model)), created=0.0), retrainings=(retrained,))
    found = retrained_for(job)
    assert found is not None
    there = Retrained(tensors_of({name: array.copy() for name, array in found.arrays().items()}), found.seconds)
    session = Session.of_plan(job.plan, retrained=there)
    weights = session.weights("retrained")
    assert weights is not None
    assert all(torch.equal(weights[name], value) for name, value in retrained.session.after.items())
    assert session.retrain_seconds == retrained.result.seconds  # type: ignore[union-attr]
    assert retrained_for(replace(job, plan=plan(config(model, "retrain")))) is None
