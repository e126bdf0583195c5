"""A recipe of the diffusion model that cannot do what was asked says so in one sentence and exits with 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recipes import records, train
from recipes.command import one_sentence
from recipes.ddpm import quality as ddpm_quality
from recipes.ddpm import training as ddpm
from recipes.ddpm.training import RECIPES
from recipes.image_sets import FASHION_MNIST
from recipes.latents import quality as latents_quality
from recipes.publish import WEIGHTS
from recipes.tuning import generator
from sfr_core.data.datasets import Pictures
from sfr_core.errors import Diverged
from tests.recipes.generators import EXAMPLES

DDPM = EXAMPLES["ddpm"]
Main = Callable[[Sequence[str]], None]


def complaint(main: Main, argv: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What the program says on stderr; it must be one line and the exit code 2."""
    with pytest.raises(SystemExit) as end:
        main(argv)
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Errno" not in said
    return said


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty .work, and no published model."""
    monkeypatch.setattr(train, "WORK", tmp_path / "work")
    monkeypatch.setattr(train, "ASSETS", tmp_path / "assets")
    some = Pictures(np.zeros((20, 28, 28, 1), np.uint8), np.arange(20) % 10)
    data = replace(FASHION_MNIST, read=lambda folder, part: some)
    monkeypatch.setitem(RECIPES, ("fashion-mnist", "small"), replace(DDPM.recipe, data=data))
    return tmp_path / "work"


def test_a_training_that_cannot_begin(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no training to finish" in complaint(ddpm.main, ["--finish", "64"], capsys)
    assert "no training" in complaint(ddpm.main, ["--publish"], capsys)
    assert not work.exists()
    DDPM.trained(work / "ddpm", seed=1, steps=0)
    assert "has seed 1, not 0" in complaint(ddpm.main, ["--images", "0"], capsys)
    (work / "ddpm" / "model" / WEIGHTS).unlink()
    assert "holds no model" in complaint(ddpm.main, ["--publish"], capsys)
    assert "holds no original" in complaint(
        ddpm.main, ["--publish", "--without", "Bag", "--work", str(work / "ddpm")], capsys
    )


def test_quality_that_cannot_be_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "holds no model" in complaint(ddpm_quality.main, ["--work", str(tmp_path)], capsys)
    assert "holds no model" in complaint(latents_quality.main, ["emoji-dit", "--work", str(tmp_path)], capsys)
    DDPM.trained(tmp_path, steps=0)
    argv = ["--work", str(tmp_path), "--sheet-only", "--per-class", "1", "--steps", "7"]
    assert "7 sampling steps do not divide 1000" in complaint(ddpm_quality.main, argv, capsys)


@pytest.mark.parametrize(
    ("main", "argv", "said"),
    [
        (generator.main, ["sfr-on", "Bag", "--sampler-steps", "30"], "30 sampling steps do not divide 1000"),
        (generator.main, ["sfr-on", "Coat", "Bagg"], "Did you mean 'Bag'"),
        (generator.main, ["sfr-on", "Bag", "--model", "fashion-mnist-resnet"], "not a generator"),
        (generator.main, ["sfr-on", "Bag", "--try", "lr=1e-4", "lrr=1e-4"], "lrr"),
        (records.main, ["nothing"], "Unknown model 'nothing'"),
        (records.main, ["fashion-mnist-resnet", "--sheet"], "not a generator"),
        (records.main, ["fashion-mnist-resnet"], "not a generator"),
    ],
)
def test_what_would_fail_after_minutes(
    main: Main, argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in complaint(main, argv, capsys)


def test_an_error_of_the_program_keeps_its_traceback() -> None:
    with pytest.raises(KeyError), one_sentence():
        raise KeyError("a mistake")
    with pytest.raises(SystemExit) as end, one_sentence():
        raise Diverged("The loss is not finite.")
    assert end.value.code == 2
