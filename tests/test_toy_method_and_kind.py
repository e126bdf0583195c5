"""A method and a kind of model that only this test knows, driven through everything: what they need to be known is in their own files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from demos.records.imports import read_files
from demos.records.summary import of_record
from demos.result.tables import metrics_html
from demos.unlearn import cards, options, settings
from demos.unlearn.form_settings import Chosen
from sfr_core import presets
from sfr_core.cancel import CancelToken
from sfr_core.catalog import BY_KIND
from sfr_core.catalog.base import ANY, Cost, MethodSpec, Parts, Preset, Sizes
from sfr_core.cli.run import BAD_INPUT, main
from sfr_core.configs import MethodConfig, RunConfig
from sfr_core.configs.base import checked, setting
from sfr_core.data.datasets import Dataset
from sfr_core.errors import SpecError
from sfr_core.events import Event, Finished, PhaseStarted, Step
from sfr_core.kinds import KINDS
from sfr_core.kinds.base import Kind
from sfr_core.plan import plan
from sfr_core.results import ClassifierRecord
from sfr_core.runs.expect import at_pace, work_of
from sfr_core.runs.files import FILES, WEIGHTS, read_config, read_result, read_weights
from sfr_core.runs.pace import Pace, Rates
from sfr_core.tasks.base import Opening, Task
from sfr_core.tasks.classifier import ClassifierTask
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import ModelCard, write_card
from tests.core.tiny import TinyNet, tiny_dataset
from tests.core.tiny_run import tiny_card


# The method: sfr_core/catalog/shrink.py and sfr_core/methods/shrink.py, were it one of ours.
@checked
class ShrinkConfig(MethodConfig):
    share: float = setting(0.5, "Share", "Share of every weight that is taken away.", low=0.0, high=1.0, group="main")
    rounds: int = setting(1, "Rounds", "How often.", low=1, high=9)


def shrink(task: Task, config: ShrinkConfig, *, rng: torch.Generator, cancel: CancelToken) -> Iterator[Event]:
    yield PhaseStarted(phase="unlearn", total=config.rounds)
    for i in range(1, config.rounds + 1):
        with torch.no_grad():
            for weight in task.parameters().values():
                weight.mul_(1 - config.share)
        yield Step(i=i, total=config.rounds, lr=config.share, seconds=0.0)
    yield Finished(steps=config.rounds)


def cost(config: ShrinkConfig, sizes: Sizes) -> Cost:
    return Cost(forget=config.rounds * sizes.forget)


SHRINK = MethodSpec(
    id="shrink",
    title="Shrinking",
    summary="Makes every weight smaller.",
    order=99,
    config_cls=ShrinkConfig,
    function=f"{__name__}:shrink",
    paper="Nobody, never",
    parts=Parts(forgetting="a step towards zero: −θ"),
    cost=cost,
    presets={
        ANY: {"quick": Preset({}, "Invented."), "thorough": Preset({"rounds": 3}, "Invented too.")},
        "toy-model": {"quick": Preset({"share": 0.25}, "Made up for the toy.")},
    },
)


# The kind: sfr_core/kinds/toy.py and its task.
def pictures(model: ModelCard) -> Dataset:
    return replace(tiny_dataset(), name=model.dataset)


def network(model: ModelCard) -> nn.Module:
    module = TinyNet()
    zoo.load_weights(module, model.folder / model.file, sha256=model.sha256)
    return module.eval()


def open_toy(given: Opening) -> ClassifierTask:
    return ClassifierTask(
        given.load(), TinyNet, given.dataset, given.split, device=given.device, seed=given.config.seed
    )


TOY = Kind(
    id="toy",
    order=99,
    title="Toy",
    noun="toy",
    only="it is made for toys",
    forgets=("class",),
    abilities=frozenset(),
    opens=f"{__name__}:open_toy",
    measures="sfr_core.runs.evaluate:by_answers",
    dataset=f"{__name__}:pictures",
    loads=f"{__name__}:network",
    draws=False,
    default_method="shrink",
)


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelCard]:
    """The only model there is, of the toy kind."""
    monkeypatch.setitem(KINDS, TOY.id, TOY)
    monkeypatch.setitem(BY_KIND, TOY.id, {SHRINK.id: SHRINK, "finetune": BY_KIND["classifier"]["finetune"]})
    monkeypatch.setattr(zoo, "MODELS", tmp_path / "models")
    zoo.cards.cache_clear()
    found = replace(tiny_card(tmp_path / "models" / "toy-model"), id="toy-model", kind=TOY.id, title="A toy")
    write_card(found)
    yield found
    zoo.cards.cache_clear()


def test_presets(card: ModelCard) -> None:
    assert presets.kind_of(card.id) == TOY.id
    assert presets.preset_names(card.id, "shrink") == ("quick", "thorough")
    assert presets.resolve(card.id, "shrink") == {"share": 0.25, "rounds": 1}
    assert presets.resolve(card.id, "shrink", "thorough", "paper") == {"share": 0.5, "rounds": 3}
    assert presets.preset_source(card.id, "shrink", "quick") == "Made up for the toy."


def run(out: Path, *options: str) -> int:
    return main(["run", "--model", "toy-model", "--forget", "class:three", "--out", str(out), *options])


def test_command_line_run_files_and_result(card: ModelCard, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == main(["methods", "--json"]) == 0
    models, methods = (json.loads(text) for text in capsys.readouterr().out.replace("]\n[", "]\0[").split("\0"))
    assert [(m["id"], m["kind"]) for m in models] == [("toy-model", "toy")]
    assert [s["name"] for m in methods if m["id"] == "shrink" for s in m["settings"]] == ["share", "rounds"]
    assert run(tmp_path / "bad", "--method", "sfr-on") == BAD_INPUT
    assert "Choose one of shrink, finetune" in capsys.readouterr().err

    out = tmp_path / "out"
    assert run(out, "--method", "shrink", "--set", "rounds=2", "--device", "cpu") == 0
    assert '"event": "Step"' in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    assert read_config(out / "config.json").settings == {"share": 0.25, "rounds": 2}
    original = network(card).state_dict()
    assert torch.equal(read_weights(out / WEIGHTS)["fc.weight"], original["fc.weight"] * 0.75 * 0.75)
    result = read_result(out)
    assert isinstance(result.after, ClassifierRecord)
    assert result.retrained is not None

    record = read_files(sorted(out.glob("*.json*")))
    assert record.result == result
    said = of_record(record)
    assert said is not None
    assert "three" in said.text
    assert "<table" in metrics_html(record)


def config_of(card: ModelCard, **settings: object) -> RunConfig:
    values = presets.resolve(card.id, "shrink", overrides=settings)
    return RunConfig(model=card.id, forget="class:three", method="shrink", settings=values)


def test_form(card: ModelCard) -> None:
    first = options.first_model()
    assert (first, options.first_method(first), options.first_class(first)) == (card.id, "shrink", "three")
    assert options.kinds_of(first) == ("class",)
    assert options.method_choices(first) == [("Shrinking", "shrink"), ("Fine-tuning", "finetune")]
    assert settings.cannot(TOY.id)["esd-x"] == KINDS["text-to-image"].only
    assert settings.cannot("classifier")["shrink"] == "it is made for toys"
    offer = Chosen(first, "shrink").offer("class:")
    assert {f["name"]: f["value"] for f in offer["fields"] if f["group"] != "run"} == {"share": 0.25, "rounds": 1}
    chosen = Chosen(first, "shrink", changed={"rounds": 2.0})
    assert chosen.config(forget="class:three") == config_of(card, rounds=2)
    assert cards.model_card(card)["about"][1] == "Toy"


def test_plan(card: ModelCard) -> None:
    found = plan(config_of(card))
    assert (found.card.id, found.method, found.settings) == (card.id, SHRINK, ShrinkConfig(share=0.25))
    assert (found.forget.spec.classes, len(found.forget.rows), found.forget.n_remain) == ((3,), 6, 54)
    with pytest.raises(SpecError, match="whole classes"):
        plan(replace(config_of(card), forget="random:0.1"))


def test_expected_time(card: ModelCard) -> None:
    run, rates = plan(config_of(card)), Rates(train=0.5, forward=0.1, look=0.0, opening=1.0, precision="fp32")
    pace = Pace(machine="m", weights="", memory="plain", asked="auto", rates=rates)
    found = at_pace(work_of(run, pace), pace, "shrink")
    # Six pictures to forget, and as many models asked about all hundred as there are.
    assert found.method == pytest.approx(0.5 * 6)
    assert found.evaluate == pytest.approx(found.units * 100 * 0.1)
