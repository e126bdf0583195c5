"""The recipe of the shipped classifier, made tiny: resuming, repeating, and an interruption in the middle."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recipes import classifier as recipe
from sfr_core.data.datasets import FASHION_CLASSES, Dataset, Pictures
from sfr_core.errors import AssetError
from sfr_core.zoo.shipped import build_module, load_weights, read_card


def small_dataset() -> Dataset:
    """Forty grey pictures 8x8 of the ten classes, twenty to test."""
    rng = np.random.default_rng(0)

    def pictures(n: int) -> Pictures:
        return Pictures(rng.integers(0, 256, (n, 8, 8, 1)).astype(np.uint8), np.arange(n) % 10)

    return Dataset("fashion-mnist", FASHION_CLASSES, pictures(40), pictures(20), (0.5,), (0.3,), mirror=False)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder to which the recipe writes; three trainings of two steps each."""
    monkeypatch.setattr(recipe, "MODELS", tmp_path / "models")
    monkeypatch.setattr(recipe, "fashion_mnist", small_dataset)
    # Below 8 channels oneDNN of torch 2.14 spoils memory on a CPU that has AVX2 and nothing newer.
    monkeypatch.setattr(recipe, "ARCHITECTURE", {"name": "SmallResNet", "widths": [8, 16]})
    monkeypatch.setattr(recipe, "CONFIG", replace(recipe.CONFIG, epochs=1, batch_size=20))
    monkeypatch.setattr(recipe, "PRECISION", "fp32")
    wanted = [recipe.Job("original"), recipe.Job("class:Sneaker"), recipe.Job("random:0.1@0", 1)]
    monkeypatch.setattr(recipe, "jobs", lambda _: wanted)
    return tmp_path / "models" / recipe.ID


def content(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*.safetensors"))
    }


def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Fills up with the specifications that are trained from now on."""
    seen, train = [], recipe.train

    def watched(job: recipe.Job, dataset: Dataset) -> Any:
        seen.append(job.spec)
        return train(job, dataset)

    monkeypatch.setattr(recipe, "train", watched)
    return seen


def test_everything_is_trained_once_and_entered_into_the_card(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = trained(monkeypatch)
    recipe.main([])
    assert seen == ["original", "class:Sneaker", "random:0.1@0"]
    card = read_card(models)
    assert content(models) == {card.file: card.sha256} | {g.file: g.sha256 for g in card.retrained}
    assert [(g.spec, g.second, g.seed) for g in card.retrained] == [
        ("class:Sneaker", False, 0),
        ("random:0.1@0", True, 1),
    ]
    assert all(g.bytes == (models / g.file).stat().st_size for g in card.retrained)
    assert len({*content(models).values()}) == 3
    assert all(p.stat().st_mode & 0o444 == 0o444 for p in models.rglob("*.safetensors"))
    load_weights(build_module(card.architecture), models / card.file, sha256=card.sha256)
    assert set(card.metrics) == {"RA", "TA"}
    assert set(card.retrained[0].metrics) == {"FA", "RA", "TA"}


@pytest.mark.parametrize(
    ("argv", "damaged", "again"),
    [
        ([], False, []),
        (["--again"], False, ["original", "class:Sneaker", "random:0.1@0"]),
        ([], True, ["class:Sneaker"]),
    ],
)
def test_only_what_is_damaged_or_asked_for_is_trained_again_to_the_same_bytes(
    models: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str], damaged: bool, again: list[str]
) -> None:
    recipe.main([])
    before, card = content(models), (models / "card.json").read_bytes()
    path = models / "retrained" / "class-Sneaker.safetensors"
    if damaged:
        path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1]))
    seen = trained(monkeypatch)
    recipe.main(argv)
    assert seen == again
    assert content(models) == before
    assert again or (models / "card.json").read_bytes() == card


@pytest.mark.parametrize("survivors", [0, 1, 2])
def test_resumed_is_unbroken(models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, survivors: int) -> None:
    recipe.main([])
    unbroken = content(models)
    models.rename(tmp_path / "unbroken")
    save, saved = recipe.save, [0]

    def broken(*arguments: Any) -> Any:
        if saved[0] == survivors:
            raise KeyboardInterrupt
        saved[0] += 1
        return save(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(recipe, "save", broken)
        with pytest.raises(KeyboardInterrupt):
            recipe.main([])
    assert len(content(models)) == survivors
    seen = trained(monkeypatch)
    recipe.main([])
    assert len(seen) == 3 - survivors
    assert content(models) == unbroken
    card, other = read_card(models), read_card(tmp_path / "unbroken")
    assert [(g.spec, g.sha256, g.metrics) for g in card.retrained] == [
        (g.spec, g.sha256, g.metrics) for g in other.retrained
    ]
    assert (card.sha256, card.metrics) == (other.sha256, other.metrics)


def test_an_unknown_choice_is_refused(
    models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        recipe.main(["--only", "class:Sneeker"])
    assert caught.value.code == 2
    assert "class:Sneeker" in capsys.readouterr().err


def test_a_retrained_model_without_its_original_fails_before_it_trains(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = trained(monkeypatch)
    with pytest.raises(AssetError):
        recipe.main(["--only", "class:Sneaker"])
    assert seen == []
