"""What the live view plays before anything is started."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from demos import page_data
from demos.live import payload as live
from demos.unlearn import recorded
from demos.unlearn.form_settings import default_run
from sfr_core import passes
from sfr_core.catalog import spec_of, title_of
from sfr_core.configs import RunConfig
from sfr_core.events import Event, Finished, PhaseStarted, Step, to_json
from sfr_core.plan import plan
from sfr_core.presets import default_method, kind_of, resolve
from sfr_core.zoo import shipped as zoo

LOG: list[Event] = [
    PhaseStarted(phase="unlearn", total=1),
    Step(i=1, total=1, forget_loss=1.0, remain_loss=0.5, lr=0.1, seconds=2.0),
    Finished(steps=1),
]


def write(folder: Path, name: str, config: RunConfig) -> None:
    record = {
        "config": config.to_json(),
        "machine": "a desk",
        "events": [to_json(e) for e in LOG],
        "times": [1.0, 2.0, 9.0],
    }
    (folder / f"{name}.json").write_text(json.dumps(record))


def has_retrained(one: recorded.Played) -> bool:
    return any(reference.spec == one.run.config.forget for reference in one.run.card.retrained)


def test_each_model_plays_its_own_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ours = RunConfig(model="fashion-mnist-resnet", forget="class:Bag", method="finetune", settings={})
    drawn = RunConfig(model="fashion-mnist-ddpm", forget="class:Coat", method="finetune", settings={})
    write(tmp_path, "a", ours)
    write(tmp_path, "b", drawn)
    (tmp_path / "c.json").write_text("{")
    with caplog.at_level(logging.WARNING):
        found = recorded.read("fashion-mnist-resnet", tmp_path)
    assert "c.json" in caplog.text
    assert [one.run.config for one in found.every] == [drawn, ours]
    played = page_data.kept(found.value("fashion-mnist-ddpm")["fetch"])
    assert "Coat" in played["title"]
    assert played["generates"] is True
    assert found.named("recorded-fashion-mnist-resnet-class:Bag").run.config == ours
    assert found.named("own:1") is None
    assert found.named(["recorded"]) is None
    assert found.value("own:1")["mode"] == "live"


def test_the_shipped_recordings_are_of_what_each_model_begins_with() -> None:
    found = recorded.read("fashion-mnist-resnet")
    assert set(found.models) == {card.id for card in zoo.cards()}
    for model, run in found.models.items():
        assert run.config.forget == default_run(model).config.forget
        assert found.of(model).run is run
    for one in found.every:
        method = default_method(one.run.card.id)
        assert one.run.config.method == method
        assert one.value["title"].startswith(f"{title_of(method)} forgets ")
        assert one.value["mode"] == "recorded"


def test_a_shipped_recording_ends_with_its_sentence_and_the_pictures_of_three_models() -> None:
    found = recorded.read("fashion-mnist-resnet")
    assert found.opening == "emoji-dit"
    for one, offered in zip(found.every, found.offered(), strict=True):
        played = page_data.kept(offered["fetch"])
        assert (played["key"], one.title) == (offered["key"], offered["title"])
        assert 'class="cmp-verdict"' in played["ending"]
        retrained = ("retrained",) if has_retrained(one) else ()
        for who in ("before", "after", *retrained):
            assert f'data-model="{who}"' in played["ending"], one.key
    assert all(has_retrained(found.of(model)) for model in found.models)


def test_without_any_record_the_view_is_empty(tmp_path: Path) -> None:
    found = recorded.read("fashion-mnist-resnet", tmp_path)
    assert found.of("fashion-mnist-resnet") is None
    assert found.value("fashion-mnist-resnet")["mode"] == "live"


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("fashion-mnist-resnet", []),
        ("fashion-mnist-ddpm", ["generator"]),
        ("emoji-sd", ["concept", "generator"]),
        ("own:gone", []),
    ],
)
def test_an_empty_view_speaks_of_the_kind_of_model(model: str, words: list[str]) -> None:
    found = recorded.nothing(model)
    assert found["words"] == words
    assert found["generates"] is bool(words)


def test_every_shipped_model_has_its_record() -> None:
    found = recorded.read("fashion-mnist-resnet")
    for one in found.every:
        config = one.run.config
        today = resolve(config.model, config.method, config.preset, forget=config.forget)
        whole = spec_of(config.method, kind_of(config.model)).config_cls.from_dict(config.settings)
        assert whole.to_dict() == today  # it is made anew when the preset changes (python -m recipes.recorded)
        assert one.value["frames"][-1]["line"].startswith("Finished")


def test_each_model_has_two_records_and_all_are_small() -> None:
    found = recorded.read("fashion-mnist-resnet")
    assert {model: sum(one.run.card.id == model for one in found.every) for model in found.models} == {
        card.id: 2 for card in zoo.cards()
    }
    assert sum(path.stat().st_size for path in live.RECORDED.glob("*.json")) < 10e6


@pytest.mark.parametrize("path", sorted(live.RECORDED.glob("*.json")), ids=lambda path: path.stem)
def test_a_shipped_recording_says_what_it_cost_on_every_machine(path: Path) -> None:
    found = live.read_recording(path)
    steps = [event for event in found.events if isinstance(event, Step)]
    result = next(event.result for event in found.events if isinstance(event, Finished))
    assert result is not None
    forgetting = sum(step.forget_loss is not None for step in steps)
    run = plan(found.plan.config)  # that of the recording may be kept from a test with other pictures
    assert result.passes == passes.made(run, steps=len(steps), forgetting=forgetting, total=steps[-1].total)
    assert result.retrain_passes == passes.retraining(run)
    assert ("of the passes of retraining" in recorded.ending(found)) is (result.retrain_passes is not None)
