"""The pictures of the diffusion model's recipes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recipes.ddpm.recipes import RECIPES
from recipes.image_sets import CIFAR10
from sfr_core.data.datasets import ASSETS, CIFAR_CLASSES
from sfr_core.errors import AssetError


def test_coloured_pictures_come_from_a_folder(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for number, name in enumerate(CIFAR_CLASSES):
            (tmp_path / part / name).mkdir(parents=True)
            Image.new("RGB", (32, 32), (20 * number, 0, 255)).save(tmp_path / part / name / "0.png")
    found = CIFAR10.read(tmp_path)
    assert found.images.shape == (10, 32, 32, 3)
    assert found.images[np.argsort(found.labels), 0, 0, 0].tolist() == [20 * n for n in range(10)]
    recipe = RECIPES["cifar10", "paper"]
    assert 3 not in recipe.pictures(tmp_path, "cat").labels
    with pytest.raises(AssetError, match="no class 'Trouser'"):
        recipe.pictures(tmp_path, "Trouser")


def test_left_out_class_is_not_among_the_pictures() -> None:
    data = RECIPES["fashion-mnist", "small"].pictures(ASSETS / "fashion_mnist", "Trouser")
    assert len(data) == 9000
    assert sorted(set(data.labels.tolist())) == [0, 2, 3, 4, 5, 6, 7, 8, 9]
