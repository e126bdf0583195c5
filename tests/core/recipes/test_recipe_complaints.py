"""A recipe of the diffusion model that cannot do what was asked says so in one sentence and exits with 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from recipes import ddpm, ddpm_quality, ddpm_samples, tune_generator
from recipes.complaints import one_sentence
from recipes.ddpm_training import resume
from sfr_core.errors import Diverged
from tests.core.recipes.ddpm_examples import tiny_recipe

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
    monkeypatch.setattr(ddpm, "WORK", tmp_path / "work")
    monkeypatch.setattr(ddpm, "ASSETS", tmp_path / "assets")
    recipe = tiny_recipe()
    monkeypatch.setattr(ddpm, "RECIPES", {("fashion-mnist", "small"): recipe, ("cifar10", "small"): recipe})
    return tmp_path / "work"


def test_a_training_that_cannot_begin(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = ["--folder", str(Path(__file__).parents[3] / "assets" / "fashion_mnist")]
    assert "no training to finish" in complaint(ddpm.main, ["--finish", "64", *pictures], capsys)
    assert "no training" in complaint(ddpm.main, ["--publish"], capsys)
    assert not work.exists()
    training = resume(work / "ddpm", Path("nowhere"), tiny_recipe(), seed=1)
    training.save(work / "ddpm")
    assert "has seed 1, not 0" in complaint(ddpm.main, ["--images", "0", *pictures], capsys)
    (work / "ddpm" / "model" / "diffusion_pytorch_model.safetensors").unlink()
    assert "holds no model" in complaint(ddpm.main, ["--publish"], capsys)
    assert "holds no original" in complaint(
        ddpm.main, ["--publish", "--without", "Bag", "--work", str(work / "ddpm")], capsys
    )


def test_quality_that_cannot_be_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "holds no model" in complaint(ddpm_quality.main, ["--work", str(tmp_path)], capsys)
    resume(tmp_path, Path("nowhere"), tiny_recipe(), seed=0).save(tmp_path)
    argv = ["--work", str(tmp_path), "--sheet-only", "--per-class", "1", "--steps", "7"]
    assert "7 sampling steps do not divide 1000" in complaint(ddpm_quality.main, argv, capsys)
    argv = ["--work", str(tmp_path), "--bench", "Bag"]
    assert "without --bench first" in complaint(ddpm_quality.main, argv, capsys)


def test_a_trial_that_would_fail_after_its_run(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["sfr-on", "Bag", "--sampler-steps", "30"]
    assert "30 sampling steps do not divide 1000" in complaint(tune_generator.main, argv, capsys)
    assert "Did you mean 'Bag'" in complaint(tune_generator.main, ["sfr-on", "Coat", "Bagg"], capsys)
    assert "not a generator" in complaint(
        tune_generator.main, ["sfr-on", "Bag", "--model", "fashion-mnist-resnet"], capsys
    )
    assert "lrr" in complaint(tune_generator.main, ["sfr-on", "Bag", "--try", "lr=1e-4", "lrr=1e-4"], capsys)


def test_models_that_draw_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Unknown model 'nothing'" in complaint(ddpm_samples.main, ["--model", "nothing"], capsys)
    assert "not a generator" in complaint(ddpm_samples.main, ["--model", "fashion-mnist-resnet"], capsys)


def test_an_error_of_the_program_keeps_its_traceback() -> None:
    with pytest.raises(KeyError), one_sentence():
        raise KeyError("a mistake")
    with pytest.raises(SystemExit) as end, one_sentence():
        raise Diverged("The loss is not finite.")
    assert end.value.code == 2
