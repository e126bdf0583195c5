"""The diffusion model of a set that is not shipped, from its recipes to a run: coloured pictures, its own judge, data-free only."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recipes.ddpm import quality as ddpm_quality
from recipes.ddpm.training import RECIPES, Training
from recipes.image_sets import CIFAR10
from recipes.judge import pictures as judge
from recipes.judge.pictures import CIFAR_JUDGE, FASHION_JUDGE, JUDGES
from recipes.publish import publish
from recipes.records import with_records
from sfr_core.cancel import CancelToken
from sfr_core.configs import RunConfig
from sfr_core.data.class_sets import SelfGenerated
from sfr_core.data.datasets import CIFAR_CLASSES, Pictures
from sfr_core.events import Evaluated, Finished
from sfr_core.metrics.generation import Protocol
from sfr_core.nets.judge import CARD, Judge, pixels_of
from sfr_core.results import GeneratorRecord
from sfr_core.runs import session as sessions
from sfr_core.runs.runner import run
from sfr_core.runs.session import Session
from sfr_core.tasks import ddpm
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import Sampling
from tests.core.tiny_ddpm_run import SMALL_DDPM
from tests.recipes.generators import tiny_ddpm


def coloured(n: int, seed: int) -> Pictures:
    """Pictures in the colour of their class, with some noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 10
    colours = np.random.default_rng(0).integers(0, 256, (10, 1, 1, 3))
    images = colours[labels] + rng.normal(0, 12, (n, 32, 32, 3))
    return Pictures(images.clip(0, 255).astype(np.uint8), labels.astype(np.int64))


SMALL = replace(CIFAR_JUDGE, widths=(4, 8), epochs=6, rejects=40, wanted=10.0, batch=32)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like assets/models with a tiny judge, made by its recipe's parts."""
    folder = tmp_path_factory.mktemp("assets") / "models"
    real, test = coloured(200, 1), coloured(100, 2)
    network = judge.train(real, SMALL, seed=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge, "LARGEST_REJECTION", 100.0)
        made = {"seed": 0, "recipe": "made here", "cpu_seconds": 1.0}
        card = judge.finish(network, SMALL, real, test, folder / SMALL.id, made)
    assert card["metrics"]["accuracy"] > 80
    assert list(card["metrics"]["real_rejected_by_class"]) == list(CIFAR_CLASSES)
    return folder


def test_a_judge_of_coloured_pictures_opens_as_it_was_saved(models: Path) -> None:
    opened, test = Judge.open(models / "cifar10-judge"), coloured(100, 2)
    assert opened.scale == pytest.approx(CIFAR_JUDGE.scale)
    found = opened(pixels_of(test.images))
    said = json.loads((models / "cifar10-judge" / CARD).read_text())["metrics"]
    assert said["accuracy"] == pytest.approx(100 * np.mean(found.plain == test.labels))
    assert said["real_rejected"] == pytest.approx(100 * found.rejected.mean())


def test_a_judge_that_turns_too_many_away_is_not_written(tmp_path: Path, models: Path) -> None:
    network, real = Judge.open(models / "cifar10-judge").network, coloured(50, 1)
    with pytest.raises(SystemExit, match="not good enough"):
        judge.finish(network, replace(SMALL, wanted=100.1), real, real, tmp_path / "target", {"seed": 0})
    assert not (tmp_path / "target").exists()


def test_the_model_is_measured_published_and_unlearned_without_a_picture(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(tiny_ddpm("cifar10"), data=replace(CIFAR10, read=lambda folder, part: coloured(200, 1)))
    monkeypatch.setitem(RECIPES, ("cifar10", "small"), recipe)
    monkeypatch.setattr(ddpm_quality, "ASSETS", models.parent)
    monkeypatch.setattr(ddpm_quality, "can_compile", lambda: False)  # compiling takes longer than drawing
    work = tmp_path / "work"
    training = Training(0, recipe)
    training.save(work)
    ddpm_quality.main(
        ["--data", "cifar10", "--work", str(work), "--per-class", "3", "--steps", "2"]
    )  # fmt: skip
    with Image.open(work / "sheet.png") as sheet:
        assert sheet.size == (3 * 32, 10 * 32)
    target = models / "cifar10-ddpm"
    card = publish(work, target, training.progress, recipe, draft=False)
    assert (card.dataset, card.judge) == ("cifar10", "cifar10-judge")
    monkeypatch.setattr(zoo, "MODELS", models)
    monkeypatch.setattr(sessions, "open_judge", zoo.open_judge)
    card = with_records(card, Protocol(18, 2), ["cat", "truck"])
    assert list(card.records) == ["class:cat", "class:truck"]
    assert card.records["class:cat"]["18@2"].n_samples == 18
    monkeypatch.setattr(ddpm, "SELF_GENERATED", SelfGenerated(forget=16, remain=4, steps=2))
    card = replace(card, sampling=Sampling(steps=2, guidance=2.0))
    config = RunConfig(
        model=card.id, forget="class:cat", method="sfr-on", device="cpu", precision="fp32",
        settings={**SMALL_DDPM["sfr-on"], "steps": 2},
    )  # fmt: skip
    session = Session.open(config, card)
    assert (session.config.data, session.dataset.class_names) == ("data-free", CIFAR_CLASSES)
    events = list(run(session, cancel=CancelToken()))
    (record,) = [e.record for e in events if isinstance(e, Evaluated) and e.when == "after"]
    assert isinstance(record, GeneratorRecord)
    assert record.n_samples == 100
    assert any(isinstance(event, Finished) for event in events)


def test_each_data_has_its_judge_and_its_command() -> None:
    assert {data: one.id for data, one in JUDGES.items()} == {
        data: recipe.judge for (data, _), recipe in RECIPES.items()
    }
    assert len(FASHION_JUDGE.groups) == len(CIFAR_JUDGE.groups) == 10
    assert judge.command_of("fashion-mnist", 0, None) == "python -m recipes.judge --seed 0"
    said = "python -m recipes.judge --data cifar10 --seed 1 --folder DIR"
    assert judge.command_of("cifar10", 1, Path("pictures")) == said


def test_a_missing_folder_and_an_unknown_class_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        judge.main(["--data", "cifar10", "--folder", str(tmp_path / "none")])
    assert "none" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        ddpm_quality.main(["--data", "cifar10", "--without", "Trouser"])
    assert "no such class; there are airplane" in capsys.readouterr().err
