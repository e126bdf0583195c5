"""Races of a tiny classifier: each run as if it were alone, stopped and gone on with, and rows of runs that failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sfr_core.cancel import CancelToken
from sfr_core.errors import LOWER, ConfigError, InputError, OutOfMemory
from sfr_core.events import Step
from sfr_core.ops.device import cpu_threads
from sfr_core.plan import RunPlan, plan
from sfr_core.results import GeneratorRecord
from sfr_core.runs.files import CONFIG, FILES, WEIGHTS, read_config, read_events, read_result, read_weights
from sfr_core.runs.race import new_race, race
from sfr_core.runs.race_plan import check_same, plans_of
from sfr_core.runs.race_record import FILE, Race, RaceEnded, RaceEvent, RaceRow, RunBegan, RunEnded, Told, read_race
from sfr_core.runs.runner import run
from sfr_core.runs.session import Session
from sfr_core.zoo.cards import ModelCard
from sfr_core.zoo.shipped import load_weights
from tests.core.grammar import check_grammar
from tests.core.tiny import SMALL, TinyNet, same, tiny_dataset
from tests.core.tiny_ddpm_run import ddpm_session, grey_dataset
from tests.core.tiny_run import FORGET, tiny_card, tiny_session
from tests.core.tiny_unet import ddpm_card

DATASET = tiny_dataset()
METHODS = ("sfr-on", "finetune", "gradient-ascent", "random-label")


def plans(card: ModelCard, methods: tuple[str, ...] = METHODS, seeds: tuple[int, ...] = (0,), **changes: Any) -> dict[str, RunPlan]:  # fmt: skip
    """A race with settings that let every method end within a few steps."""
    wanted = plans_of({"forget": FORGET, "device": "cpu", "precision": "fp32"}, methods, seeds, card, dataset=DATASET)
    return {
        entry: plan(
            replace(run.config, settings={**SMALL[run.config.method], **changes.get(run.config.method, {})}),
            card=card, dataset=DATASET, forget=run.forget,
        )
        for entry, run in wanted.items()
    }  # fmt: skip


def opened(run: RunPlan) -> Session:
    def load() -> nn.Module:
        module = TinyNet()
        load_weights(module, run.card.folder / run.card.file, sha256=run.card.sha256)
        return module.eval()

    return Session(run, DATASET, load, TinyNet)


def raced(
    wanted: dict[str, RunPlan],
    folder: Path,
    *,
    stop: Callable[[RaceEvent], bool] = lambda event: False,
    opened: Callable[[RunPlan], Session] = opened,
) -> list[RaceEvent]:
    """Begins the race, or goes on with it, until an event at which it is stopped."""
    folder.mkdir(exist_ok=True)
    begun = read_race(folder) if (folder / FILE).exists() else new_race(wanted, "race")
    cancel, events = CancelToken(), []
    for event in race(wanted, begun, folder, cancel=cancel, live_every=10**6, opened=opened):
        events.append(event)
        if stop(event):
            cancel.cancel()
    return events


def comparable(row: RaceRow) -> dict[str, Any]:
    return asdict(replace(row, seconds=None, date=""))


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    return tiny_card(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def whole(card: ModelCard, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[RaceEvent]]:
    """A race of four methods that ran to its end."""
    folder = tmp_path_factory.mktemp("race")
    return folder, raced(plans(card), folder)


def test_the_runs_of_a_race_have_the_weights_of_the_same_runs_alone(
    whole: tuple[Path, list[RaceEvent]], card: ModelCard, tmp_path: Path
) -> None:
    folder, _ = whole
    for method in METHODS:
        alone = tiny_session(tmp_path, method, card=card)
        list(run(alone, cancel=CancelToken(), live_every=10**6))
        assert same(read_weights(folder / f"{method}-0"), alone.outcome()), method
        assert alone.result is not None
        assert read_result(folder / f"{method}-0").after == alone.result.after


def test_a_race_leaves_a_folder_a_run_and_tells_what_happens(whole: tuple[Path, list[RaceEvent]]) -> None:
    folder, events = whole
    assert sorted(path.name for path in folder.iterdir()) == sorted([FILE, *(f"{method}-0" for method in METHODS)])
    told = read_race(folder)
    assert [row.entry for row in told.rows] == list(told.plan) == [f"{method}-0" for method in METHODS]
    assert (told.left, events[-1]) == ((), RaceEnded(status="done"))
    assert [event.i for event in events if isinstance(event, RunBegan)] == [1, 2, 3, 4]
    for row, event in zip(told.rows, (one for one in events if isinstance(one, RunEnded)), strict=True):
        assert event.row == row
        mine = [one.event for one in events if isinstance(one, Told) and one.entry == row.entry]
        check_grammar(mine)
        assert sorted(path.name for path in (folder / row.entry).iterdir()) == sorted(FILES)
        assert read_events(folder / row.entry) == mine
        result = read_result(folder / row.entry)
        assert (row.after, row.avg_d, row.passes, row.seconds) == (result.after, result.avg_d, result.passes, result.seconds)  # fmt: skip
        assert (row.status, row.said) == ("done", "")
        assert row.settings.items() >= result.config["settings"].items()


def test_neighbours_are_the_classes_that_the_original_confuses_with_the_forgotten_one(
    whole: tuple[Path, list[RaceEvent]], card: ModelCard
) -> None:
    session = opened(plans(card)["finetune-0"])
    said = session.answers("before")
    assert said is not None
    best, labels = said.test.argmax(1), DATASET.test.labels
    confused = np.zeros(10, int)
    for truth, call in zip(labels, best, strict=True):
        if truth != call and 3 in (truth, call):
            confused[truth if call == 3 else call] += 1
    row = read_race(whole[0]).rows[1]
    order = [c for c in sorted(range(10), key=lambda c: (-confused[c], c)) if confused[c]][:2]
    assert order
    assert [near.name for near in row.neighbours] == [DATASET.class_names[c] for c in order]
    assert [near.before for near in row.neighbours] == [100.0 * np.mean(best[labels == c] == c) for c in order]
    assert all(near.retrained is not None for near in row.neighbours)


def test_a_long_race_that_is_stopped_and_gone_on_with_equals_an_unbroken_one(tmp_path: Path) -> None:
    wanted = plans(tiny_card(tmp_path / "tiny", retrained=False), seeds=tuple(range(15)))
    assert len(wanted) == 60
    raced(wanted, tmp_path / "unbroken")
    stops = iter([3, 17, 18, 40])
    at = 0
    for n in stops:

        def stop(event: RaceEvent, n: int = n) -> bool:
            entry = list(wanted)[n]
            return isinstance(event, Told) and event.entry == entry and isinstance(event.event, Step) and event.event.i == 2  # fmt: skip

        events = raced(wanted, tmp_path / "broken", stop=stop)
        assert events[-1] == RaceEnded(status="stopped")
        told = read_race(tmp_path / "broken")
        assert (told.rows[-1].status, told.rows[-1].steps) == ("stopped", 2)  # within the step
        assert told.rows[-1].said == "It was stopped after 2 steps."
        assert (tmp_path / "broken" / told.rows[-1].entry / WEIGHTS).exists()  # what it had is kept
        assert len(told.rows) == n + 1
        began = [event.i for event in events if isinstance(event, RunBegan)]
        assert began == list(range(at + 1, n + 2))  # what is done is not made again, what was stopped is
        at = n
    assert raced(wanted, tmp_path / "broken")[-1] == RaceEnded(status="done")
    one, other = read_race(tmp_path / "unbroken"), read_race(tmp_path / "broken")
    assert [comparable(row) for row in one.rows] == [comparable(row) for row in other.rows]
    for entry in wanted:
        folders = [tmp_path / name / entry for name in ("unbroken", "broken")]
        assert folders[0].joinpath(WEIGHTS).read_bytes() == folders[1].joinpath(WEIGHTS).read_bytes(), entry
        assert folders[0].joinpath(CONFIG).read_bytes() == folders[1].joinpath(CONFIG).read_bytes(), entry
    assert raced(wanted, tmp_path / "broken") == [RaceEnded(status="done")]  # nothing is left


def test_a_race_that_is_stopped_between_two_runs_begins_no_other(card: ModelCard, tmp_path: Path) -> None:
    events = raced(plans(card), tmp_path, stop=lambda event: isinstance(event, RunEnded))
    assert [type(event) for event in events if not isinstance(event, Told)] == [RunBegan, RunEnded, RaceEnded]
    assert [row.status for row in read_race(tmp_path).rows] == ["done"]


def test_a_race_that_is_stopped_before_its_first_run_has_its_plan_in_its_file(card: ModelCard, tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    wanted = plans(card)
    assert list(race(wanted, new_race(wanted, "race"), tmp_path, cancel=cancel, opened=opened)) == [
        RaceEnded(status="stopped")
    ]
    assert read_race(tmp_path).left == tuple(wanted)


def test_a_generators_rows_have_its_records_and_no_neighbours(tmp_path: Path) -> None:
    model = ddpm_card(tmp_path / "model", source="own")
    wanted = plans_of({"forget": FORGET, "device": "cpu", "precision": "fp32"}, ("joint", "finetune"), [0], model, dataset=grey_dataset())  # fmt: skip
    folder = tmp_path / "race"
    folder.mkdir()

    def drawing(run: RunPlan) -> Session:
        return ddpm_session(tmp_path / "model", run.config.method, card=model)

    list(race(wanted, new_race(wanted, "race"), folder, cancel=CancelToken(), opened=drawing))
    rows = read_race(folder).rows
    assert [(row.status, row.neighbours, row.avg_d) for row in rows] == [("done", (), None)] * 2
    assert all(isinstance(row.after, GeneratorRecord) for row in rows)
    one, other = (read_weights(folder / entry) for entry in wanted)
    assert not same(one, other)


def test_a_run_that_diverges_is_a_row_and_the_race_goes_on(card: ModelCard, tmp_path: Path) -> None:
    def spoilt(run: RunPlan) -> Session:
        session = opened(run)
        if run.config.method == "finetune":
            with torch.no_grad():
                session.task.model.get_parameter("fc.weight").mul_(1e38)  # the first loss is not finite
        return session

    raced(plans(card), tmp_path, opened=spoilt)
    told = read_race(tmp_path)
    assert [row.status for row in told.rows] == ["done", "failed", "done", "done"]
    failed = told.rows[1]
    assert LOWER in failed.said
    assert (failed.after, failed.avg_d, failed.passes, failed.steps) == (None, None, None, None)
    assert not (tmp_path / "finetune-0").exists()
    assert raced(plans(card), tmp_path) == [RaceEnded(status="done")]  # it would fail again


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OutOfMemory("There is too little memory.", hint="Choose another."), "There is too little memory. Choose another."),
        (ZeroDivisionError("by nothing"), "The run failed unexpectedly (ZeroDivisionError: by nothing)."),
    ],
)  # fmt: skip
def test_a_run_that_cannot_begin_is_a_row_too(card: ModelCard, tmp_path: Path, error: Exception, said: str) -> None:
    def broken(run: RunPlan) -> Session:
        if run.config.method == "finetune":
            raise error
        return opened(run)

    raced(plans(card), tmp_path, opened=broken)
    assert [(row.status, row.said) for row in read_race(tmp_path).rows] == [("done", ""), ("failed", said), ("done", ""), ("done", "")]  # fmt: skip


def test_what_goes_on_takes_the_threads_of_the_first_run(card: ModelCard, tmp_path: Path) -> None:
    wanted = plans(card, ("finetune", "random-label"))
    with cpu_threads(2):
        raced(wanted, tmp_path, stop=lambda event: isinstance(event, RunEnded))
    with cpu_threads(1):
        raced(wanted, tmp_path)
        assert torch.get_num_threads() == 1
    assert [read_config(tmp_path / entry).threads for entry in wanted] == [2, 2]


def test_another_race_in_the_folder_is_refused_by_its_first_difference(card: ModelCard, tmp_path: Path) -> None:
    begun = new_race(plans(card), "race")
    check_same(begun, plans(card))
    with pytest.raises(InputError, match="it has other methods or seeds"):
        check_same(begun, plans(card, METHODS[:2]))
    with pytest.raises(InputError, match="it has other methods or seeds"):
        check_same(begun, plans(card, seeds=(1,)))
    with pytest.raises(InputError, match="settings of finetune-0 differs"):
        check_same(begun, plans(card, finetune={"epochs": 3}))


def test_a_race_is_checked_before_it_begins(card: ModelCard) -> None:
    for methods, seeds, said in (
        ((), (0,), "needs a method"),
        (METHODS, (), "needs a seed"),
        (("finetune", "finetune"), (0,), "finetune is named twice"),
        (METHODS, (1, 1), "The seed 1 is named twice"),
        (METHODS, tuple(range(126)), "at most 500 runs"),
    ):
        with pytest.raises(ConfigError, match=said):
            plans(card, methods, seeds)
    for one, other in pairwise(plans(card).values()):
        assert one.forget is other.forget  # one plan of it for all


def test_rounds_of_all_methods_come_one_after_the_other(card: ModelCard) -> None:
    assert list(plans(card, ("finetune", "scrub"), (3, 1))) == ["finetune-3", "scrub-3", "finetune-1", "scrub-1"]


def test_a_hostile_plan_names_no_other_folder(card: ModelCard, tmp_path: Path) -> None:
    told = Race.from_json(new_race(plans(card, ("finetune",)), "race").to_json()).to_json()
    told["plan"] = {"../finetune-0": told["plan"]["finetune-0"]}
    (tmp_path / FILE).write_text(json.dumps(told))
    with pytest.raises(InputError, match="cannot be read"):
        read_race(tmp_path)
