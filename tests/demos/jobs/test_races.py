"""Races of the page: one run after the other, each a job that takes its turn; stopped, failed, abandoned, and nobody else's."""

from __future__ import annotations

import pytest

from demos.jobs.races import MOST, OF_VISITOR
from sfr_core.errors import Busy, InputError
from sfr_core.events import Step
from sfr_core.runs.expect import Expected
from sfr_core.runs.race_record import Race
from tests.demos.race_examples import ANN, BOB, MODEL, Racing, plans, until


def test_all_runs_are_made_in_their_order_and_leave_rows() -> None:
    racing = Racing()
    race = racing.book.races.submit(ANN, plans(seeds=(0, 4)))
    until(lambda: not race.active)
    assert racing.made == [(method, seed) for seed in (0, 4) for method in ("finetune", "salun", "scrub")]
    assert (race.state, list(race.rows)) == ("finished", list(race.plans))
    assert [row.status for row in race.rows.values()] == ["done"] * 6
    assert race.rows["salun-4"].avg_d == 1.25
    jobs = [racing.book.owned(ANN, job_id) for job_id in race.jobs.values()]
    assert all(job is not None and job.state == "finished" and job.session is not None for job in jobs)
    assert [job.id for job in reversed(racing.book.runs(ANN))] == list(race.jobs.values())  # the tab Runs lists them


def test_its_record_is_a_race_file_that_the_command_line_could_have_written() -> None:
    racing = Racing(failing="salun")
    race = racing.book.races.submit(ANN, plans(preset="thorough"))
    until(lambda: not race.active)
    told = Race.from_json(race.record().to_json())
    assert told == race.record()
    assert told.command == "python -m sfr_core race --model fashion-mnist-resnet --forget class:Bag --methods finetune,salun,scrub --seeds 0 --preset thorough"  # fmt: skip
    assert [row.entry for row in told.rows] == list(told.plan)
    assert told.versions == {"torch": "2.14.1"}
    assert race.id not in str(told.to_json())


def test_a_run_that_fails_is_a_row_and_the_race_goes_on() -> None:
    racing = Racing(failing="salun")
    race = racing.book.races.submit(ANN, plans())
    until(lambda: not race.active)
    assert [(row.status, row.said) for row in race.rows.values()] == [
        ("done", ""), ("failed", "A loss is no longer finite. Lower the learning rate."), ("done", ""),
    ]  # fmt: skip
    assert race.state == "finished"


def test_stop_ends_the_run_within_a_step_and_begins_no_other() -> None:
    racing = Racing(open_gate=False)
    race = racing.book.races.submit(ANN, plans())
    racing.let(3)
    until(lambda: race.now == "salun-0")
    racing.let(1)
    job = racing.book.get(race.jobs["salun-0"])
    assert job is not None
    until(lambda: any(isinstance(event, Step) for event in job.log))
    racing.book.races.stop(race)
    until(lambda: not race.active)
    assert (race.state, race.stopping, race.left) == ("cancelled", False, ["scrub-0"])
    assert [(row.status, row.said) for row in race.rows.values()] == [("done", ""), ("stopped", "It was stopped after 1 steps.")]  # fmt: skip
    assert job.state == "cancelled"
    assert job.session is not None  # its weights can be kept, as those of any stopped run
    racing.book.races.stop(race)  # harmless
    assert len(racing.book.runs(ANN)) == 2


def test_a_race_that_waits_can_be_stopped() -> None:
    racing = Racing(open_gate=False)
    first = racing.book.races.submit(BOB, plans(("scrub",)))
    race = racing.book.races.submit(ANN, plans())
    until(lambda: first.started is not None)
    assert race.state == "queued"
    racing.book.races.stop(race)
    assert (race.state, [row.steps for row in race.rows.values()]) == ("cancelled", [0])


def test_a_stopped_run_of_a_race_that_is_kept_does_not_go_on_with_it() -> None:
    racing = Racing(open_gate=False)
    race = racing.book.races.submit(ANN, plans())
    racing.let(1)
    job = racing.book.runs(ANN)[0]
    until(lambda: any(isinstance(event, Step) for event in job.log))
    racing.book.stop(job.id)  # this run alone: on the tab Unlearn
    until(lambda: race.now == "salun-0")
    racing.book.races.stop(race)
    until(lambda: not race.active)
    before = dict(race.rows)
    racing.book.keep(job.id)
    until(lambda: not job.active)
    assert (race.rows, race.state) == (before, "cancelled")


