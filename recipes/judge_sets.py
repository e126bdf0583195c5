"""What each judge of generated pictures is made of: its pictures, its network and how it learns."""

from __future__ import annotations

from dataclasses import dataclass

from recipes.image_sets import CIFAR10, FASHION_MNIST, ImageSet
from recipes.reject_pictures import GROUPS
from sfr_core.nets.judge import MEAN, STD


@dataclass(frozen=True, slots=True)
class JudgeRecipe:
    """How one judge is trained.

    Attributes:
        id, title: what its card says.
        data: its pictures and their classes.
        groups: of the classes; a picture pasted together from different groups shows nothing.
        channels, widths: of the network.
        scale: mean and standard deviation of all pixels in 0 to 1.
        reach, mirror: how far pictures are moved, and whether half are flipped, while they are varied.
        background: what moves in at the edges, in 0 to 1.
        epochs, batch, lr, rejects: of the training; new rejects in each epoch.
        wanted: least share of test pictures whose best class is right, percent.
    """

    id: str
    title: str
    data: ImageSet
    groups: tuple[int, ...]
    channels: int
    widths: tuple[int, ...]
    scale: tuple[float, float]
    reach: int
    mirror: bool
    background: float
    epochs: int
    batch: int
    lr: float
    rejects: int
    wanted: float


FASHION_JUDGE = JudgeRecipe(
    id="fashion-mnist-judge",
    title="Judge of generated Fashion-MNIST pictures",
    data=FASHION_MNIST,
    groups=tuple(GROUPS.tolist()),
    channels=1,
    widths=(16, 48, 144),
    scale=(MEAN, STD),
    reach=1,
    mirror=False,
    background=0.0,
    epochs=7,
    batch=128,
    lr=0.15,
    rejects=12_000,
    wanted=92.0,
)

CIFAR_JUDGE = JudgeRecipe(
    id="cifar10-judge",
    title="Judge of generated CIFAR-10 pictures",
    data=CIFAR10,
    groups=(0, 1, 2, 3, 4, 3, 5, 4, 6, 1),  # a car's front on a truck is a truck; so with cat and dog, deer and horse
    channels=3,
    widths=(32, 64, 128, 256),
    scale=(0.473, 0.251),
    reach=4,
    mirror=True,
    background=0.473,
    epochs=12,
    batch=128,
    lr=0.15,
    rejects=10_000,
    wanted=80.0,
)

JUDGES = {"fashion-mnist": FASHION_JUDGE, "cifar10": CIFAR_JUDGE}
"""By data."""
