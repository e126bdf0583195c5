"""A race of a visitor's own tiny classifier in this process and as on ZeroGPU: the weights of the same runs alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from demos.jobs import zerogpu
from demos.jobs.book import Job, JobBook
from demos.jobs.local import run_here
from demos.jobs.races import RaceJob
from sfr_core.cancel import CancelToken
from sfr_core.events import Event
from sfr_core.plan import RunPlan, plan
from sfr_core.runs.race_plan import plans_of
from sfr_core.runs.runner import run
from sfr_core.runs.session import Session
from sfr_core.zoo.shipped import take_in
from tests.core.tiny import SMALL, same, tiny_dataset
from tests.core.tiny_run import FORGET, tiny_card
from tests.demos.jobs.test_jobs_retrained import Own
from tests.demos.race_examples import ANN, until

METHODS = ("retrain", "sfr-on", "finetune")


@pytest.fixture
def plans(tmp_path: Path) -> dict[str, RunPlan]:
    card = replace(tiny_card(tmp_path, retrained=False), id=f"own:{secrets.token_hex(16)}")
    take_in(Own(card, tiny_dataset()))
    wanted = plans_of({"forget": FORGET, "device": "cpu", "precision": "fp32"}, METHODS, [3], card)
    return {
        entry: plan(replace(run.config, settings=SMALL[run.config.method]), card=card, forget=run.forget)
        for entry, run in wanted.items()
    }


def raced(backend: Callable[[Job], Iterator[Event]], plans: dict[str, RunPlan]) -> tuple[RaceJob, dict[str, Job]]:
    book = JobBook(backend)
    race = book.races.submit(ANN, plans)
    until(lambda: not race.active, 120)
    jobs = {entry: book.owned(ANN, job_id) for entry, job_id in race.jobs.items()}
    assert {entry: job and (job.state, job.error) for entry, job in jobs.items()} == dict.fromkeys(
        plans, ("finished", None)
    )
    return race, {entry: job for entry, job in jobs.items() if job is not None}


@pytest.mark.parametrize("backend", [run_here, zerogpu.run_there])
def test_the_runs_of_a_race_are_those_runs_alone(
    plans: dict[str, RunPlan], backend: Callable[[Job], Iterator[Event]]
) -> None:
    race, jobs = raced(backend, plans)
    for entry, wanted in plans.items():
        alone = Session.of_plan(wanted)
        list(run(alone, cancel=CancelToken()))
        assert alone.after is not None
        assert same(jobs[entry].session.after, alone.after), entry
        row = race.rows[entry]
        assert alone.result is not None
        assert (row.after.FA, row.after.RA) == (alone.result.after.FA, alone.result.after.RA)  # type: ignore[union-attr]
    assert race.rows["retrain-3"].retrained is None
    # What the race retrained is the reference of its later runs.
    assert race.rows["finetune-3"].retrained is not None
    assert race.rows["finetune-3"].avg_d is not None
    assert all(near.retrained is not None for near in race.rows["sfr-on-3"].neighbours)
    assert race.rows["sfr-on-3"].neighbours
    assert race.record().rows[0].model.startswith("own:")
    assert plans["retrain-3"].card.id not in str(race.record().to_json())  # who knows the identifier reaches the model
