"""What a finished run is told to try: every rule on numbers worked out by hand, and on the shipped recordings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demos.live import payload as live
from demos.records.record import RunRecord, dataset_of, labels_of
from demos.records.what_now import advice, changes, chosen, findings, offers, turned
from demos.unlearn.recorded import record_of
from sfr_core import catalog, presets
from sfr_core.catalog.base import ANY
from sfr_core.configs import RunConfig
from sfr_core.errors import InputError
from sfr_core.events import Cancelled
from sfr_core.plan import plan
from sfr_core.presets import resolve
from tests.demos import compare_examples as classifier
from tests.demos import generator_examples as generator

RESNET, DDPM, SD = "fashion-mnist-resnet", "fashion-mnist-ddpm", "emoji-sd"
COMPARE = "Compare methods"
RECORDED = {path.stem: path for path in live.RECORDED.glob("*.json")}


def run_of(
    method: str = "sfr-on", forget: str = "class:Sneaker", model: str = RESNET, preset: str = "quick", **settings: Any
) -> RunConfig:
    values = resolve(model, method, preset, overrides=settings, forget=forget)
    return RunConfig(model=model, forget=forget, method=method, preset=preset, settings=values)  # type: ignore[arg-type]


def record(config: RunConfig, after: Any, **changes: Any) -> RunRecord:
    """A run of the shipped classifier with these numbers after it; before: 97 % of the class and 91 % of the rest were recognised."""
    dataset, spec, _ = labels_of(config, dataset_of(config.model))
    found = classifier.result(after=after, **changes)
    return classifier.record(config=config, result=found, events=(), dataset=dataset, spec=spec, reports={})


def drawn(config: RunConfig, after: Any, **changes: Any) -> RunRecord:
    """The same of a generator, which drew the class on 98 % and the rest on 96 % of its samples before."""
    dataset, spec, roles = labels_of(config, dataset_of(config.model))
    found = generator.result(after=after, **changes)
    return generator.record(config=config, result=found, events=(), dataset=dataset, spec=spec, roles=roles, reports={})


def words(record: RunRecord) -> list[tuple[str, list[str]]]:
    return [(one.finding, [offer.words for offer in one.offers]) for one in advice(record)]


GONE = {"TA_forget": 0.0, "TA_remain": 90.5, "MIA": 2.0}


def test_a_class_that_is_left_asks_for_more_forgetting() -> None:
    # 40 % are still recognised; retrained: 0 %
    found = record(run_of(alpha=1.0, forget_every=30), classifier.measured(**{**GONE, "TA_forget": 40.0}))
    assert words(found) == [
        (
            "kept",
            [
                "More forgetting: Forgetting strength (α) 1 → 2",
                "More forgetting: Forget every (K) 30 → 15",
                "More forgetting: Steps (T) 150 → 300",
            ],
        )
    ]
    first = offers(found)[0].run.config
    assert first.settings == {**found.config.settings, "alpha": 2.0}
    assert replace(first, settings={}) == replace(found.config, settings={})


def test_a_rest_that_lost_asks_for_more_repair_or_a_smaller_mask() -> None:
    # 2.1 points below the retrained model's 90.6 %
    found = record(run_of(), classifier.measured(**{**GONE, "TA_remain": 88.5}))
    assert words(found) == [
        (
            "lost",
            [
                "More repair: Forget every (K) 30 → 60, Steps (T) 150 → 300",
                "More repair: Mask threshold (γ) 1 → 2",
                "Gentler forgetting: Forgetting strength (α) 20 → 10",
            ],
        )
    ]


THOROUGH = "The same with the preset Thorough"
FIRMER = "Firmer repair: Learning rate (η) 0.02 → 0.04, Forgetting strength (α) 20 → 10"


def test_fewer_members_than_after_retraining_ask_for_less_forgetting() -> None:
    # retrained: 2 % flagged; 5 points fewer is the limit, so it needs a retrained model with more
    goal = replace(classifier.RETRAINED, MIA=30.0)
    at_limit = classifier.measured(**{**GONE, "MIA": 25.0})
    assert words(record(run_of(), at_limit, retrained=goal)) == [
        (
            "noticed",
            [
                THOROUGH,
                FIRMER,
                "Less forgetting: Forget every (K) 30 → 60",
            ],
        )
    ]
    assert findings(record(run_of(), classifier.measured(**{**GONE, "MIA": 25.1}), retrained=goal)) == ("fine",)
    once = record(run_of(forget_every=150), at_limit, retrained=goal)  # one push: fewer there are not
    assert words(once) == [("noticed", [THOROUGH, FIRMER, "Less forgetting: Forgetting strength (α) 20 → 10"])]
    thorough, firmer, _ = (offer.run.config.settings for offer in offers(once))
    assert thorough == run_of(preset="thorough").settings
    assert firmer == {**once.config.settings, "lr": 0.04, "alpha": 10.0}
    firm = record(run_of(preset="thorough"), at_limit, retrained=goal)  # nothing tuned moves further
    assert words(firm)[0][1][0].startswith("Firmer repair: Learning rate (η) 0.1 → 0.2")


def test_what_is_not_forgotten_is_not_said_to_be_forgotten_too_much() -> None:
    left = classifier.measured(TA_forget=40.0, TA_remain=85.0, MIA=2.0)
    assert findings(record(run_of(), left, retrained=replace(classifier.RETRAINED, MIA=30.0))) == ("kept", "lost")


def test_a_good_run_is_asked_a_harder_question() -> None:
    found = record(run_of(), classifier.measured(**GONE))
    assert words(found) == [("fine", ["Forget another class: Bag", "The same with the preset Thorough", COMPARE])]
    other, thorough, tab = offers(found)
    assert other.run is not None
    assert thorough.run is not None
    assert other.run.config == run_of(forget="class:Bag")
    assert thorough.run.config == run_of(preset="thorough")
    assert (tab.run, tab.tab) == (None, "compare")


def test_the_harder_class_is_the_neighbour_where_it_is_known() -> None:
    found = record(run_of(forget="class:Trouser"), classifier.measured(**GONE))
    assert found.dataset is not None
    labels = found.dataset.test.labels
    taken = labels.copy()
    taken[np.flatnonzero(labels == 1)[:3]] = 3  # three trousers for dresses
    before = classifier.report([], [])
    before = replace(before, train_predicted=found.dataset.train.labels, test_predicted=taken)
    assert words(replace(found, reports={"before": before}))[0][1][0] == "Forget another class: Dress"


def test_a_random_share_is_measured_against_the_retrained_model() -> None:
    config = run_of(forget="random:0.1@0")
    goal = classifier.measured(FA=92.0, RA=99.0, TA=91.0, MIA=70.0, TA_forget=None, TA_remain=None)
    told = {"retrained": goal, "avg_d": 2.0, "avg_d_before": 5.0, "before": replace(goal, FA=99.5, MIA=90.0)}

    def after(**values: float) -> RunRecord:
        return record(config, replace(goal, **values), **told)

    assert findings(after(FA=93.1)) == ("kept",)  # 1.1 points above retrained
    assert findings(after(MIA=75.0)) == ("kept",)  # still told apart from unseen ones
    assert findings(after(FA=88.0, n_forget=1000)) == ("noticed",)
    assert findings(after(FA=90.4, n_forget=1000)) == (
        "fine",
    )  # below 91, which so many pictures do not tell from chance
    assert findings(after(MIA=65.0)) == ("noticed",)
    said = words(after(MIA=65.0))[0][1]
    assert not any(text.startswith("Firmer") for text in said)  # it helps a class alone
    assert "Less forgetting: Weigh by what looks unseen on" in said
    assert findings(after(TA=89.9)) == ("lost",)
    good = record(config, goal, **{**told, "avg_d": 0.5})
    assert words(good) == [("fine", ["Forget a whole class: T-shirt", "The same with the preset Thorough", COMPARE])]
    nobody = record(config, goal, **{**told, "retrained": None, "avg_d": None, "avg_d_before": None})
    assert findings(nobody) == ("open",)


def test_a_clipped_push_is_not_made_stronger_by_alpha() -> None:
    config = run_of()  # clipped at 4.5
    left = record(config, classifier.measured(**{**GONE, "TA_forget": 40.0}))
    step = classifier.step(1, 0.5, 0.2)
    at_clip = replace(left, events=(replace(step, forget_grad_norm=4.5), classifier.step(2, None, 0.2)))
    assert words(at_clip)[0][1][0] == "More forgetting: Clip, forget step (c) 4.5 → 9"
    below = replace(left, events=(replace(step, forget_grad_norm=4.5), replace(step, i=2, forget_grad_norm=1.0)))
    assert words(below)[0][1][0] == "More forgetting: Forgetting strength (α) 20 → 40"


@pytest.mark.parametrize(
    ("method", "finding", "wanted"),
    [
        ("gradient-ascent", "kept", [{"lr": 0.016}, {"epochs": 6}]),
        ("gradient-ascent", "lost", [{"lr": 0.004}, {"epochs": 2}]),  # it repairs nothing: only less of it helps
        ("finetune", "kept", [{"lr": 0.2}, {"epochs": 10}]),
        ("finetune", "lost", [{"epochs": 10}, {"lr": 0.05}]),
        ("scrub", "kept", [{"forget_epochs": 2}, {"ce_weight": 0.495}, {"epochs": 6}]),
        ("scrub", "noticed", [{"ce_weight": 1.98}]),
        ("salun", "kept", [{"mask_fraction": 1.0}, {"epochs": 8}]),
        ("retrain", "kept", []),
        ("retrain", "lost", [{"epochs": 80}]),
    ],
)
def test_methods_without_alpha_turn_what_they_have(method: str, finding: Any, wanted: list[dict[str, Any]]) -> None:
    spec = catalog.spec_of(method, "classifier")
    values = resolve(RESNET, method, overrides={"epochs": 40} if method == "retrain" else {})
    assert [change for _, change in changes(finding, spec, values)] == wanted


def test_a_setting_moves_within_its_range_and_not_at_its_end() -> None:
    known = {s.name: s for s in catalog.spec_of("sfr-on", "classifier").config_cls.settings()}
    assert turned(known["forget_every"], 3, 0.5) == 2  # 1.5 is rounded to the even neighbour
    assert turned(known["forget_every"], 1, 0.5) is None
    assert turned(known["forget_every"], 900, 2.0) == 1000
    assert turned(known["forget_every"], 1000, 2.0) is None
    plain = {s.name: s for s in catalog.spec_of("l1-sparse", "classifier").config_cls.settings()}["plain_epochs"]
    assert turned(plain, 0, 0.5) is None  # what is 0 cannot be turned down
    assert turned(plain, 0, 2.0) == 1
    assert turned(known["alpha"], 0.0, 2.0) is None
    assert turned(known["clip_forget"], None, 2.0) is None


def test_a_generators_class_and_its_rest() -> None:
    config = run_of("sfr-on-redirected", "class:Trouser", DDPM)
    left = drawn(config, generator.measured(FA=40.0))
    assert findings(left) == ("kept",)
    assert findings(drawn(config, generator.measured(FA=2.0))) == ("fine",)
    assert findings(drawn(config, generator.measured(FA=2.1))) == ("kept",)
    lost = drawn(config, generator.measured(JA_remain=92.9))  # 3.1 points below before
    assert findings(lost) == ("lost",)
    assert findings(drawn(config, generator.measured(JA_remain=93.0))) == ("fine",)
    assert all("→" in text for _, texts in words(left) + words(lost) for text in texts)
    # Adam makes a stronger push no longer, so more steps come first; what repairs has its own order.
    assert words(left)[0][1][0] == "More forgetting: Steps (T) 50 → 100"
    assert words(lost)[0][1][0].startswith("More repair: Forget every (K) 1 → 2")


def test_a_concept_that_other_words_bring_back_is_not_forgotten() -> None:
    config = run_of("uce", "concept:cat", SD)
    found = {"FA": 4.0, "FA_paraphrase": 20.0, "JA_neighbours": 88.0, "JA_others": 90.0, "n_paraphrase": 54}
    before = replace(generator.BEFORE, FA_paraphrase=98.0, JA_neighbours=90.0, JA_others=90.0)
    back = drawn(config, generator.measured(**found), before=before, retrained=None)
    assert words(back) == [
        ("kept", ["More forgetting: Weight of erasing 1 → 2", "More forgetting: Weight of keeping 1 → 0.5"])
    ]
    near = {**found, "FA_paraphrase": 5.0, "JA_neighbours": 80.0}
    lost = drawn(config, generator.measured(**near), before=before, retrained=None)
    assert words(lost) == [
        ("lost", ["More repair: Weight of keeping 1 → 2", "Gentler forgetting: Weight of erasing 1 → 0.5"])
    ]
    good = drawn(config, generator.measured(**{**near, "JA_neighbours": 90.0}), before=before, retrained=None)
    assert words(good) == [("fine", ["Forget another concept: dog", "The same with the preset Thorough", COMPARE])]


def test_a_run_that_was_stopped_is_offered_to_its_end() -> None:
    config = run_of()
    stopped = replace(
        record(config, classifier.measured()), result=None, state="cancelled",
        events=(*classifier.looked(0, 100.0, 98.0, 0), classifier.step(1, 0.5, 0.25), Cancelled(steps=1)),
    )  # fmt: skip
    assert words(stopped) == [("stopped", ["The same run to its end"])]
    assert offers(stopped)[0].run.config == config


def test_nothing_is_offered_that_the_form_cannot_hold() -> None:
    assert advice(classifier.record()) == ()  # no such model
    assert advice(replace(classifier.record(), config=run_of(), result=None, events=())) == ()  # nothing was measured


def test_a_click_that_names_no_suggestion_is_refused() -> None:
    found = offers(record(run_of(), classifier.measured(**GONE)))
    assert chosen(found, 1) is found[1].run
    for wrong in (2, 3, -1, True, "0", None, 0.0):
        with pytest.raises(InputError):
            chosen(found, wrong)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("fashion-sneaker", "noticed"),
        ("fashion-tenth", "fine"),
        ("fashion-ddpm-trouser", "fine"),
        ("emoji-dit-flags", "fine"),
        ("emoji-sd-cat", "fine"),
    ],
)
def test_the_shipped_recordings(name: str, found: str) -> None:
    path: Path = RECORDED[name]
    one = record_of(live.read_recording(path))
    assert findings(one) == (found,)
    assert advice(one)


def test_every_suggestion_is_a_run_that_can_be_planned_and_named() -> None:
    """Of every method of every shipped model with every finding: the settings are the preset's but for what the words say."""
    for kind, model, forget in (
        ("classifier", RESNET, "class:Bag"), ("ddpm", DDPM, "class:Bag"), ("text-to-image", SD, "concept:cat"),
    ):  # fmt: skip
        for method, spec in catalog.able(kind).items():
            for preset in presets.preset_names(model, method):
                values = resolve(model, method, preset, forget=forget)
                for finding in ("kept", "lost", "noticed")[
                    : 3 if kind == "classifier" else 2
                ]:  # nobody attacks a generator so
                    for _, change in changes(finding, spec, values):  # type: ignore[arg-type]
                        config = RunConfig(model=model, forget=forget, method=method, settings={**values, **change})
                        assert plan(config).settings.to_dict() == {**values, **change}
                        assert all(values[name] != new for name, new in change.items())


def test_a_method_that_forgets_can_forget_more() -> None:
    for kind, table in catalog.BY_KIND.items():
        for method, spec in table.items():
            values = spec.config_cls.from_dict(spec.presets[ANY]["quick"].values).to_dict()
            more = list(changes("kept", spec, values))
            assert bool(more) == (method != "retrain"), (kind, method)