def test_another_visitors_run_comes_between_two_runs_of_a_race() -> None:
    racing = Racing(open_gate=False)
    race = racing.book.races.submit(ANN, plans())
    until(lambda: racing.made != [])
    job = racing.book.submit(BOB, plans(("scrub",), (9,))["scrub-9"])
    racing.let(3)
    until(lambda: len(racing.made) == 2)
    assert racing.made == [("finetune", 0), ("scrub", 9)]  # who computed less is next
    racing.free = True
    until(lambda: not race.active and not job.active)
    assert racing.made[2:] == [("salun", 0), ("scrub", 0)]


def test_a_race_is_its_owners() -> None:
    racing = Racing()
    race = racing.book.races.submit(ANN, plans(("scrub",)))
    assert racing.book.races.owned(ANN, race.id) is race
    assert racing.book.races.owned(BOB, race.id) is None
    assert racing.book.races.owned("", race.id) is None
    assert racing.book.races.owned(ANN, "0" * 32) is None
    until(lambda: not race.active)
    assert all(racing.book.owned(BOB, job_id) is None for job_id in race.jobs.values())


def test_a_race_counts_as_one_run_of_its_visitor() -> None:
    racing = Racing(open_gate=False, active_per_visitor=2)
    racing.book.races.submit(ANN, plans())
    racing.book.races.submit(ANN, plans())
    with pytest.raises(Busy, match="You already have 2 runs"):
        racing.book.races.submit(ANN, plans())
    with pytest.raises(Busy):
        racing.book.submit(ANN, plans()["scrub-0"])


def test_what_the_page_does_not_do_is_refused_before_anything_waits() -> None:
    racing = Racing()
    for wanted in ({}, plans(seeds=tuple(range(MOST)))):
        with pytest.raises(InputError, match=f"1 to {MOST} runs"):
            racing.book.races.submit(ANN, wanted)
    assert racing.book.runs(ANN) == []


def test_a_race_that_nobody_looks_at_ends_and_one_that_is_watched_does_not() -> None:
    now = [0.0]
    racing = Racing(open_gate=False, clock=lambda: now[0], unseen=600.0, unseen_waiting=90.0)
    book = racing.book
    race = book.races.submit(ANN, plans())
    until(lambda: racing.made != [])
    for _ in range(20):
        now[0] += 59.0
        book.races.touch(race)
        book.sweep()
    assert race.active
    now[0] += 500.0
    racing.let(3)  # the next run begins; that is no look
    until(lambda: len(racing.made) == 2)
    now[0] += 101.0
    book.sweep()
    until(lambda: not race.active)
    assert (race.state, len(racing.made)) == ("cancelled", 2)


def test_whoever_looks_at_a_run_of_a_race_looks_at_the_race() -> None:
    now = [0.0]
    racing = Racing(open_gate=False, clock=lambda: now[0], unseen=600.0)
    race = racing.book.races.submit(ANN, plans())
    until(lambda: racing.made != [])
    now[0] = 550.0
    racing.book.touch(race.jobs[race.now])
    racing.let(3)
    until(lambda: len(racing.made) == 2)
    now[0] = 1100.0
    racing.book.sweep()
    assert race.active
    now[0] = 1151.0
    racing.book.sweep()
    until(lambda: not race.active)


def test_old_races_are_forgotten_and_their_runs_stay_listed() -> None:
    racing = Racing()
    races = []
    for seed in range(OF_VISITOR + 2):
        races.append(racing.book.races.submit(ANN, plans(("scrub",), (seed,))))
        until(lambda: not races[-1].active)
    kept = [race for race in races if racing.book.races.get(race.id) is not None]
    assert kept == races[1:]  # the newest one was running when the others were counted
    assert len(racing.book.runs(ANN)) == OF_VISITOR + 2


def test_what_a_stopwatch_chose_for_the_first_run_holds_for_the_others() -> None:
    racing = Racing(open_gate=False)
    race = racing.book.races.submit(ANN, plans())
    job = racing.book.runs(ANN)[0]
    assert job.config.precision == "auto"
    race._settle("bf16")
    racing.free = True
    until(lambda: not race.active)
    used = [racing.book.get(job_id) for job_id in race.jobs.values()]
    assert [job.config.precision for job in used if job is not None] == ["auto", "bf16", "bf16"]


def test_the_expected_time_is_that_of_all_its_runs() -> None:
    def expected(seconds: float) -> Expected:
        return Expected(opening=0.0, own=0.0, fisher=0.0, steps=seconds, previews=0, preview=0.0, evaluate=0.0)

    racing = Racing(open_gate=False)
    book = racing.book
    book.races._expect = lambda runs: [expected(10.0 * i) for i, _ in enumerate(runs, 1)]
    race = book.races.submit(ANN, plans())
    assert [race.expected[entry].seconds for entry in race.plans] == [10.0, 20.0, 30.0]
    assert book.runs(ANN)[0].expected == expected(10.0)  # by which turns are counted too
    assert MODEL.id == race.plans["scrub-0"].card.id
