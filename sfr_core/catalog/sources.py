"""What presets of several methods share: names of models, sources, and values that go together."""

from __future__ import annotations

from typing import Any

FASHION, FASHION_DDPM, EMOJI_DIT, EMOJI_SD = "fashion-mnist-resnet", "fashion-mnist-ddpm", "emoji-dit", "emoji-sd"
SWIN = "hub:timm/swin_tiny_patch4_window7_224.ms_in1k"

AUTHORS = "The authors' code (K1nght/Unified-Unlearning-w-Remain-Geometry, 36bb7f6) for "
CIFAR = (
    AUTHORS + "CIFAR-10, ResNet-18, a random tenth; chosen there against the retrained model's test metrics."
)  # docs/reference.md, sections 2.1 and 3.1
TINY_IMAGENET = (
    AUTHORS + "TinyImageNet, Swin-T, a random tenth; chosen there against the retrained model's test metrics."
)
DDPM = AUTHORS + "its DDPM on CIFAR-10, whose network has 36 million weights."
NONE_PUBLISHED = "The optimiser of the authors' DiT runs; their code runs no other method than SFR-on on DiT."

START = "A first guess from the published values, shortened to this model's size; not tuned yet."
SMALL = "A first guess from the published values, shortened to a small model; not tuned yet."
TUNED = (
    "Tuned by `python -m recipes.tuning.classifier` on 10,000 held-out training pictures of Fashion-MNIST (the second 1,000 of each class), "
    "never on the test set: "
)
ALIKE = (
    "The best of eight settings, as many as every other method got (`python -m bench.tuning`), on 10,000 held-out training pictures of "
    "Fashion-MNIST, never on the test set: "
)
TUNED_CLASS = ALIKE + "forgetting Coat and Ankle boot."
TUNED_TENTH = ALIKE + "forgetting the random tenth of seed 100."
TWO_RATES = (
    "The better of two learning rates on the shipped model, with a run's seed and noise that no table uses (docs/adr/0030); the rest is a "
    "first guess from the published values."
)
REAL_DIT = (
    "A first guess from the published values, which never ran on a real DiT here: batches that by this program's count fit a card of 24 GB "
    "with DiT-XL/2; the published learning rate, or that of our small model lowered with the root of the batch."
)
REAL_SD = (
    "A first guess from the published values, which never ran on a real Stable Diffusion here: batches that by this program's count fit "
    "a card of 24 GB with Stable Diffusion 1.x, and with sparing memory, 8-bit Adam and cross-attention one of 16 GB; the learning rate of "
    "our small models, lowered with the root of the batch."
)

SWIN_ADAMW: dict[str, Any] = {"optimizer": "adamw", "weight_decay": 0.05, "lr": 1e-4, "epochs": 1}
DIT_QUICK: dict[str, Any] = {"optimizer": "adamw", "batch_size": 64}
DIT_ONE: dict[str, Any] = {"optimizer": "adamw", "lr": 1e-4, "steps": 600, "batch_size": 1}
