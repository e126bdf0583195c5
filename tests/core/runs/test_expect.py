"""What a run is expected to compute, counted by hand, and how long that takes at a known pace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfr_core import presets
from sfr_core.configs import RunConfig
from sfr_core.data.samples import sample_prompts
from sfr_core.ops.device import pick_device
from sfr_core.plan import RunPlan, plan
from sfr_core.runs import sampling
from sfr_core.runs.evaluate import place_of, predictions_key
from sfr_core.runs.expect import Expected, Work, at_pace, expected_race, work_of
from sfr_core.runs.known import Known, known, machine_of
from sfr_core.runs.pace import Pace, Paces, Ran, Rates
from sfr_core.runs.session import Session
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import ModelCard, retrained_model

RATES = Rates(train=2.0, forward=0.5, look=0.25, opening=3.0, precision="fp32")
PACE = Pace(machine="a desk", weights="", memory="plain", asked="auto", rates=RATES)
CLASSIFIER = "fashion-mnist-resnet"


def run_of(model: str, forget: str, method: str = "sfr-on", **changes: Any) -> RunPlan:
    kind = zoo.card(model).kind
    settings = presets.resolve(model, method, forget=forget, kind=kind, overrides=changes.pop("overrides", {}))
    return plan(RunConfig(model=model, forget=forget, method=method, settings=settings, **changes))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModelCard], ModelCard]:
    """Makes a card the only model."""

    def install(card: ModelCard) -> ModelCard:
        monkeypatch.setattr(zoo, "cards", lambda: (card,))
        return card

    return install


def test_a_classifiers_run_asks_its_models_about_every_picture() -> None:
    steps = {"steps": 50, "forget_every": 10, "batch_size": 100, "fisher_batches": 2, "fisher_batch_size": 50}
    # 5 of 50 steps forget; the Fisher sees two batches of either set. 20 looks at most: every 3rd step and the last one.
    work = work_of(run_of(CLASSIFIER, "class:Sneaker", overrides=steps), PACE)
    assert (work.fisher, work.steps, work.previews) == (200, 5500, 17)
    assert work.preview == 250 + 250 + 12
    # Before, after and retrained; nothing is known (UNLEARNING_CACHE is off in tests).
    assert (work.evaluate, work.units, work.own, work.judged) == (3 * 20_000, 3, 0, 0)
    # No retrained model is shipped of these two; of the random share there is a second one too.
    assert work_of(run_of(CLASSIFIER, "class:Bag,Coat", overrides=steps), PACE).units == 2
    assert work_of(run_of(CLASSIFIER, "random:0.1@0", overrides=steps), PACE).evaluate == 4 * 20_000


def test_what_is_known_is_not_expected_to_be_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLEARNING_CACHE", str(tmp_path))  # nothing of the user's own: what is shipped with the program
    work = work_of(run_of(CLASSIFIER, "class:Sneaker"), PACE)
    assert (work.evaluate, work.units) == (20_000, 1)  # of the default run only the model after it is unknown
    work = work_of(run_of("emoji-dit", "class:flags"), PACE)
    wanted = sampling.plan(zoo_classes("flags"), 14, sampling.protocol_of(zoo.card("emoji-dit")))
    assert (work.own, work.evaluate) == (0.0, 2 * len(wanted.labels) * 20)
    assert work.judged == len(wanted.labels) + 2 * len(wanted.shown)  # known samples are judged too
    work = work_of(run_of("emoji-sd", "concept:cat"), PACE)
    assert work.own == 0.0
    assert work.evaluate == 2 * work.judged / 3 * zoo.card("emoji-sd").sampling.steps  # type: ignore[union-attr]
    # Another seed draws other pictures for its training.
    assert work_of(run_of("emoji-dit", "class:flags", seed=1), PACE).own > 0


def test_what_an_earlier_run_of_a_race_makes_known_is_computed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a retrained model, and in a way of which nothing is shipped with the program.
    runs = [run_of(CLASSIFIER, "class:Bag,Coat", seed=seed, memory="spare") for seed in (0, 1)]
    told, spare = set[str](), replace(PACE, memory="spare")
    assert [work_of(run, spare, told=told).units for run in runs] == [2, 2]  # UNLEARNING_CACHE is off in tests
    monkeypatch.setenv("UNLEARNING_CACHE", str(tmp_path))
    assert [work_of(run, spare, told=told).units for run in runs] == [2, 1]

    paces = Paces(None)
    assert expected_race(runs, paces) is None
    machine = machine_of(pick_device("auto"))
    paces._put(replace(spare, machine=machine, weights=runs[0].card.sha256))
    first, second = expected_race(runs, paces) or []
    assert (first.evaluate, second.evaluate) == (2 * 20_000 * 0.5, 20_000 * 0.5)
    assert first.steps == second.steps
    assert not list(tmp_path.glob("*.npz"))  # to expect computes nothing


def zoo_classes(name: str) -> tuple[int, ...]:
    names = zoo.open_dataset(zoo.card("emoji-dit")).class_names
    return (names.index(name),)


def test_a_pixel_generators_run_draws_previews_and_the_samples_of_its_record(installed: Any) -> None:
    from sfr_core.tasks.ddpm import PREVIEW, SELF_GENERATED

    card = installed(replace(next(c for c in zoo.cards() if c.kind == "ddpm"), id="tiny"))
    run = run_of("tiny", "class:Trouser")
    drawn = sampling.plan((1,), 10, sampling.protocol_of(card))
    whole, shown = len(drawn.labels), len(drawn.shown)
    assert card.records["class:Trouser"]
    samples = whole + shown + (shown if retrained_model(card, "class:Trouser") else 0)
    work = work_of(run, PACE)
    assert (work.own, work.shown, work.judged) == (0.0, 40, samples)
    assert work.preview == 2 * 40 * PREVIEW.steps
    assert work.evaluate == 2 * samples * card.sampling.steps
    own = work_of(run_of("tiny", "class:Trouser", data="data-free"), PACE).own
    # Those to keep are drawn without guidance, one answer a step.
    assert own == (2 * SELF_GENERATED.forget + 9 * SELF_GENERATED.remain) * SELF_GENERATED.steps


@pytest.mark.parametrize("forget", ["class:three", "class:three,one,five"])
def test_a_transformers_run_draws_its_own_pictures(tmp_path: Path, installed: Any, forget: str) -> None:
    from sfr_core.tasks.dit import PREVIEW, SELF_GENERATED
    from tests.core.tiny_dit import CLASSES, dit_card, dit_task

    card = installed(dit_card(tmp_path / "m", id="tiny"))
    run, task = run_of("tiny", forget), dit_task(forget)
    work = work_of(run, PACE)
    assert work.own == (2 * task.count("forget") + task.count("remain")) * SELF_GENERATED.steps
    assert work.shown == len(task.preview_labels)
    assert work.preview == 2 * work.shown * PREVIEW.steps
    whole = len(sampling.plan(run.forget.spec.classes, len(CLASSES), sampling.protocol_of(card)).labels)
    assert work.evaluate == 2 * 2 * whole * 4  # no record is on the card: before is drawn as a whole too


def test_a_concepts_run_draws_what_its_prompts_ask_for(tmp_path: Path, installed: Any) -> None:
    from sfr_core.tasks.text_to_image import PREVIEW, SELF_GENERATED
    from tests.core.tiny_sd import sd_folder, sd_task

    card = installed(sd_folder(tmp_path / "m", id="tiny", source="bundled"))
    run, task = run_of("tiny", "concept:cat"), sd_task("cat", ready=False)
    work = work_of(run, PACE)
    assert work.own == (2 * 6 + 12) * SELF_GENERATED.steps
    assert work.preview == 2 * len(task.preview_labels) * PREVIEW.steps
    assert work.evaluate == 2 * 2 * len(sample_prompts(task.plan, sampling.protocol_of(card).n)) * 4


def test_the_time_is_the_work_at_the_pace() -> None:
    work = Work(own=8, fisher=3, steps=10, previews=4, preview=6, evaluate=20, shown=2, judged=12)
    found = at_pace(work, PACE, "sfr-on")
    assert (found.opening, found.own, found.fisher, found.steps) == (3.0, 4.0, 6.0, 20.0)
    assert (found.preview, found.evaluate) == (6 * 0.5 + 2 * 0.25, 20 * 0.5 + 12 * 0.25)
    assert found.seconds == 3 + 4 + 26 + 5 * 3.5 + 13
    slower = replace(PACE, runs=(Ran(name="sfr-on", method=2.0, rest=3.0),))
    again = at_pace(work, slower, "sfr-on")
    assert again.seconds == 3 + 2 * 26 + 3 * (4 + 5 * 3.5 + 13)


def test_a_run_teaches_by_how_much_the_timed_passes_are_wrong() -> None:
    told = Expected(opening=1.0, own=2.0, fisher=1.0, steps=9.0, previews=1, preview=1.0, evaluate=6.0)
    assert told.ran("uce", method=20.0, seconds=25.0) == Ran(name="uce", method=2.0, rest=0.5)
    # What was told already was corrected by 2 and 0.5: the ratios are those to the timed passes.
    told = replace(told, factors=(2.0, 0.5))
    assert told.ran("uce", method=10.0, seconds=20.0) == Ran(name="uce", method=2.0, rest=0.5)
    # Without a record of its own, both follow the whole.
    assert told.ran("uce", method=None, seconds=40.0) == Ran(name="uce", method=4.0, rest=1.0)


def test_the_entries_that_are_asked_for_are_those_that_a_run_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key made of a plan is the key that the session of that plan writes under."""
    monkeypatch.setenv("UNLEARNING_CACHE", str(tmp_path))
    monkeypatch.setattr(Known.__init__, "__defaults__", (None, 2**30))  # nothing that is shipped
    run = run_of(CLASSIFIER, "class:Sneaker", precision="fp32")
    pace = replace(PACE, machine=machine_of(pick_device("auto")))
    assert work_of(run, pace).units == 3
    session = Session.of_plan(run)
    for left, who in ((2, "before"), (1, "retrained")):
        key = predictions_key(place_of(session.task), session, who)  # type: ignore[arg-type]
        assert key is not None
        known().put(key, {"train": np.zeros(1), "test": np.zeros(1)})
        assert work_of(run, pace).units == left
    assert work_of(run, replace(pace, machine="another desk")).units == 3
