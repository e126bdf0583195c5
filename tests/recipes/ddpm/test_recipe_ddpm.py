"""The pictures of the diffusion model's recipes."""

from pathlib import Path

import numpy as np
from PIL import Image

from recipes.ddpm.training import RECIPES
from recipes.image_sets import CIFAR10
from sfr_core.data.datasets import ASSETS, CIFAR_CLASSES


def test_coloured_pictures_come_from_a_folder(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for number, name in enumerate(CIFAR_CLASSES):
            (tmp_path / part / name).mkdir(parents=True)
            Image.new("RGB", (32, 32), (20 * number, 0, 255)).save(tmp_path / part / name / "0.png")
    found = CIFAR10.read(tmp_path, "train")
    assert found.images.shape == (10, 32, 32, 3)
    assert found.images[np.argsort(found.labels), 0, 0, 0].tolist() == [20 * n for n in range(10)]
    assert 3 not in RECIPES["cifar10", "paper"].pictures(tmp_path, "cat").labels


def test_left_out_class_is_not_among_the_pictures() -> None:
    data = RECIPES["fashion-mnist", "small"].pictures(ASSETS / "fashion_mnist", "Trouser")
    assert len(data) == 9000
    assert sorted(set(data.labels.tolist())) == [0, 2, 3, 4, 5, 6, 7, 8, 9]
